"""A backup that is made while others write is a consistent prefix and itself a store; one byte of rot is found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import make_url

import autotrack
from autotrack.core.runs import trackers
from autotrack.store.backup import back_up, problems
from autotrack.store.store import Store
from tests import postgres

WRITER = """
import sys, autotrack
with autotrack.start_run("writes") as run:
    step = 0
    print("ready", flush=True)
    while not sys.stdin.closed:
        run.log_metric("loss", float(step), step)
        run.log_text(str(step), f"notes/{step % 20}.txt")
        step += 1
        if step % 50 == 0:
            print(step, flush=True)
"""


def autotrack_(*arguments: object, store: Path | str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "autotrack", "--store", str(store), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def filled(folder: Path) -> Store:
    with autotrack.start_run("first") as run:
        run.log_param("lr", 0.1)
        run.log_metrics({"loss": 0.5, "acc": 0.9})
        run.log_text("hello " * 200, "a/b.txt")
        run.log_text("world", "c.txt")
    autotrack.get_run(run.id)
    return Store.open(folder)


def test_a_backup_of_a_store_that_is_written_to_is_a_prefix_of_it(store: Path, tmp_path: Path) -> None:
    opened = filled(store)
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.readline()
    made = back_up(opened, tmp_path / "copy")
    process.stdout.readline()
    process.kill()
    process.wait()
    process.stdout.close()
    process.stdin.close() if process.stdin else None
    copy = Store.open(tmp_path / "copy")
    written = next(run for run in copy.runs() if run.name == "writes")
    steps = copy.metric_history(written.id, "loss").steps.tolist()
    assert len(steps) >= 50 and steps == list(range(len(steps)))
    now = opened.metric_history(written.id, "loss").steps.tolist()
    assert len(now) > len(steps) and now[: len(steps)] == steps
    # Notes that were written over while they were copied may be newer than their record, and nothing else is amiss.
    assert all(each.startswith(f"{written.id} notes/") for each in made.changed)
    assert [each.what for each in problems(copy) if "notes/" not in each.what] == []
    assert copy.run(written.id).params == {} and made.runs == 2
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o700
    copy.close()
    opened.close()


def test_a_backup_is_a_store(store: Path, tmp_path: Path) -> None:
    opened = filled(store)
    (run,) = opened.runs()
    opened.close()
    done = autotrack_("backup", tmp_path / "there" / "copy", "--json", store=store)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["runs"] == 1 and json.loads(done.stdout)["changed"] == []
    copy = Store.open(tmp_path / "there" / "copy")
    assert copy.run(run.id) == run
    with copy.artifacts.open(f"{run.experiment_id}/{run.id}", "a/b.txt") as stream:
        assert stream.read() == b"hello " * 200
    copy.close()
    assert autotrack_("verify", store=tmp_path / "there" / "copy").stdout == "everything is as it was stored\n"
    assert not list((tmp_path / "there").glob("*.partial"))
    again = autotrack_("backup", tmp_path / "there" / "copy", store=store)
    assert again.returncode == 2 and "is there already" in again.stderr


@pytest.mark.parametrize("where", ["artifacts", "objects"])
def test_one_byte_that_has_changed_is_found(store: Path, where: str) -> None:
    filled(store).close()
    victim = sorted(path for path in (store / where).rglob("*") if path.is_file())[0]
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes(content)
    done = autotrack_("verify", "--json", store=store)
    assert done.returncode == 1
    assert len(json.loads(done.stdout)["problems"]) == 1
    victim.unlink()
    gone = autotrack_("verify", store=store)
    # An object that is not there is missed by whoever refers to it, not here.
    assert gone.returncode == (1 if where == "artifacts" else 0)


def pg(program: str, *arguments: str) -> None:
    done = subprocess.run([postgres.programs() / program, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_a_database_is_dumped_while_it_is_written_to_restored_and_verified(
    store: Path, postgresql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R48 on PostgreSQL, as docs/postgresql.md says it is done."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AUTOTRACK_TRACKING_URI", postgresql)
    monkeypatch.setenv("AUTOTRACK_ARTIFACTS", str(tmp_path / "kept"))
    opened = Store.open(postgresql, artifacts=str(tmp_path / "kept"))
    with autotrack.start_run("first") as first:
        first.log_text("hello " * 200, "a/b.txt")
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ
    )
    assert process.stdout is not None and process.stdin is not None
    process.stdout.readline()
    process.stdout.readline()
    deadline = time.monotonic() + 30
    while not any(run.metrics.get("loss", 0) > 50 for run in opened.runs()):
        assert time.monotonic() < deadline, "the writer's points do not come"
    server, database = postgres.server_of_session(), str(make_url(postgresql).database)
    reached = ("-U", "postgres", "-h", str(server.folder))
    pg("pg_dump", "-Fc", *reached, "-f", str(tmp_path / "dump"), database)
    process.stdout.readline()
    process.kill()
    process.wait()
    process.stdout.close()
    process.stdin.close()
    restored = server.made(f"restored_{os.getpid()}")
    pg("pg_restore", *reached, "-d", f"restored_{os.getpid()}", str(tmp_path / "dump"))
    copy = Store.open(restored)
    run = next(each for each in copy.runs() if each.name == "writes")
    steps = copy.metric_history(run.id, "loss").steps.tolist()
    assert len(steps) >= 50 and steps == list(range(len(steps)))
    now = opened.metric_history(run.id, "loss").steps.tolist()
    assert len(now) > len(steps) and now[: len(steps)] == steps
    copy.close()
    # Every byte is read where everybody reads it: files and objects alike. Of notes that were written over and over,
    # the last may have died with the writer.
    victims = [tmp_path / "kept" / opened.run(first.id).experiment_id / first.id / "a/b.txt"]
    victims += [path for path in sorted((tmp_path / "kept" / ".objects").rglob("*")) if path.is_file()][:1]

    def found() -> list[str]:
        problems = json.loads(autotrack_("verify", "--json", store=postgresql).stdout)["problems"]
        return [each["what"] for each in problems if not each["what"].startswith(f"{run.id} notes/")]

    assert found() == []
    for victim in victims:
        content = bytearray(victim.read_bytes())
        content[len(content) // 2] ^= 1
        victim.write_bytes(content)
    assert found() == [f"{first.id} a/b.txt", f"object {victims[1].parent.name}{victims[1].name}"]
    opened.close()
    trackers.close_all()
