"""R6: the nth system call fails, a folder becomes read-only, the database's own disk is full."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

import autotrack
from autotrack.core import config
from autotrack.core.runs import trackers

TRAINER = """
import sys, time, autotrack
run = autotrack.start_run("it")
acked = 0
for step in range(int(sys.argv[1])):
    run.log_metric("loss", float(step), step)
    if step % 500 == 0:
        run.log_param(f"p{step}", step)
run.log_text("text", "notes.txt")
run.finish()
print("trained")
"""


def traced(tmp_path: Path, fault: str, source: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = tmp_path / "trainer.py"
    path.write_text(source)
    command = ["strace", "-f", "-qq", "-e", "signal=none", "-o", os.devnull, "-e", f"inject={fault}"]
    return subprocess.run(
        [*command, sys.executable, str(path), *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=100
    )


def check(store: Path, done: subprocess.CompletedProcess[str], points: int) -> None:
    """Training went on; what is kept is whole, and what is not is counted; the database is sound."""
    assert done.returncode == 0, done.stderr
    assert done.stdout == "trained\n"
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") <= 2, done.stderr  # one warning a cause: the journal, the artifact
    spare = config.spare_folder() / "journal"
    trackers.close_all()
    if spare.exists():
        trackers.tracker().sink().deliver(spare)
    runs = autotrack.search_runs()
    if runs:
        (run,) = runs
        steps = run.metric_history("loss").steps.tolist() if "loss" in run.metrics else []
        assert steps == sorted(set(steps))  # none twice
        assert set(steps) <= set(range(points))  # none invented
        lost = int(run.health.get("lost_points", 0))
        assert len(steps) + lost == points
        assert run.status == "FINISHED"
    else:
        assert done.stderr  # it was said
    if (store / "autotrack.db").exists():
        with sqlite3.connect(store / "autotrack.db") as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        connection.close()


needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


@needs_strace
@pytest.mark.parametrize("error", ["ENOSPC", "EIO", "EDQUOT"])
@pytest.mark.parametrize(
    "when", ["fallocate:{}:when=1", "fallocate:{}:when=2", "fallocate:{}:when=3+", "pwrite64:{}:when=2+",
             "fdatasync,fsync:{}", "ftruncate:{}", "mkdir:{}"],
)  # fmt: skip
def test_the_nth_call_fails(
    error: str, when: str, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # where journals go that the store's folder does not take
    done = traced(tmp_path, when.format(f"error={error}"), TRAINER, "20000")
    check(store, done, 20_000)


READ_ONLY = """
import os, time, autotrack
root = os.environ["AUTOTRACK_TRACKING_URI"]
run = autotrack.start_run("it")
run.log_metric("loss", 0.0, 0)
for folder, folders, files in os.walk(root, topdown=False):
    os.chmod(folder, 0o500)
for step in range(1, 100_000):
    run.log_metric("loss", float(step), step)
run.log_text("text", "notes.txt")
run.finish()
print("trained")
"""


def test_a_folder_becomes_read_only(store: Path, tmp_path: Path) -> None:
    """The journal is open already and grows on; only the artifact is refused, once."""
    path = tmp_path / "trainer.py"
    path.write_text(READ_ONLY)
    command = [sys.executable, str(path)]
    if os.geteuid() == 0:  # root may write anywhere: take that power away
        if shutil.which("setpriv") is None:
            pytest.skip("setpriv is not installed, and root writes to read-only folders")
        command = ["setpriv", "--inh-caps=-all", "--bounding-set=-dac_override,-dac_read_search,-fowner", *command]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    for folder, _, _ in os.walk(store):
        os.chmod(folder, 0o700)
    assert (done.returncode, done.stdout) == (0, "trained\n"), done.stderr
    run = autotrack.last_run()
    assert run.status == "FINISHED"
    assert len(run.metric_history("loss")) == 100_000
    if not run.artifacts:
        assert done.stderr.count("\n") == 1
        assert run.health["refused_artifacts"] == 1


def test_a_limit_on_file_sizes(store: Path, script) -> None:
    done = script(
        """
        import resource, autotrack
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        run = autotrack.start_run("it")
        resource.setrlimit(resource.RLIMIT_FSIZE, (700_000, hard))
        for step in range(60_000):
            run.log_metric("loss", float(step), step)
        run.log_text("x" * 1_000_000, "big.txt")
        run.log_param("p", 1)
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        run.finish()
        print("trained")
        """
    )
    assert (done.returncode, done.stdout) == (0, "trained\n"), done.stderr
    assert 1 <= done.stderr.count("\n") <= 2, done.stderr  # the journal's room, the artifact
    run = autotrack.last_run()
    kept = run.metric_history("loss").steps.tolist()
    assert kept == list(range(len(kept))) and 1000 < len(kept) < 60_000
    assert len(kept) + int(run.health["lost_points"]) == 60_000
    assert (run.status, run.params, run.artifacts) == ("FINISHED", {"p": "1"}, ())
    assert run.health["refused_artifacts"] == 1
    assert not list(store.rglob("*partial*"))


@pytest.mark.skipif(os.geteuid() != 0, reason="a small file system needs root to be mounted")
def test_the_databases_disk_is_full(store: Path, tmp_path: Path, script) -> None:
    """Journal and database on one small disk is full: one sentence, delivered later."""
    store.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(store)], capture_output=True)
    if made.returncode:
        pytest.skip("this machine lets nobody mount")
    try:
        done = script(
            """
            import os, autotrack
            with autotrack.start_run("it") as run:
                for step in range(20_000):
                    run.log_metric("loss", float(step * 7919 % 1009) * 1.1, step)
            with open(os.path.join(os.environ["AUTOTRACK_TRACKING_URI"], "ballast"), "wb", buffering=0) as file:
                try:
                    while True: file.write(os.urandom(1024))
                except OSError: pass
            try:
                autotrack.search_runs()
                print("read")
            except autotrack.AutotrackError as error:
                print("refused:", error)
            """
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("refused:")
        assert "Traceback" not in done.stderr
        assert list((store / "journal").glob("*.atj"))  # kept
        (store / "ballast").unlink()
        run = autotrack.last_run()
        assert len(run.metric_history("loss")) == 20_000
        assert run.status == "FINISHED"
        with sqlite3.connect(store / "autotrack.db") as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        connection.close()
    finally:
        trackers.close_all()
        subprocess.run(["umount", "-l", str(store)], check=True)
