"""Schema versions: made fresh, brought up step by step, refused with a word on what to install."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from autotrack.core.errors import SchemaVersionError, StoreError
from autotrack.core.filesystems import file_system, is_network
from autotrack.core.journal import Cursor
from autotrack.core.journal.reader import Batch
from autotrack.store import schema
from autotrack.store.schema import migrate
from autotrack.store.schema.migrate import Step, upgrade
from autotrack.store.store import DATABASE, Store

#: The schema of this code, from where a later version's chain goes on.
HEAD = schema.VERSION
#: A chain as a later version could bring: adding, filling, rebuilding a table under another name.
STEPS = {
    HEAD: Step(
        (
            "ALTER TABLE runs ADD COLUMN mood TEXT",
            "UPDATE runs SET mood = 'fine'",
            "CREATE TABLE notes (run INTEGER PRIMARY KEY REFERENCES runs (n), text TEXT NOT NULL)",
            "INSERT INTO notes SELECT n, name FROM runs",
        ),
        min_reader=1,
        min_writer=2,
    ),
    HEAD + 1: Step(
        (
            "CREATE TABLE tags2 (run INTEGER NOT NULL REFERENCES runs (n), key TEXT NOT NULL, value TEXT NOT NULL)",
            "INSERT INTO tags2 SELECT run, key, value FROM tags",
            "DROP TABLE tags",
            "ALTER TABLE tags2 RENAME TO tags",
            "CREATE INDEX tags_by_key ON tags (key, value)",
        ),
        min_reader=3,
        min_writer=3,
    ),
}
STATEMENTS = sum(len(step.statements) for step in STEPS.values()) + 1

CHILD = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from autotrack.store.schema.migrate import upgrade
from test_store_migrate import HEAD, STEPS
left = [int(sys.argv[2])]
def on_statement(text):
    left[0] -= 1
    if left[0] < 0:
        os.kill(os.getpid(), signal.SIGKILL)
upgrade(Path(sys.argv[1]), steps=STEPS, head=HEAD + 2, on_statement=on_statement)
"""


def rows(path, table="params"):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()


def version(path):
    return int(dict(rows(path, "meta"))["schema"])


@pytest.fixture
def database(store, program):
    for n in range(20):
        program.made(name=f"r{n}", params={"a": str(n)}, tags={"t": str(n)}, metrics={"m": n})
    store.runs()
    program.close()
    store.deliver(store.root / "journal")
    store.close()
    return store.database


def test_a_fresh_database_is_at_head(tmp_path):
    Store.open(tmp_path).close()
    assert version(tmp_path / DATABASE) == schema.VERSION
    assert upgrade(tmp_path / DATABASE) is None


def test_a_database_of_schema_1_is_brought_up_to_what_a_fresh_one_is(tmp_path):
    """``schema1.sql`` is a dump of a database that the first release wrote."""
    old, fresh = tmp_path / "old" / DATABASE, tmp_path / "fresh" / DATABASE
    old.parent.mkdir()
    with closing(sqlite3.connect(old)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript(Path(__file__).with_name("schema1.sql").read_text())
    with pytest.raises(SchemaVersionError, match="db upgrade"):
        Store.open(old.parent)
    assert version(upgrade(old)) == 1
    Store.open(fresh.parent).close()
    assert shape(old) == shape(fresh)
    store = Store.open(old.parent)
    (run,) = store.runs()
    assert (run.name, run.params, run.metrics["loss"], run.random_state) == ("old one", {"lr": "0.1"}, 0.2, None)
    assert run.datasets[0].columns == {"": "float64[2]"} and run.datasets[0].fingerprint is None
    assert store.metric_history(run.id, "loss").values.tolist() == [1.0, 1 / 2, 1 / 3, 1 / 4, 1 / 5]
    assert store.session(run.session).data["id"] == run.session
    store.close()


def test_a_database_of_schema_2_knows_when_its_runs_were_told_of(tmp_path, monkeypatch):
    """``schema2.sql`` is a dump too: runs that ended, that goes on, that crashed, and one whose start was lost."""
    monkeypatch.setenv("AUTOTRACK_LOST_AFTER", "0")  # the one that goes on was last heard of when the dump was made
    old, fresh = tmp_path / "old" / DATABASE, tmp_path / "fresh" / DATABASE
    old.parent.mkdir()
    with closing(sqlite3.connect(old)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript(Path(__file__).with_name("schema2.sql").read_text())
    assert version(upgrade(old)) == 2
    Store.open(fresh.parent).close()
    assert shape(old) == shape(fresh)
    store = Store.open(old.parent)
    ended, lost, alive, dead = (store.run(letter * 32) for letter in "abcd")
    assert [str(run.status) for run in (ended, lost, alive, dead)] == ["FINISHED", "CRASHED", "RUNNING", "CRASHED"]
    with store._reading() as connection:
        writers = dict(tuple(row) for row in connection.exec_driver_sql("SELECT id, writer FROM runs"))

    def send(run, kind, moment, **fields):
        record = {"k": kind, "t": moment, "r": run.id, **fields}
        cursor = store.cursor(writers[run.id])
        store.apply(writers[run.id], cursor, Batch([record], [], Cursor(cursor.events + 1, cursor.points), 0, False))
        return store.run(run.id)

    # Older than what the database knows, by another writer: nothing changes. A lost start is taken whenever it comes.
    writers[ended.id] = "e" * 32
    assert send(ended, "run_end", ended.started, status="FAILED") == replace(ended, health={})
    assert send(lost, "run_start", 5, name="found", experiment="x").started == 5
    assert store.run(lost.id).name == "found"
    # Newer: it counts. The dead one's writer is heard of again.
    assert send(alive, "run_end", time.time_ns(), status="FAILED").status == "FAILED"
    assert send(dead, "params", dead.started, params={"a": "1"}).status == "RUNNING"
    assert store.run(ended.id).status == "FINISHED"
    store.close()


def test_a_database_of_schema_3_gets_the_tables_of_a_server(tmp_path):
    """``schema3.sql`` is a dump of a run with a data set, in an experiment of its own."""
    old, fresh = tmp_path / "old" / DATABASE, tmp_path / "fresh" / DATABASE
    old.parent.mkdir()
    with closing(sqlite3.connect(old)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript(Path(__file__).with_name("schema3.sql").read_text())
    assert version(upgrade(old)) == 3
    Store.open(fresh.parent).close()
    assert shape(old) == shape(fresh)
    store = Store.open(old.parent)
    (run,) = store.runs()
    assert (run.name, run.experiment, run.params, run.datasets[0].mlflow) == ("third", "old", {"lr": "0.1"}, None)
    assert store.experiments()[0].artifact_location is None
    store.close()


def shape(path):
    """Every table's columns with types, and every index with its columns."""
    with closing(sqlite3.connect(path)) as connection:
        tables = connection.execute("SELECT name, type FROM sqlite_master WHERE type IN ('table', 'index')").fetchall()
        return {
            name: sorted(row[1:] for row in connection.execute(f"PRAGMA {kind}_info({name})"))
            if kind == "table"
            else [row[1:] for row in connection.execute(f"PRAGMA index_xinfo({name})")]
            for name, kind in tables
        }


def test_a_chain_of_steps(database):
    before = {table: rows(database, table) for table in ("params", "series", "tags", "runs")}
    backup = upgrade(database, steps=STEPS, head=HEAD + 2)
    assert version(database) == HEAD + 2
    assert rows(database, "tags") == before["tags"] and rows(database, "params") == before["params"]
    assert [row[1] for row in rows(database, "notes")] == [f"r{n}" for n in range(20)]
    assert backup is not None and version(backup) == HEAD
    assert {table: rows(backup, table) for table in before} == before
    assert backup.stat().st_mode & 0o777 == 0o600
    assert upgrade(database, steps=STEPS, head=HEAD + 2) is None


@pytest.mark.parametrize("at", range(STATEMENTS + 1))
def test_killed_at_any_statement_it_is_old_or_new_and_can_be_done_again(database, at):
    before = {table: rows(database, table) for table in ("params", "series", "runs", "tags")}
    child = subprocess.run([sys.executable, "-c", CHILD, str(database), str(at), str(Path(__file__).parent)])
    killed = at < STATEMENTS
    assert child.returncode == (-signal.SIGKILL if killed else 0)
    assert version(database) == (HEAD if killed else HEAD + 2)
    if killed:
        assert {table: rows(database, table) for table in before} == before
        with closing(sqlite3.connect(database)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        upgrade(database, steps=STEPS, head=HEAD + 2)
    assert version(database) == HEAD + 2 and rows(database, "tags") == before["tags"]
    assert list(database.parent.glob("*.partial*")) == []


def test_a_step_that_fails_changes_nothing(database):
    broken = {**STEPS, HEAD + 1: Step(("DROP TABLE params", "NONSENSE"), 1, 1)}
    with pytest.raises(StoreError, match="nothing was changed"):
        upgrade(database, steps=broken, head=HEAD + 2)
    assert version(database) == HEAD and len(rows(database)) == 20
    dangling = {HEAD: Step(("DELETE FROM runs WHERE n = 1",), 1, 1)}
    with pytest.raises(StoreError, match="broken references"):
        upgrade(database, steps=dangling, head=HEAD + 1)
    assert len(rows(database, "runs")) == 20
    with pytest.raises(StoreError, match=f"no way from schema {HEAD} to {HEAD + 1}"):
        upgrade(database, steps={}, head=HEAD + 1)


def set_meta(path, **values):
    with closing(sqlite3.connect(path)) as connection:
        for key, value in values.items():
            connection.execute("UPDATE meta SET value = ? WHERE key = ?", (str(value), key))
        connection.commit()


def test_a_newer_schema_says_what_to_install(database):
    set_meta(database, schema=9, min_reader=9, min_writer=9, written_by="7.8.9")
    with pytest.raises(SchemaVersionError, match=r"autotrack>=7\.8\.9"):
        Store.open(database.parent)


def test_a_newer_schema_may_still_be_read(database):
    set_meta(database, schema=9, min_reader=1, min_writer=9, written_by="7.8.9")
    store = Store.open(database.parent)
    assert len(store.runs()) == 20
    for change in (lambda: store.delete_runs(["00"]), lambda: store.deliver(store.root / "journal")):
        with pytest.raises(SchemaVersionError, match=r"autotrack>=7\.8\.9"):
            change()
    store.close()


def test_an_older_schema_says_how_to_upgrade(database):
    set_meta(database, schema=0, written_by="0.0.1")
    found = migrate._peek(database)
    with pytest.raises(SchemaVersionError, match=r"db upgrade.*autotrack==0\.0\.1"):
        migrate.check(migrate.Found(1, 1, 1, "0.0.1"), database, head=2)
    assert found.written_by == "0.0.1"


def test_a_database_of_something_else_is_left_alone(tmp_path):
    path = tmp_path / "x.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE precious (x)")
        connection.commit()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="something else"):
        Store.open(path)
    assert path.read_bytes() == before


def test_no_write_ahead_log_on_network_file_systems(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(migrate, "file_system", lambda path: "nfs4")
    store = Store.open(tmp_path / "net")
    assert store.experiments() == []
    with closing(sqlite3.connect(store.database)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    store.close()
    Store.open(tmp_path / "net").close()
    assert caplog.text.count("network file system (nfs4)") == 1
    for kind, network in {
        "ext4": False,
        "nfs": True,
        "fuse.sshfs": True,
        "fuseblk": False,
        "cifs": True,
        "": False,
    }.items():
        assert is_network(kind) is network


def test_file_system_is_known_here():
    assert file_system(Path("/proc")) == "proc"


def test_a_read_only_store_is_read(database):
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    database.chmod(0o400)
    database.parent.chmod(0o500)
    store = Store.open(database.parent)
    assert len(store.runs()) == 20
    database.parent.chmod(0o700)
