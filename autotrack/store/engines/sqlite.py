"""SQLite: how to connect, how to begin, how to bound a query, and its spelling of ``clauses``."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import ClauseElement, Column, Connection, Executable, create_engine, event, func, select
from sqlalchemy import Engine as Pool
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.pool import QueuePool
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import Insert

from autotrack.core.errors import StoreError, UnavailableError

from . import clauses
from .engine import TooExpensive

#: How long a connection waits for another writer's transaction, which is one batch long.
BUSY_SECONDS = 10.0


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
    return clauses.small_letters(value) if isinstance(value, str) else value


def sqlite_engine(path: Path, *, read_only: bool = False) -> Pool:
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


class SQLite:
    """See ``engine.Engine``."""

    reading: Mapping[str, Any] = {}
    key_order = True  # WITHOUT ROWID
    raw_errors: tuple[type[Exception], ...] = (sqlite3.Error,)

    def explained(self, error: BaseException | None) -> StoreError:
        extended = getattr(error, "sqlite_errorcode", 0)
        code = extended & 0xFF  # the rest of it is a detail
        if code == sqlite3.SQLITE_FULL or extended == sqlite3.SQLITE_IOERR_SHMSIZE:
            return StoreError(
                "the store's disk is full; free some space there (what is new waits in its journal until then)"
            )
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return UnavailableError(
                f"another program has kept the store locked for {BUSY_SECONDS:g} s; try again when it is done"
            )
        return StoreError(
            f"the store could not be used: {error}; may its folder be written, and is there space on its disk?"
        )

    def is_conflict(self, error: BaseException | None) -> bool:
        return False  # there is one writer, for whom the others wait

    def is_lost(self, error: BaseException | None) -> bool:
        return False

    @contextmanager
    def time_limit(self, connection: Connection, seconds: float) -> Iterator[None]:
        raw = connection.connection.dbapi_connection
        assert isinstance(raw, sqlite3.Connection)
        deadline = time.monotonic() + seconds
        raw.set_progress_handler(lambda: int(time.monotonic() > deadline), 20_000)
        try:
            yield
        except (DBAPIError, sqlite3.Error) as error:
            if "interrupted" in str(getattr(error, "orig", error)):
                raise TooExpensive(f"the search was stopped after {seconds:g} s; ask for less") from error
            raise
        finally:
            raw.set_progress_handler(None, 0)

    def numbers(self, connection: Connection, column: Column[Any], count: int) -> Sequence[int]:
        first = int(connection.execute(select(func.max(column))).scalar() or 0) + 1
        return range(first, first + count)

    def fetch_kept(
        self, connection: Connection, statement: Executable, values: Mapping[str, Any]
    ) -> Sequence[Sequence[Any]]:
        kept = _kept(connection, statement)
        with _driven(connection, kept.text) as cursor:
            return cursor.execute(kept.text, kept.bound(values)).fetchall()

    def run_kept(self, connection: Connection, statement: Executable, rows: Sequence[Mapping[str, Any]]) -> None:
        kept = _kept(connection, statement)
        with _driven(connection, kept.text) as cursor:
            cursor.executemany(kept.text, map(kept.bound, rows))

    def write_rows(
        self, connection: Connection, statement: Insert, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
    ) -> None:
        address = (type(statement), statement.table.name, *columns)
        found = _WRITTEN.get(address)
        if found is None:
            compiled = statement.compile(dialect=connection.dialect, column_keys=list(columns))
            assert isinstance(compiled, SQLCompiler)
            # Positional parameters in the order in which the statement names them, which is the table's.
            order = [columns.index(name) for name in compiled.positiontup or ()]
            found = _WRITTEN[address] = compiled.string, None if order == [*range(len(columns))] else order
        text, order_or_none = found
        if order_or_none is not None:
            rows = [tuple(row[at] for at in order_or_none) for row in rows]
        with _driven(connection, text) as cursor:
            cursor.executemany(text, rows)

    def damage(self, connection: Connection) -> Iterator[str]:
        for (line,) in connection.exec_driver_sql("PRAGMA integrity_check").all():
            if line != "ok":
                yield f"the database is damaged: {line}"
        for row in connection.exec_driver_sql("PRAGMA foreign_key_check").all():
            yield f"a row of {row[0]} belongs to nothing in {row[2]}"


@dataclass(frozen=True, slots=True)
class _Kept:
    """A statement as SQLite takes it: its text, its parameters in order, what converts them, and those of its own."""

    text: str
    names: tuple[str, ...]
    conversions: tuple[Callable[[Any], Any] | None, ...]
    own: Mapping[str, Any]

    def bound(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        found = [values[name] if name in values else self.own[name] for name in self.names]
        pairs = zip(found, self.conversions, strict=True)
        return tuple(value if convert is None else convert(value) for value, convert in pairs)


def _kept(connection: Connection, statement: Executable) -> _Kept:
    found = _KEPT.get(statement)
    if found is None:
        dialect = connection.dialect
        assert isinstance(statement, ClauseElement)
        compiled = statement.compile(dialect=dialect)
        assert isinstance(compiled, SQLCompiler)
        names = tuple(compiled.positiontup or ())
        kinds = [compiled.binds[name].type.dialect_impl(dialect) for name in names]
        conversions = tuple(kind.bind_processor(dialect) for kind in kinds)
        own = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
        found = _KEPT[statement] = _Kept(compiled.string, names, conversions, own)
    return found


@contextmanager
def _driven(connection: Connection, text: str) -> Iterator[sqlite3.Cursor]:
    """The driver's own cursor, for statements that run thousands of times a second; errors are SQLAlchemy's."""
    raw = connection.connection.dbapi_connection
    assert isinstance(raw, sqlite3.Connection)
    try:
        yield raw.cursor()
    except sqlite3.Error as error:
        raise DBAPIError.instance(text, None, error, sqlite3.Error, dialect=connection.dialect) from error


#: Statements that are made once.
_KEPT: dict[Executable, _Kept] = {}
#: Statements of ``write_rows`` as text, and the order of their parameters where it is not that of the columns.
_WRITTEN: dict[tuple[object, ...], tuple[str, list[int] | None]] = {}


@compiles(clauses.Replacing, "sqlite")
@compiles(clauses.Keeping, "sqlite")
def _insert(element: Insert, compiler: SQLCompiler, **options: Any) -> str:
    table = element.table
    statement = sqlite.insert(table)
    key = [column.name for column in table.primary_key]
    if isinstance(element, clauses.Keeping):
        statement = statement.on_conflict_do_nothing(index_elements=key)
    else:
        rest = {column.name: statement.excluded[column.name] for column in table.columns if column.name not in key}
        statement = statement.on_conflict_do_update(index_elements=key, set_=rest)
    return str(compiler.visit_insert(statement, **options))  # type: ignore[no-untyped-call]


@compiles(clauses.Among, "sqlite")
def _among(element: clauses.Among, compiler: SQLCompiler, **options: Any) -> str:
    column, values = (compiler.process(part, **options) for part in element.clauses)
    return f"({column} IN (SELECT json_each.value FROM json_each({values})))"


@compiles(clauses.AmongPairs, "sqlite")
def _among_pairs(element: clauses.AmongPairs, compiler: SQLCompiler, **options: Any) -> str:
    number, text, pairs = (compiler.process(part, **options) for part in element.clauses)
    each = "json_extract(json_each.value, '$[0]'), json_extract(json_each.value, '$[1]')"
    return f"(({number}, {text}) IN (SELECT {each} FROM json_each({pairs})))"


@compiles(clauses.Same, "sqlite")
def _same(element: clauses.Same, compiler: SQLCompiler, **options: Any) -> str:
    text, value = (compiler.process(part, **options) for part in element.clauses)
    return f"({text} = {value})"


@compiles(clauses.Like, "sqlite")
def _like(element: clauses.Like, compiler: SQLCompiler, **options: Any) -> str:
    """SQLite's LIKE ignores the case of ASCII letters, and the pragma against that is for the whole connection; GLOB is
    case-sensitive and takes linear time a wildcard."""
    text, pattern = (compiler.process(part, **options) for part in element.clauses)
    return f"({text} GLOB {pattern})"


@compiles(clauses.SmallLetters, "sqlite")
def _small_letters(element: clauses.SmallLetters, compiler: SQLCompiler, **options: Any) -> str:
    return f"autotrack_lower({compiler.process(element.clauses, **options)})"


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


def copy_database(path: Path, target: Path) -> None:
    """Copies a database as of one moment, while others write to it, for its owner alone; what is at ``target`` goes."""
    target.unlink(missing_ok=True)
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
    with closing(connect_sqlite(path)) as connection:
        connection.execute("VACUUM INTO ?", (str(target),))
    with closing(connect_sqlite(target)) as copy:
        copy.execute("PRAGMA journal_mode=WAL")
