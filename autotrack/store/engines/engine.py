"""What the store asks of a database engine besides portable SQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from sqlalchemy import Column, Connection, Executable
from sqlalchemy.sql.dml import Insert

from autotrack.core.errors import StoreError


class TooExpensive(StoreError):
    """A query that was stopped because it used up its time."""


class Engine(Protocol):
    """One database engine. It has no state: what it works on is given."""

    #: Execution options of a connection that is to see one state of the database.
    reading: Mapping[str, Any]
    #: True where rows are kept, and come, in the order of their primary key.
    key_order: bool
    #: What the driver raises where SQLAlchemy does not stand in between.
    raw_errors: tuple[type[Exception], ...]

    def explained(self, error: BaseException | None) -> StoreError:
        """An error of the driver as one of ours, without SQL text and values: UnavailableError where the same may work
        in a moment."""

    def is_conflict(self, error: BaseException | None) -> bool:
        """True where another transaction came in between: nothing was done, and the same works the next time."""

    def is_lost(self, error: BaseException | None) -> bool:
        """True where the connection broke, or the server went away: whether a COMMIT was done then, nobody knows."""

    def time_limit(self, connection: Connection, seconds: float) -> AbstractContextManager[None]:
        """Stops statements of the block that run longer; TooExpensive says so."""

    def numbers(self, connection: Connection, column: Column[Any], count: int) -> Sequence[int]:
        """``count`` ascending numbers that no row has, and that no other transaction gets, for rows to be added."""

    def fetch_kept(
        self, connection: Connection, statement: Executable, values: Mapping[str, Any]
    ) -> Sequence[Sequence[Any]]:
        """All rows of a SELECT that is made once, in a transaction that has begun."""

    def run_kept(self, connection: Connection, statement: Executable, rows: Sequence[Mapping[str, Any]]) -> None:
        """Executes a statement that is made once, in a transaction that has begun, for all of some values."""

    def write_rows(
        self, connection: Connection, statement: Insert, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
    ) -> None:
        """Executes an INSERT (``clauses.Replacing``, ``Keeping`` or plain) for every row at the driver's own speed.

        Values are unconverted, in the order of ``columns``; no two rows have the same primary key.
        """

    def damage(self, connection: Connection) -> Iterator[str]:
        """What the engine's own check finds wrong: a sentence each."""
