"""What differs between database engines: how to connect, how to begin, how to upsert, how to bound a query.

Only SQLite today. Everything else in this package is portable SQLAlchemy Core.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Select, Table, create_engine, event, select, tuple_
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool
from sqlalchemy.sql import ColumnElement, func
from sqlalchemy.sql.dml import Insert

from autotrack.core.errors import StoreError

#: How long a connection waits for another writer's transaction, which is one batch long.
BUSY_SECONDS = 10.0

#: SQLite's locks and shared memory cannot be trusted on these; write-ahead logging would corrupt the database.
NETWORK_FILE_SYSTEMS = (
    "nfs",
    "cifs",
    "smb",
    "ncp",
    "9p",
    "afs",
    "ceph",
    "lustre",
    "gpfs",
    "beegfs",
    "glusterfs",
    "fuse",
)


class TooExpensive(StoreError):
    """A query that was stopped because it used up its time."""


def file_system(path: Path) -> str:
    """The type of the file system that holds ``path`` ("ext4", "nfs4"), or "" where the system does not say."""
    try:
        lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    where = str(path.resolve())
    best, kind = -1, ""
    for line in lines:
        left, _, right = line.partition(" - ")
        point = left.split(" ")[4].replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")
        inside = where == point or where.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= best:
            best, kind = len(point), right.split(" ", 1)[0]
    return kind


def is_network(kind: str) -> bool:
    """True for a file system type whose locks cannot be trusted. (``fuseblk`` is a local disk.)"""
    return kind != "fuseblk" and kind.startswith(NETWORK_FILE_SYSTEMS)


def connect_sqlite(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection as all of ours are: pragmas set, transactions begun by hand, our functions registered."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rw'}",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )
    try:
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA trusted_schema=OFF")
        # In WAL a commit is then no fsync; the journal is the durable copy until the WAL has been synced.
        wal = connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        connection.execute(f"PRAGMA synchronous={'NORMAL' if wal else 'FULL'}")
        connection.execute("PRAGMA cache_size=-32768")
        connection.execute("PRAGMA mmap_size=268435456")
        if read_only:
            connection.execute("PRAGMA query_only=ON")
    except sqlite3.Error:
        connection.close()
        raise
    # SQLite's own lower() knows ASCII only.
    connection.create_function("autotrack_lower", 1, _lower, deterministic=True)
    return connection


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def sqlite_engine(path: Path, *, read_only: bool = False) -> Engine:
    """An engine on one SQLite file. A transaction on a connection from ``begin_write`` is IMMEDIATE."""
    engine = create_engine(
        "sqlite+pysqlite://",
        creator=lambda: connect_sqlite(path, read_only=read_only),
        poolclass=QueuePool,
        pool_size=4,
        max_overflow=32,
    )

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        write = connection.get_execution_options().get("autotrack_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


@contextmanager
def begin_write(engine: Engine) -> Iterator[Connection]:
    """A transaction that holds the write lock from its start, so that it can never fail half way for want of it."""
    with translated(engine), engine.connect().execution_options(autotrack_write=True) as connection, connection.begin():
        yield connection


@contextmanager
def translated(engine: Engine) -> Iterator[None]:
    """Database errors of the block come out as StoreError, without SQL text or values."""
    try:
        yield
    except DBAPIError as error:
        raise StoreError(_explained(error.orig)) from error
    except sqlite3.Error as error:
        raise StoreError(_explained(error)) from error


def is_of_engine(error: StoreError) -> bool:
    """True for an error of the database as a whole (locked, a full disk), not of what was to be stored or read."""
    return isinstance(error.__cause__, DBAPIError | sqlite3.Error)


def _explained(error: BaseException | None) -> str:
    extended = getattr(error, "sqlite_errorcode", 0)
    code = extended & 0xFF  # the rest of it is a detail
    if code == sqlite3.SQLITE_FULL or extended == sqlite3.SQLITE_IOERR_SHMSIZE:
        return "the store's disk is full; free some space there (what is new waits in its journal until then)"
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return f"another program has kept the store locked for {BUSY_SECONDS:g} s; try again when it is done"
    return f"the store could not be used: {error}; may its folder be written, and is there space on its disk?"


def upsert(table: Table, *, keep: bool = False) -> Insert:
    """An INSERT that replaces the row with the same primary key, or leaves it where ``keep``."""
    statement = sqlite.insert(table)
    key = [column.name for column in table.primary_key]
    if keep:
        return statement.on_conflict_do_nothing(index_elements=key)
    rest = {column.name: statement.excluded[column.name] for column in table.columns if column.name not in key}
    return statement.on_conflict_do_update(index_elements=key, set_=rest)


def matches(column: ColumnElement[Any], pattern: str, *, ignore_case: bool) -> ColumnElement[bool]:
    """``column LIKE pattern`` (% any, _ one), case-sensitive unless told otherwise.

    SQLite's LIKE ignores the case of ASCII letters, and the pragma against that is for the whole connection; GLOB is
    case-sensitive and takes linear time a wildcard.
    """
    if ignore_case:
        column, pattern = func.autotrack_lower(column), pattern.lower()
    glob = "".join({"%": "*", "_": "?", "*": "[*]", "?": "[?]", "[": "[[]"}.get(letter, letter) for letter in pattern)
    return column.op("GLOB", is_comparison=True)(glob)


def among(column: ColumnElement[Any], values: Sequence[int] | Sequence[str]) -> ColumnElement[bool]:
    """``column IN values`` with one bound value, however many there are."""
    return column.in_(select(func.json_each(json.dumps(list(values))).table_valued("value").c.value))


def among_pairs(
    first: ColumnElement[Any], second: ColumnElement[Any], pairs: Sequence[tuple[int, str]]
) -> ColumnElement[bool]:
    """``(first, second) IN pairs`` with one bound value, however many there are."""
    value = func.json_each(json.dumps(pairs)).table_valued("value").c.value
    return tuple_(first, second).in_(select(func.json_extract(value, "$[0]"), func.json_extract(value, "$[1]")))


def for_update(statement: Select[Any]) -> Select[Any]:
    """The SELECT with its rows locked until the transaction ends; SQLite has one lock, which a writer holds anyway."""
    return statement.with_for_update()


def first_of(connection: Connection, column: ColumnElement[Any], count: int) -> int:
    """The first of ``count`` consecutive numbers that no row has, for rows that this transaction adds.

    Under SQLite's one write lock the highest number does; an engine with several writers takes a sequence here.
    """
    return int(connection.execute(select(func.max(column))).scalar() or 0) + 1


def write_rows(
    connection: Connection, statement: Insert, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Executes an INSERT for every row at the driver's own speed; values unconverted, in the order of ``columns``."""
    compiled = statement.compile(dialect=connection.dialect, column_keys=list(columns))
    # Positional parameters in the order in which the statement names them, which is the table's.
    order = [columns.index(name) for name in compiled.positiontup or ()]
    if order != list(range(len(columns))):
        rows = [tuple(row[at] for at in order) for row in rows]
    connection.exec_driver_sql(compiled.string, list(rows))


def damage(connection: Connection) -> Iterator[str]:
    """What the engine's own check finds wrong: a sentence each."""
    for (line,) in connection.exec_driver_sql("PRAGMA integrity_check").all():
        if line != "ok":
            yield f"the database is damaged: {line}"
    for row in connection.exec_driver_sql("PRAGMA foreign_key_check").all():
        yield f"a row of {row[0]} belongs to nothing in {row[2]}"


@contextmanager
def time_limit(connection: Connection, seconds: float | None) -> Iterator[None]:
    """Stops statements of the block that run longer; TooExpensive says so."""
    raw = connection.connection.dbapi_connection
    if seconds is None or not isinstance(raw, sqlite3.Connection):
        yield
        return
    deadline = time.monotonic() + seconds
    raw.set_progress_handler(lambda: int(time.monotonic() > deadline), 20_000)
    try:
        yield
    except DBAPIError as error:
        if "interrupted" in str(error.orig):
            raise TooExpensive(f"the search was stopped after {seconds:g} s; ask for less") from error
        raise
    finally:
        raw.set_progress_handler(None, 0)


def fetch(connection: Connection, statement: Any, values: Any = None) -> Sequence[Sequence[Any]]:
    """All rows as the driver's own tuples: for the few queries where thousands of rows come back."""
    cursor = connection.execute(statement, values).cursor
    return [] if cursor is None else cursor.fetchall()


def sync_wal(path: Path) -> None:
    """Puts what is committed on the disk.

    Only the -wal file is opened: closing any descriptor of the database file itself would drop the POSIX locks that
    SQLite holds in this process. Pages that a checkpoint moved into the database were synced by that checkpoint.
    """
    try:
        descriptor = os.open(f"{path}-wal", os.O_RDONLY)
    except FileNotFoundError:
        return  # a rollback journal (synchronous=FULL), or everything is in the database already
    try:
        os.fdatasync(descriptor)
    finally:
        os.close(descriptor)
