"""Brings a database to the schema that this code knows, or says which version to install.

A fresh database is made at the newest schema directly. An older one is brought up step by step: under a lock, after a
backup that was verified, in one transaction; killed at any moment it is wholly old or wholly new.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from sqlalchemy import insert

from autotrack.core.errors import SchemaVersionError, StoreError
from autotrack.core.guard import warn

from . import schema, schema_access, schema_models
from .dialect import connect_sqlite, file_system, is_network, sqlite_engine, translated

LOCK_SECONDS = 30.0
#: Imported so that ``schema.metadata`` knows every table.
TABLES = (schema, schema_models, schema_access)


@dataclass(frozen=True, slots=True)
class Step:
    """One step from a schema number to the next: SQL statements, and the oldest code that copes with the result."""

    statements: Sequence[str]
    min_reader: int
    min_writer: int


#: Schema number -> how to get from it to the next one. Written out, for a step must stay what it was.
STEPS: Mapping[int, Step] = {
    1: Step(
        (
            "ALTER TABLE runs ADD COLUMN random_state VARCHAR(64)",
            "CREATE INDEX runs_of_session ON runs (session)",
            "ALTER TABLE datasets ADD COLUMN kind TEXT",
            "ALTER TABLE datasets ADD COLUMN bytes INTEGER",
            "ALTER TABLE datasets ADD COLUMN fingerprint VARCHAR(64)",
            "ALTER TABLE datasets ADD COLUMN mlflow_digest TEXT",
            "ALTER TABLE datasets ADD COLUMN partial TEXT",
            "CREATE INDEX datasets_by_digest ON datasets (digest)",
            "CREATE INDEX artifacts_by_content ON artifacts (sha256)",
            "ALTER TABLE models ADD COLUMN digest VARCHAR(64)",
            "CREATE TABLE session_parts (session VARCHAR(64) NOT NULL, part VARCHAR(64) NOT NULL, data TEXT NOT NULL, "
            "PRIMARY KEY (session, part)) WITHOUT ROWID",
            "CREATE TABLE files (session VARCHAR(64) NOT NULL, role VARCHAR(8) NOT NULL, path TEXT NOT NULL, "
            "sha256 VARCHAR(80) NOT NULL, first INTEGER NOT NULL, size INTEGER, mtime INTEGER, partial TEXT, "
            "PRIMARY KEY (session, role, path, sha256)) WITHOUT ROWID",
            "CREATE INDEX files_by_content ON files (sha256)",
            "CREATE INDEX files_by_path ON files (path)",
            "CREATE TABLE console (session VARCHAR(64) NOT NULL, at INTEGER NOT NULL, stream VARCHAR(8) NOT NULL, "
            "text TEXT NOT NULL, PRIMARY KEY (session, at)) WITHOUT ROWID",
        ),
        min_reader=1,
        min_writer=2,
    ),
    2: Step(
        (
            "ALTER TABLE runs ADD COLUMN begun_at INTEGER",
            "ALTER TABLE runs ADD COLUMN name_at INTEGER",
            "ALTER TABLE runs ADD COLUMN status_at INTEGER",
            "ALTER TABLE runs ADD COLUMN guessed BOOLEAN",
            "ALTER TABLE writers ADD COLUMN refused INTEGER",
            "ALTER TABLE writers ADD COLUMN clock INTEGER",
            # What the records said is not known any more; a run with a made-up name was never started.
            "UPDATE runs SET begun_at = started, name_at = started, status_at = started "
            "WHERE name <> 'run-' || substr(id, 1, 8)",
            "UPDATE runs SET status_at = ended WHERE ended IS NOT NULL AND status <> 'CRASHED'",
            "UPDATE runs SET guessed = 1 WHERE status = 'CRASHED' AND error IS NULL AND exit_code IS NULL",
        ),
        min_reader=1,
        min_writer=3,
    ),
    3: Step(
        (
            "ALTER TABLE experiments ADD COLUMN artifact_location TEXT",
            "ALTER TABLE datasets ADD COLUMN mlflow TEXT",
            'CREATE TABLE answers ("key" VARCHAR(64) NOT NULL, request VARCHAR(64) NOT NULL, status INTEGER '
            'NOT NULL, body BLOB NOT NULL, answered INTEGER NOT NULL, PRIMARY KEY ("key")) WITHOUT ROWID',
            "CREATE INDEX answers_by_age ON answers (answered)",
            "CREATE TABLE registered_models (n INTEGER NOT NULL, name TEXT NOT NULL, description TEXT, created "
            "INTEGER NOT NULL, updated INTEGER NOT NULL, user TEXT, last_version INTEGER NOT NULL, PRIMARY KEY "
            "(n), UNIQUE (name))",
            "CREATE TABLE users (name VARCHAR(255) NOT NULL, password TEXT, role VARCHAR(8) NOT NULL, disabled "
            "BOOLEAN NOT NULL, created INTEGER NOT NULL, PRIMARY KEY (name)) WITHOUT ROWID",
            "CREATE TABLE grants (user VARCHAR(255) NOT NULL, experiment_id VARCHAR(64) NOT NULL, role "
            "VARCHAR(8) NOT NULL, PRIMARY KEY (user, experiment_id), FOREIGN KEY(user) REFERENCES users (name) "
            "ON DELETE CASCADE) WITHOUT ROWID",
            "CREATE TABLE logged_models (id VARCHAR(64) NOT NULL, experiment_id VARCHAR(64) NOT NULL, name TEXT "
            "NOT NULL, model_type TEXT, run VARCHAR(64), status VARCHAR(24) NOT NULL, status_message TEXT, "
            "lifecycle VARCHAR(8) NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL, PRIMARY KEY "
            "(id), FOREIGN KEY(experiment_id) REFERENCES experiments (id)) WITHOUT ROWID",
            "CREATE INDEX logged_models_of_experiment ON logged_models (experiment_id, created DESC)",
            "CREATE INDEX logged_models_of_run ON logged_models (run)",
            "CREATE TABLE model_alias_moves (n INTEGER NOT NULL, model INTEGER NOT NULL, alias VARCHAR(255) NOT "
            "NULL, version INTEGER, moved INTEGER NOT NULL, user TEXT, PRIMARY KEY (n), FOREIGN KEY(model) "
            "REFERENCES registered_models (n) ON DELETE CASCADE)",
            "CREATE INDEX model_alias_moves_of_model ON model_alias_moves (model, n)",
            "CREATE TABLE model_aliases (model INTEGER NOT NULL, alias VARCHAR(255) NOT NULL, version INTEGER "
            "NOT NULL, PRIMARY KEY (model, alias), FOREIGN KEY(model) REFERENCES registered_models (n) ON DELETE "
            "CASCADE) WITHOUT ROWID",
            "CREATE TABLE model_versions (model INTEGER NOT NULL, version INTEGER NOT NULL, source TEXT NOT "
            "NULL, artifact_uri TEXT, run VARCHAR(64), logged_model VARCHAR(64), digest VARCHAR(64), description "
            "TEXT, stage VARCHAR(16) NOT NULL, status VARCHAR(24) NOT NULL, status_message TEXT, run_link TEXT, "
            "created INTEGER NOT NULL, updated INTEGER NOT NULL, user TEXT, PRIMARY KEY (model, version), "
            "FOREIGN KEY(model) REFERENCES registered_models (n) ON DELETE CASCADE) WITHOUT ROWID",
            "CREATE INDEX model_versions_of_run ON model_versions (run)",
            'CREATE TABLE registered_model_tags (model INTEGER NOT NULL, "key" TEXT NOT NULL, value TEXT NOT '
            'NULL, PRIMARY KEY (model, "key"), FOREIGN KEY(model) REFERENCES registered_models (n) ON DELETE '
            "CASCADE) WITHOUT ROWID",
            "CREATE TABLE tokens (sha256 VARCHAR(64) NOT NULL, id VARCHAR(16) NOT NULL, user VARCHAR(255) NOT "
            "NULL, name TEXT NOT NULL, scope VARCHAR(8) NOT NULL, created INTEGER NOT NULL, expires INTEGER, "
            "revoked INTEGER, PRIMARY KEY (sha256), UNIQUE (id), FOREIGN KEY(user) REFERENCES users (name) ON "
            "DELETE CASCADE) WITHOUT ROWID",
            "CREATE INDEX tokens_of_user ON tokens (user)",
            'CREATE TABLE logged_model_metrics (model VARCHAR(64) NOT NULL, "key" TEXT NOT NULL, run '
            "VARCHAR(64) NOT NULL, step INTEGER NOT NULL, time INTEGER NOT NULL, bits INTEGER NOT NULL, "
            'dataset_name TEXT, dataset_digest TEXT, PRIMARY KEY (model, "key", run, step, time, bits), '
            "FOREIGN KEY(model) REFERENCES logged_models (id) ON DELETE CASCADE) WITHOUT ROWID",
            'CREATE TABLE logged_model_params (model VARCHAR(64) NOT NULL, "key" TEXT NOT NULL, value TEXT NOT '
            'NULL, PRIMARY KEY (model, "key"), FOREIGN KEY(model) REFERENCES logged_models (id) ON DELETE '
            "CASCADE) WITHOUT ROWID",
            'CREATE TABLE logged_model_tags (model VARCHAR(64) NOT NULL, "key" TEXT NOT NULL, value TEXT NOT '
            'NULL, PRIMARY KEY (model, "key"), FOREIGN KEY(model) REFERENCES logged_models (id) ON DELETE '
            "CASCADE) WITHOUT ROWID",
            'CREATE TABLE model_version_tags (model INTEGER NOT NULL, version INTEGER NOT NULL, "key" TEXT NOT '
            'NULL, value TEXT NOT NULL, PRIMARY KEY (model, version, "key"), FOREIGN KEY(model, version) '
            "REFERENCES model_versions (model, version) ON DELETE CASCADE) WITHOUT ROWID",
            "CREATE TABLE run_models (run INTEGER NOT NULL, role VARCHAR(8) NOT NULL, model VARCHAR(64) NOT "
            "NULL, step INTEGER NOT NULL, PRIMARY KEY (run, role, model), FOREIGN KEY(run) REFERENCES runs (n) "
            "ON DELETE CASCADE) WITHOUT ROWID",
        ),
        min_reader=4,  # chunks of up to 32 points as rows
        min_writer=4,
    ),
}


@dataclass(frozen=True, slots=True)
class Found:
    """What a database says of its schema. ``schema`` is 0 where there is none yet."""

    schema: int
    min_reader: int = 0
    min_writer: int = 0
    written_by: str = ""


def our_version() -> str:
    """The version of autotrack that is installed, or "0" in a bare checkout."""
    try:
        return version("autotrack")
    except PackageNotFoundError:
        return "0"


def prepare(path: Path) -> bool:
    """Makes sure that a usable database is at ``path``; answers whether it may be written.

    Any number of processes may call it at once. Raises SchemaVersionError for a schema that this code must not use.
    """
    found = _peek(path)
    if found.schema == 0:
        with locked(path):
            found = _peek(path)
            if found.schema == 0:
                _create(path)
                return True
    return check(found, path)


def check(found: Found, path: Path, head: int = schema.VERSION) -> bool:
    """Whether a database may be written (True) or only read (False) by code of schema ``head``."""
    if found.schema < head:
        raise SchemaVersionError(
            f"{path} has schema {found.schema} (autotrack {found.written_by}); autotrack {our_version()} needs {head}: "
            f"run `autotrack db upgrade` (it makes a backup first), or install autotrack=={found.written_by}"
        )
    if head < found.min_reader:
        raise SchemaVersionError(
            f"{path} has schema {found.schema}, which autotrack {our_version()} cannot read: "
            f"pip install 'autotrack>={found.written_by}'"
        )
    return head >= found.min_writer


def refuse_writing(path: Path) -> SchemaVersionError:
    """The error for writing to a database of a schema that this code may only read."""
    found = _peek(path)
    return SchemaVersionError(
        f"{path} has schema {found.schema}, which autotrack {our_version()} can read but must not write: "
        f"pip install 'autotrack>={found.written_by}'"
    )


def upgrade(
    path: Path,
    *,
    steps: Mapping[int, Step] = STEPS,
    head: int = schema.VERSION,
    on_statement: Callable[[str], None] | None = None,
) -> Path | None:
    """Brings the database at ``path`` to schema ``head``; answers the backup's path, None where nothing was to do.

    ``on_statement`` is called before each statement. Raises StoreError where a step is missing or the backup fails.
    """
    if _peek(path).schema == 0:
        prepare(path)
        return None
    with locked(path):
        found = _peek(path)
        if found.schema >= head:
            check(found, path, head)
            return None
        for number in range(found.schema, head):
            if number not in steps:
                raise StoreError(f"there is no way from schema {number} to {number + 1} in autotrack {our_version()}")
        backup = _backup(path, found.schema)
        _migrate(path, found.schema, head, steps, on_statement)
        return backup


def _migrate(
    path: Path,
    start: int,
    head: int,
    steps: Mapping[int, Step],
    on_statement: Callable[[str], None] | None,
) -> None:
    with closing(connect_sqlite(path)) as connection:
        connection.execute("PRAGMA foreign_keys=OFF")  # tables are rebuilt under other names
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("BEGIN EXCLUSIVE")
        try:
            for number in range(start, head):
                for statement in steps[number].statements:
                    if on_statement is not None:
                        on_statement(statement)
                    connection.execute(statement)
            if connection.execute("PRAGMA foreign_key_check").fetchone() is not None:
                raise StoreError(f"the upgrade of {path} to schema {head} left broken references; nothing was changed")
            last = steps[head - 1]
            rows = {"schema": head, "min_reader": last.min_reader, "min_writer": last.min_writer}
            for key, value in (*rows.items(), ("written_by", our_version())):
                connection.execute("UPDATE meta SET value = ? WHERE key = ?", (str(value), key))
            if on_statement is not None:
                on_statement("COMMIT")
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise StoreError(f"the upgrade of {path} to schema {head} failed ({error}); nothing was changed") from error


def _backup(path: Path, number: int) -> Path:
    """A verified copy of the database beside it: integrity checked, as many rows in every table."""
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
    backup = path.with_name(f"{path.stem}.schema{number}.{stamp}.{os.getpid()}.backup")
    partial = backup.with_name(f"{backup.name}.partial")
    try:
        _create_private(partial)
        with closing(connect_sqlite(path)) as connection:
            connection.execute("BEGIN")
            rows = _row_counts(connection)
            connection.execute("COMMIT")
            # Writers take the ingest lock or wait; rows that come in between only make the copy larger.
            connection.execute("VACUUM INTO ?", (str(partial),))
        with closing(sqlite3.connect(partial)) as copy:
            verdict = copy.execute("PRAGMA integrity_check").fetchone()[0]
            copied = _row_counts(copy)
        if verdict != "ok" or any(copied.get(table, -1) < count for table, count in rows.items()):
            raise StoreError(f"the backup of {path} is not good ({verdict}); the database was left as it was")
        _sync_file(partial)
        partial.rename(backup)
        _sync_file(backup.parent)
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"could not back up {path} before its upgrade ({error}); it was left as it was") from error
    finally:
        partial.unlink(missing_ok=True)
    return backup


def _row_counts(connection: sqlite3.Connection) -> dict[str, int]:
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type='table' AND name NOT LIKE 'sqlite_%'")
    # Names come from the database's own catalogue; quoted as SQL wants it.
    quoted = [(name, '"' + name.replace('"', '""') + '"') for (name,) in tables.fetchall()]
    return {name: connection.execute("SELECT count(*) FROM " + quote).fetchone()[0] for name, quote in quoted}


def _sync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _peek(path: Path) -> Found:
    if not path.exists() or path.stat().st_size == 0:
        return Found(0)
    try:
        with closing(connect_sqlite(path, read_only=True)) as connection:
            if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone() is None:
                if connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table'").fetchone() is not None:
                    raise StoreError(f"{path} is a database of something else; give autotrack a path of its own")
                return Found(0)
            rows = dict(connection.execute("SELECT key, value FROM meta").fetchall())
        return Found(int(rows["schema"]), int(rows["min_reader"]), int(rows["min_writer"]), rows.get("written_by", ""))
    except sqlite3.DatabaseError as error:
        raise StoreError(f"{path} could not be read as a database ({error})") from error
    except (KeyError, ValueError) as error:
        raise StoreError(f"{path} does not say which schema it has ({error}); it was not made by autotrack") from error


def _create(path: Path) -> None:
    """Makes the database under a temporary name and puts it in place whole, so that a kill leaves nothing half made."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    kind = file_system(path.parent)
    engine = sqlite_engine(partial)
    try:
        partial.unlink(missing_ok=True)
        _create_private(partial)
        with translated(engine), engine.begin() as connection:
            schema.metadata.create_all(connection)
            rows = {"schema": schema.VERSION, "min_reader": schema.MIN_READER, "min_writer": schema.MIN_WRITER}
            values = [{"key": key, "value": str(value)} for key, value in rows.items()]
            connection.execute(insert(schema.meta), [*values, {"key": "written_by", "value": our_version()}])
        engine.dispose()
        if is_network(kind):
            warn(
                f"{path.parent} is on a network file system ({kind}): write-ahead logging is off there, so only a few "
                "processes should use this store; put it on a local disk or use a server"
            )
        else:
            with closing(sqlite3.connect(partial)) as raw:
                raw.execute("PRAGMA journal_mode=WAL")
        _sync_file(partial)
        partial.rename(path)
        _sync_file(path.parent)
    except OSError as error:
        raise StoreError(f"could not make the database {path} ({error})") from error
    finally:
        engine.dispose()
        for leftover in (partial, Path(f"{partial}-wal"), Path(f"{partial}-shm"), Path(f"{partial}-journal")):
            leftover.unlink(missing_ok=True)


def _create_private(path: Path) -> None:
    """An empty file that only its owner can read, whatever the umask."""
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds the lock for making and upgrading the database at ``path`` (StoreError after 30 s)."""
    name = path.with_name("schema.lock")
    try:
        descriptor = os.open(name, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(f"could not open {name} ({error}); is the folder writable?") from error
    try:
        deadline = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise StoreError(f"another process has held {name} for {LOCK_SECONDS:g} s; try again") from None
                time.sleep(0.01)
        yield
    finally:
        os.close(descriptor)
