"""SQL for whatever engine a connection is to: what each spells or does differently is asked of ``engines``."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache, wraps
from typing import Any, ParamSpec, TypeVar

from sqlalchemy import Column, Connection, Executable, Select, Table
from sqlalchemy import Engine as Pool
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import ColumnElement
from sqlalchemy.sql.dml import Insert

from autotrack.core.errors import StoreError

from . import ENGINES, RAW_ERRORS, TooExpensive, clauses, engine_of

__all__ = ["TooExpensive"]
P = ParamSpec("P")
T = TypeVar("T")

DRIVER_ERRORS: tuple[type[Exception], ...] = (DBAPIError, *RAW_ERRORS)
#: Seconds between the attempts at a transaction that others came in between of.
PAUSES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4)


@contextmanager
def begin_write(pool: Pool) -> Iterator[Connection]:
    """A transaction to write in. On an engine with one write lock it holds that from its start, so that it can never
    fail half way for want of it.

    A StoreError that comes out is ``undone`` where it is certain that nothing of it was done, and where the same may
    work the next time: another transaction came in between, or the connection broke before the COMMIT.
    """
    engine, at_commit = engine_of(pool), False
    try:
        with translated(pool), pool.connect().execution_options(autotrack_write=True) as connection, connection.begin():
            yield connection
            at_commit = True  # what comes now is the COMMIT, of which nobody knows how it ended if it fails
    except StoreError as error:
        cause = getattr(error.__cause__, "orig", None)
        error.undone = engine.is_conflict(cause) or (not at_commit and engine.is_lost(cause))
        raise


def transact(pool: Pool, work: Callable[[Connection], T], *, idempotent: bool = False) -> T:
    """What ``work`` answers, done in a transaction of its own, and again where nothing was done.

    ``idempotent``: done twice is done once, so that it may be done again also where nobody knows whether it was done.
    """
    engine = engine_of(pool)

    def once() -> T:
        with begin_write(pool) as connection:
            return work(connection)

    def again(error: StoreError) -> bool:
        return error.undone or (idempotent and engine.is_lost(getattr(error.__cause__, "orig", None)))

    return _repeated(once, again)


def whole(function: Callable[P, T]) -> Callable[P, T]:
    """A function that writes in one transaction, as one that is called again where nothing of it was done."""

    @wraps(function)
    def repeated(*args: P.args, **kwargs: P.kwargs) -> T:
        return _repeated(lambda: function(*args, **kwargs), lambda error: error.undone)

    return repeated


def _repeated(once: Callable[[], T], again: Callable[[StoreError], bool]) -> T:
    for pause in PAUSES:
        try:
            return once()
        except StoreError as error:
            if not again(error):
                raise
        time.sleep(pause * (0.5 + os.urandom(1)[0] / 256))
    return once()


@contextmanager
def begin_read(pool: Pool) -> Iterator[Connection]:
    """A connection that sees one state of the database, however many queries are asked of it."""
    options = engine_of(pool).reading
    with translated(pool), pool.connect().execution_options(**options) as connection:
        yield connection


@contextmanager
def translated(pool: Pool) -> Iterator[None]:
    """Database errors of the block come out as StoreError, without SQL text or values."""
    engine = engine_of(pool)
    try:
        yield
    except DRIVER_ERRORS as error:
        raise engine.explained(error.orig if isinstance(error, DBAPIError) else error) from error


def is_of_engine(error: StoreError) -> bool:
    """True for an error of the database as a whole (locked, a full disk), not of what was to be stored or read."""
    return isinstance(error.__cause__, DRIVER_ERRORS)


def is_conflict(error: BaseException) -> bool:
    """True for an error of the driver's that says that another transaction came in between: the same works the next
    time."""
    cause = error.orig if isinstance(error, DBAPIError) else None
    return any(engine.is_conflict(cause) for engine in ENGINES.values())


@cache
def upsert(table: Table, *, keep: bool = False) -> Insert:
    """An INSERT that replaces the row with the same primary key, or leaves it where ``keep``."""
    return clauses.Keeping(table) if keep else clauses.Replacing(table)


def same_text(column: ColumnElement[Any], value: ColumnElement[Any] | str) -> ColumnElement[bool]:
    """``column = value`` for a text of any length that is part of an index."""
    return clauses.Same(column, value)


def matches(column: ColumnElement[Any], pattern: str, *, ignore_case: bool) -> ColumnElement[bool]:
    """``column LIKE pattern`` (% any, _ one), case-sensitive unless told otherwise."""
    if ignore_case:
        return clauses.Like(clauses.SmallLetters(column), clauses.small_letters(pattern))
    return clauses.Like(column, pattern)


def among(column: ColumnElement[Any], values: Sequence[int] | Sequence[str]) -> ColumnElement[bool]:
    """``column IN values`` with one bound value, however many there are."""
    return clauses.Among(column, values)


def among_bound(column: ColumnElement[Any], bound: str) -> ColumnElement[bool]:
    """``among`` for a statement that is made once: its values are those of the parameter ``bound``."""
    return clauses.Among(column, None, bound)


def among_pairs_bound(first: ColumnElement[Any], second: ColumnElement[Any], bound: str) -> ColumnElement[bool]:
    """``(first, second) IN pairs`` for a statement that is made once: its pairs, however many, are those of the
    parameter ``bound``."""
    return clauses.AmongPairs(first, second, bound)


def for_update(statement: Select[Any]) -> Select[Any]:
    """The SELECT with its rows locked until the transaction ends, against all but those that only refer to them.

    Order it by the primary key: transactions that lock the same rows in the same order never wait for each other in a
    ring. SQLite has one lock, which a writer holds anyway.
    """
    return statement.with_for_update(key_share=True)


def numbers_for(connection: Connection, column: Column[Any], count: int) -> Sequence[int]:
    """``count`` ascending numbers that no row has, for rows that this transaction adds."""
    return engine_of(connection).numbers(connection, column, count) if count else ()


def write_rows(
    connection: Connection, statement: Insert, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Executes an INSERT for every row at the driver's own speed; values unconverted, in the order of ``columns``."""
    engine_of(connection).write_rows(connection, statement, columns, rows)


def write_all(connection: Connection, statement: Insert, rows: Sequence[Mapping[str, Any]]) -> None:
    """Executes an INSERT for every row, given by the names of columns: NULL where it has none of that name."""
    assert isinstance(statement.table, Table)
    names = [column.name for column in statement.table.columns]
    write_rows(connection, statement, names, [tuple(row.get(name) for name in names) for row in rows])


def damage(connection: Connection) -> Iterator[str]:
    """What the engine's own check finds wrong: a sentence each."""
    return engine_of(connection).damage(connection)


def time_limit(connection: Connection, seconds: float | None) -> AbstractContextManager[None]:
    """Stops statements of the block that run longer; TooExpensive says so."""
    return nullcontext() if seconds is None else engine_of(connection).time_limit(connection, seconds)


def in_key_order(connection: Connection, query: Select[Any], table: Table) -> Select[Any]:
    """A query of one table with its rows in the order of the primary key, sorted only where they do not come so."""
    return query if engine_of(connection).key_order else query.order_by(*table.primary_key)


def fetch(connection: Connection, statement: Any, values: Any = None) -> Sequence[Sequence[Any]]:
    """All rows as the driver's own tuples: for the few queries where thousands of rows come back."""
    cursor = connection.execute(statement, values).cursor
    return [] if cursor is None else cursor.fetchall()


def fetch_kept(connection: Connection, statement: Executable, values: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
    """``fetch`` for a statement that is made once in the life of the program, in a transaction that has begun."""
    return engine_of(connection).fetch_kept(connection, statement, values)


def run_kept(connection: Connection, statement: Executable, rows: Sequence[Mapping[str, Any]]) -> None:
    """Executes such a statement for each of some values."""
    engine_of(connection).run_kept(connection, statement, rows)
