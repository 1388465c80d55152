"""Brings a SQLite database to the schema that this code knows, or says which version to install.

A fresh database is made at the newest schema directly. An older one is brought up step by step: under a lock, after a
backup that was verified, in one transaction; killed at any moment it is wholly old or wholly new.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import insert

from autotrack.core.errors import SchemaVersionError, StoreError
from autotrack.core.filesystems import file_system, is_network
from autotrack.core.guard import warn

from .. import schema
from ..engines.dialect import translated
from ..engines.sqlite import connect_sqlite, sqlite_engine
from .steps import STEPS, Step
from .versions import Found, check, found_in, head_rows, our_version, refused

LOCK_SECONDS = 30.0


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


def refuse_writing(path: Path) -> SchemaVersionError:
    """The error for writing to a database of a schema that this code may only read."""
    return refused(_peek(path), path)


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
            for key, value in head_rows(head, last.min_reader, last.min_writer).items():
                connection.execute("UPDATE meta SET value = ? WHERE key = ?", (value, key))
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
        return found_in(rows, path)
    except sqlite3.DatabaseError as error:
        raise StoreError(f"{path} could not be read as a database ({error})") from error


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
            rows = [{"key": key, "value": value} for key, value in head_rows().items()]
            connection.execute(insert(schema.meta), rows)
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
