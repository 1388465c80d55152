"""Has the nth statement that a database is told fail, as on a full disk or with a server that goes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine as Pool
from sqlalchemy import event, select

from autotrack.store import schema
from autotrack.store.store import Store

#: What PostgreSQL is told instead: statements that fail in the server itself, as it does.
FULL = "DO $$ BEGIN RAISE EXCEPTION 'no space left on device' USING ERRCODE = '53100'; END $$"
GONE = "SELECT pg_terminate_backend(pg_backend_pid())"


class Failing:
    """``at``: the number of statements until the one that fails, 0 for none; ``fired``: one has."""

    def __init__(self) -> None:
        self.at = 0
        self.fired = False

    def arm(self, at: int) -> None:
        self.at, self.fired = at, False

    def counts(self) -> bool:
        """Counts a statement; True for the one that is to fail."""
        if self.at:
            self.at -= 1
            self.fired |= not self.at
            return not self.at
        return False


@contextmanager
def failing_sqlite(pool: Pool) -> Iterator[Failing]:
    """The statement is interrupted at its first step: any that SQLite itself is told, COMMIT included."""
    failing, stops = Failing(), [False]

    def told(_: str) -> None:
        stops[0] = failing.counts()

    def checkout(raw: Any, *_: Any) -> None:
        raw.set_trace_callback(told)
        raw.set_progress_handler(lambda: int(stops[0]), 1)

    event.listen(pool, "checkout", checkout)
    yield failing
    event.remove(pool, "checkout", checkout)


@contextmanager
def failing_postgresql(pool: Pool, instead: str) -> Iterator[Failing]:
    """The statement is another one, which fails in the server."""
    failing = Failing()

    def before(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> tuple[str, Any]:
        return (instead, {}) if failing.counts() else (statement, parameters)

    event.listen(pool, "before_cursor_execute", before, retval=True)
    yield failing
    event.remove(pool, "before_cursor_execute", before)


def contents(store: Store) -> dict[str, list[str]]:
    """Every row of every table."""
    with store.reading() as connection:
        return {
            name: sorted(repr(tuple(row)) for row in connection.execute(select(table)))
            for name, table in schema.metadata.tables.items()
        }
