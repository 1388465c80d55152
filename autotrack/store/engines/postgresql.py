"""PostgreSQL (psycopg 3): how to connect, how to bound a query, and its spelling of ``clauses``.

Its B-trees take keys of up to 2,704 bytes, and a key of ours has up to 4,000: where a text of any length is part of a
primary key, two hashes of it stand in the unique index instead (``schema.long_key``), and lookups name the first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Sequence as Some
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Column, Connection, Executable, Sequence, Table, bindparam, create_engine, event, func, select
from sqlalchemy import Engine as Pool
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import Insert

from autotrack.core.addresses import POSTGRESQL, shown
from autotrack.core.errors import StoreError, UnavailableError, UsageError

from . import clauses
from .column_types import is_long
from .engine import TooExpensive

#: Connections that a process keeps, and those that it opens besides while it is busy.
POOL_SIZE, MAX_OVERFLOW = 4, 12
#: How long a request waits for a free connection, for a lock, and for the server to answer at all.
POOL_SECONDS, LOCK_SECONDS, CONNECT_SECONDS = 5.0, 10.0, 5.0
#: How long a transaction of ours may lie idle: its process was stopped, and others wait for its locks.
IDLE_SECONDS = 60.0

#: SQLSTATEs of a serialization failure, a deadlock, and a row that another transaction has inserted since we looked.
_CONFLICT = frozenset({"40001", "40P01", "23505"})
#: Of a server that is shut down or starts, and of a session that it has ended.
_LOST = frozenset({"57P01", "57P02", "57P03", "57P05", "25P03"})
#: Of too many connections, and of a lock that was not to be had.
_BUSY = frozenset({"53300", "53400", "55P03", "55006"})
#: What a server says that refuses a connection for good: a connection that failed has no SQLSTATE.
_REFUSED = (
    "does not exist",
    "authentication failed",
    "no pg_hba.conf entry",
    "permission denied",
    "no password supplied",
)
_FULL = frozenset({"53100", "53200"})

_INVALID = (
    "SELECT indexrelid::regclass::text FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid "
    "WHERE NOT indisvalid AND relnamespace = current_schema()::regnamespace"
)
_FAILURES = "SELECT checksum_failures FROM pg_stat_database WHERE datname = current_database()"


def is_postgresql(uri: str) -> bool:
    """True for the URI of a PostgreSQL database, in any spelling that is understood."""
    return uri.partition("://")[0].lower() in POSTGRESQL


def postgresql_pool(uri: str) -> Pool:
    """A pool of connections to the database at a URI; none is opened yet (UsageError, StoreError)."""
    url = _url(uri)
    options = {"connect_timeout": int(CONNECT_SECONDS), "application_name": "autotrack"}
    try:
        pool = create_engine(
            url,
            pool_pre_ping=True,
            pool_size=POOL_SIZE,
            max_overflow=MAX_OVERFLOW,
            pool_timeout=POOL_SECONDS,
            connect_args={name: value for name, value in options.items() if name not in url.query},
        )
    except (ImportError, NoSuchModuleError) as error:
        raise StoreError(
            f"{shown(uri)} needs psycopg, which is not installed: pip install 'autotrack[postgres]'"
        ) from error
    event.listen(pool, "connect", _prepare)
    return pool


def _url(uri: str) -> URL:
    try:
        url = make_url(uri)
    except ArgumentError:
        url = None
    if url is None or not url.database:
        raise UsageError(f"{shown(uri)} is no database; write postgresql+psycopg://user:password@host:port/database")
    return url.set(drivername="postgresql+psycopg")


def _prepare(connection: Any, _: Any) -> None:
    """What holds for every connection. Said by SET, for a pooler in between takes no start-up options."""
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('lock_timeout', %s, false),"
            " set_config('idle_in_transaction_session_timeout', %s, false),"
            # What was committed is told to others: it is not to be lost by a power cut.
            " set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on'"
            " ELSE current_setting('synchronous_commit') END, false)",
            (f"{LOCK_SECONDS:g}s", f"{IDLE_SECONDS:g}s"),
        )
    connection.autocommit = False


#: Statements of ``write_rows``, by their kind, table and columns.
_WRITTEN: dict[tuple[Any, ...], Insert] = {}


class PostgreSQL:
    """See ``engine.Engine``."""

    reading: Mapping[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    key_order = False
    raw_errors: tuple[type[Exception], ...] = ()

    def explained(self, error: BaseException | None) -> StoreError:
        state = _state(error)
        if state in _FULL:
            return StoreError(
                f"the database server has no room ({_said(error)}); free some there (what is new waits in its journal)"
            )
        if state in ("28P01", "28000", "3D000") or (not state and any(word in str(error) for word in _REFUSED)):
            return StoreError(f"the database server refused the connection ({_said(error)}); look at the URI")
        if state == "42501":
            return StoreError(f"the database allows this to somebody else ({_said(error)}); ask who looks after it")
        if state in _CONFLICT | _BUSY or self.is_lost(error):
            return UnavailableError(f"the database server cannot be used just now ({_said(error)}); try again")
        return StoreError(f"the database refused this ({_said(error)})")

    def is_conflict(self, error: BaseException | None) -> bool:
        return _state(error) in _CONFLICT

    def is_lost(self, error: BaseException | None) -> bool:
        state = _state(error)
        broken = not state and type(error).__name__ in ("OperationalError", "InterfaceError")
        return broken or state in _LOST or state.startswith("08")

    @contextmanager
    def time_limit(self, connection: Connection, seconds: float) -> Iterator[None]:
        set_config = func.set_config("statement_timeout", bindparam("limit"), True)
        before = connection.execute(select(func.current_setting("statement_timeout"))).scalar_one()
        connection.execute(select(set_config), {"limit": f"{seconds * 1000:.0f}ms"})
        try:
            yield
        except DBAPIError as error:
            if _state(error.orig) == "57014":
                raise TooExpensive(f"the search was stopped after {seconds:g} s; ask for less") from error
            raise
        connection.execute(select(set_config), {"limit": before})

    def numbers(self, connection: Connection, column: Column[Any], count: int) -> Some[int]:
        series = func.generate_series(1, count).table_valued("n")
        assert isinstance(column.default, Sequence)
        return connection.execute(select(column.default.next_value()).select_from(series)).scalars().all()

    def fetch_kept(self, connection: Connection, statement: Executable, values: Mapping[str, Any]) -> Some[Some[Any]]:
        cursor = connection.execute(statement, values).cursor
        return [] if cursor is None else cursor.fetchall()

    def run_kept(self, connection: Connection, statement: Executable, rows: Some[Mapping[str, Any]]) -> None:
        connection.execute(statement, list(rows))

    def write_rows(
        self, connection: Connection, statement: Insert, columns: Some[str], rows: Some[tuple[Any, ...]]
    ) -> None:
        """One statement for all rows, a bound array a column."""
        table = statement.table
        assert isinstance(table, Table)
        if not rows:
            return
        address = (type(statement), table.name, *columns)
        whole = _WRITTEN.get(address)
        if whole is None:  # made once: making it costs more than what it does to ten rows
            arrays = (bindparam(name, type_=postgresql.ARRAY(table.c[name].type)) for name in columns)
            whole = _WRITTEN[address] = statement.from_select(columns, select(*map(func.unnest, arrays)))
        values = zip(columns, map(list, zip(*rows, strict=True)), strict=True)
        connection.execute(whole, dict(values))

    def damage(self, connection: Connection) -> Iterator[str]:
        for (name,) in connection.exec_driver_sql(_INVALID).all():
            yield f"the index {name} is not valid; REINDEX it"
        if connection.exec_driver_sql(_FAILURES).scalar():
            yield "the server has found pages with wrong checksums; restore a backup"


def _state(error: BaseException | None) -> str:
    return str(getattr(error, "sqlstate", None) or "")


def _said(error: BaseException | None) -> str:
    """What the server said, in one line: the primary message alone, for details quote values, and of a connection that
    failed only why, for whoever asks a server of ours need not know where its database is."""
    diagnostics = getattr(error, "diag", None)
    primary = getattr(diagnostics, "message_primary", None)
    return str(primary or str(error).strip().partition("\n")[0].rpartition(" failed: ")[2])[:200]


def _hash(text: str, seed: int = 0) -> str:
    return f"hashtextextended({text}, {seed})"


def _conflict(statement: Insert, quoted: Any) -> str:
    """The ON CONFLICT of an upsert; nothing for a plain INSERT."""
    table = statement.table
    assert isinstance(table, Table)
    if not isinstance(statement, clauses.Keeping | clauses.Replacing):
        return ""
    terms: list[str] = []
    for column in table.primary_key:
        name = quoted(column.name)
        terms += [_hash(name, 0), _hash(name, 1)] if is_long(column) else [name]
    key = {column.name for column in table.primary_key}
    rest = [quoted(column.name) for column in table.columns if column.name not in key]
    target = f"ON CONFLICT ({', '.join(terms)})"
    if isinstance(statement, clauses.Keeping) or not rest:
        return f"{target} DO NOTHING"
    return f"{target} DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in rest)}"


@compiles(clauses.Replacing, "postgresql")
@compiles(clauses.Keeping, "postgresql")
def _insert(element: Insert, compiler: SQLCompiler, **options: Any) -> str:
    insert = compiler.visit_insert(element, **options)  # type: ignore[no-untyped-call]
    return f"{insert} {_conflict(element, compiler.preparer.quote)}"


@compiles(clauses.Among, "postgresql")
def _among(element: clauses.Among, compiler: SQLCompiler, **options: Any) -> str:
    column, values = (compiler.process(part, **options) for part in element.clauses)
    return f"({column} = ANY ({values}))"


@compiles(clauses.AmongPairs, "postgresql")
def _among_pairs(element: clauses.AmongPairs, compiler: SQLCompiler, **options: Any) -> str:
    number, text, pairs = (compiler.process(part, **options) for part in element.clauses)
    each = f"(pair ->> 0)::bigint, {_hash('pair ->> 1')}, pair ->> 1"
    return f"(({number}, {_hash(text)}, {text}) IN (SELECT {each} FROM json_array_elements({pairs}::json) AS pair))"


@compiles(clauses.Same, "postgresql")
def _same(element: clauses.Same, compiler: SQLCompiler, **options: Any) -> str:
    text, value = (compiler.process(part, **options) for part in element.clauses)
    return f"({_hash(text)} = {_hash(value)} AND {text} = {value})"


@compiles(clauses.Like, "postgresql")
def _like(element: clauses.Like, compiler: SQLCompiler, **options: Any) -> str:
    text, pattern = (compiler.process(part, **options) for part in element.clauses)
    return f"({text} LIKE {pattern} ESCAPE '')"


@compiles(clauses.SmallLetters, "postgresql")
def _small_letters(element: clauses.SmallLetters, compiler: SQLCompiler, **options: Any) -> str:
    """The server's own lower() goes by the locale that the database was made with."""
    text = compiler.process(element.clauses, **options)
    capitals, small = (compiler.render_literal_value(letters, postgresql.TEXT()) for letters in clauses.capitals())
    ascii_only = f"octet_length({text}) = length({text})"
    return f"(CASE WHEN {ascii_only} THEN lower({text}) ELSE translate({text}, {capitals}, {small}) END)"
