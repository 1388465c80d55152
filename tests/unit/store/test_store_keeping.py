"""A store beside real programs: private files, artifacts that go with their run, what it loads, full disks."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import autotrack
import autotrack.store as store_package
from autotrack.core.addresses import address
from autotrack.core.config import find_store, load_settings
from autotrack.core.errors import StoreError
from autotrack.core.journal import JournalWriter
from autotrack.core.runs import trackers
from autotrack.core.runs.names import experiment_id
from autotrack.models.located import is_own
from autotrack.store.engines import dialect, sqlite
from autotrack.store.store import Store

PACKAGE = Path(store_package.__file__).parent


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    for name in [name for name in os.environ if name.startswith("AUTOTRACK_")]:
        monkeypatch.delenv(name)
    root = tmp_path / "deep" / "down" / ".autotrack"
    monkeypatch.setenv("AUTOTRACK_TRACKING_URI", str(root))
    monkeypatch.chdir(tmp_path)
    trackers.close_all()
    yield root
    trackers.close_all()


def test_gc_frees_the_artifacts_of_a_deleted_run(place):
    with autotrack.start_run("goes") as gone:
        gone.log_text("x" * 5000, "notes/a.txt")
    with autotrack.start_run("stays") as kept:
        kept.log_text("y", "b.txt")
    store = Store.open(place)
    store.delete_runs([gone.id])
    planned = store.garbage()
    folder = place / "artifacts" / experiment_id("default") / gone.id
    assert planned.runs == (gone.id,) and planned.bytes == 5000
    assert planned.files == (folder / "notes" / "a.txt",)
    store.collect_garbage(planned)
    assert not folder.exists()
    assert [path.name for path in (place / "artifacts").rglob("*") if path.is_file()] == ["b.txt"]


def test_gc_leaves_alone_what_lies_outside(place, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("")
    (place / "artifacts").mkdir(parents=True)
    (place / "artifacts" / "link").symlink_to(outside)
    writer = JournalWriter(place / "journal")
    uris = [str(outside), "../../../outside", "artifacts", "artifacts/..", "", "artifacts/link", "s3://outside"]
    for number, _ in enumerate(uris):
        fields = {"name": "n", "experiment": "e", "tags": {}}
        writer.event({"k": "run_start", "t": 1, "r": f"{number:032x}", **fields})
    writer.close()
    store = Store.open(place)
    store.runs()
    with dialect.begin_write(store._engine) as connection:  # no record may say this; a database may be anybody's
        for number, uri in enumerate(uris):
            connection.exec_driver_sql("UPDATE runs SET artifact_uri = ? WHERE id = ?", (uri, f"{number:032x}"))
    assert store.delete_runs([run.id for run in store.runs()]) == len(uris)
    assert store.garbage().files == ()


def test_everything_a_program_makes_is_private(place):
    with autotrack.start_run() as run:
        run.log_metric("m", 1.0)
        run.log_text("x", "a/b.txt")
    trackers.close_all()
    autotrack.get_run(run.id)
    for path in (place.parent.parent, place.parent, place, *place.rglob("*")):
        if path.name != ".gitignore":
            wanted = 0o700 if path.is_dir() else 0o600
            assert stat.S_IMODE(path.stat().st_mode) == wanted, path


@pytest.mark.parametrize("said", ["runs", "./runs", "sqlite:///runs/autotrack.db"])
def test_a_relative_uri_in_the_project_file_is_beside_that_file(said, tmp_path, monkeypatch):
    monkeypatch.delenv("AUTOTRACK_TRACKING_URI")
    project = tmp_path / "project"
    (project / "src").mkdir(parents=True)
    (project / "pyproject.toml").write_text(f'[tool.autotrack]\ntracking_uri = "{said}"\n')
    monkeypatch.chdir(project / "src")
    for location in (find_store(), find_store(load_settings().tracking_uri)):
        assert address(location.uri) == address(project / "runs")
    monkeypatch.setenv("AUTOTRACK_TRACKING_URI", "runs")
    assert find_store().root == project / "src" / "runs"


def test_a_url_in_the_project_file_stays_one(tmp_path, monkeypatch):
    monkeypatch.delenv("AUTOTRACK_TRACKING_URI")
    (tmp_path / "pyproject.toml").write_text('[tool.autotrack]\ntracking_uri = "https://example.org/x"\n')
    assert find_store().uri == "https://example.org/x"


def test_experiments_have_the_id_that_programs_derive(place):
    store = Store.open(place)
    first = store.create_experiment("näme")
    assert first.id == experiment_id("näme")
    store.rename_experiment("näme", "other")
    assert store.create_experiment("näme").id == experiment_id("näme", 1)


def test_own_models_are_those_of_the_tracker_in_force(place, tmp_path, monkeypatch):
    (place / "artifacts" / "model").mkdir(parents=True)
    trackers.tracker()
    monkeypatch.setenv("AUTOTRACK_TRACKING_URI", str(tmp_path / "elsewhere"))
    assert is_own(place / "artifacts" / "model")
    assert not is_own(tmp_path)


def test_listing_short_runs_loads_no_numpy(place):
    with autotrack.start_run() as run:
        for step in range(10):
            run.log_metric("m", step / 2, step)
            run.log_metric("n", 2**60 + step, step)
        run.add_children([{"id": "c" * 32, "name": "c", "started": 1, "ended": 2, "status": "FINISHED",
                           "metrics": {"m": 0.5}}])  # fmt: skip
    trackers.close_all()
    source = """
import sys
from autotrack.store.store import Store
store = Store.open(sys.argv[1])
assert len(store.runs("metrics.m > 0", order_by=["metrics.m"])) == 2
assert store.metric_summaries(sys.argv[2])[0].count == 10
assert "numpy" not in sys.modules
store.metric_history(sys.argv[2], "m")
assert "numpy" in sys.modules
"""
    subprocess.run([sys.executable, "-c", source, str(place), run.id], check=True)


def test_what_only_one_engine_knows_stands_apart():
    """``engines`` for queries, ``migrate`` for the file: everything else works on any engine."""
    special = re.compile(
        r"json_each|json_extract|\bGLOB\b|PRAGMA|on_conflict|dialects|import sqlite3|psycopg\b"
        r"|func\.max\((?!versions)[^)]*\)\)\)\.scalar|unnest"
    )
    offenders = [
        path.name
        for path in PACKAGE.rglob("*.py")
        if path.parent.name != "engines" and path.name != "migrate.py" and special.search(path.read_text())
    ]
    assert offenders == []
    assert all(special.search((PACKAGE / "engines" / name).read_text()) for name in ("sqlite.py", "postgresql.py"))


FULL_DISK = """
import os, sys, time
from pathlib import Path
from autotrack.core.errors import StoreError
from autotrack.core.journal import JournalWriter
from autotrack.store.store import Store

small, roomy = Path(sys.argv[1]), Path(sys.argv[2])
store = Store.open(small / "s")
writer = JournalWriter(roomy / "journal")
for number in range(50):
    run = f"{number:032x}"
    writer.event({"k": "run_start", "t": 1, "r": run, "name": "n", "experiment": "e", "tags": {}})
    writer.event({"k": "params", "t": 1, "r": run, "params": {"p": os.urandom(20_000).hex()}})
    writer.event({"k": "run_end", "t": 2, "r": run, "status": "FINISHED", "ended": 2})
writer.close()
ballast = small / "ballast"
with ballast.open("wb", buffering=0) as file:
    try:
        while True:
            file.write(bytes(4096))
    except OSError:
        pass
for _ in range(3):
    try:
        store.deliver(roomy / "journal")
        raise SystemExit("it took everything on a full disk")
    except StoreError as error:
        assert "disk is full" in str(error) and "SELECT" not in str(error) and "INSERT" not in str(error), error
    assert writer.path.exists()
ballast.unlink()
assert store.check() == []
assert store.deliver(roomy / "journal").events == 150
assert len(store.runs()) == 50 and store.check() == []
assert not writer.path.exists()
store.close()
"""


def test_a_full_disk_is_one_clear_error_and_costs_nothing(tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(small)], capture_output=True).returncode:
        pytest.skip("only root can mount a small disk")
    try:
        command = [sys.executable, "-c", FULL_DISK, str(small), str(tmp_path / "roomy")]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_a_store_that_is_kept_locked_says_so(place, monkeypatch):
    store = Store.open(place)
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.05)
    other = Store.open(place)
    with dialect.begin_write(store._engine), pytest.raises(StoreError, match="kept the store locked"):
        other.create_experiment("e")
