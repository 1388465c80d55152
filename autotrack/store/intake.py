"""Takes batches of a writer's records into a database: each exactly once, whoever brings them, however often.

A batch and the writer's cursor are stored in one transaction, so a record is in the store if and only if the cursor is
past it. See ``autotrack.core.sink.Intake``.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, Engine, delete, select, update

from autotrack.core.entities import Delivery, Status
from autotrack.core.errors import OutOfStepError, UsageError
from autotrack.core.journal.lastwords import LastWord
from autotrack.core.journal.reader import Batch as Records
from autotrack.core.journal.reader import Cursor

from . import schema
from .apply import Batch, note_damage, series_of
from .dialect import begin_write, for_update, translated, upsert
from .points import SLOT, Points, Slots

#: Signals by which somebody ends a program on purpose; any other death is a crash.
ENDED_ON_PURPOSE = frozenset({"SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT"})


class Intake:
    """Takes batches into one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def cursor(self, writer: str) -> Cursor:
        """How far a writer's records are in the store."""
        table = schema.writers
        with translated(self._engine), self._engine.connect() as connection:
            row = connection.execute(select(table.c.events, table.c.points).where(table.c.writer == writer)).first()
        return Cursor() if row is None else Cursor(row.events, row.points)

    def apply(
        self, writer: str, cursor: Cursor, batch: Records, *, host: str | None = None, seen: int | None = None
    ) -> Delivery:
        """Stores a batch that begins at ``cursor`` (see ``autotrack.core.sink.Intake``)."""
        points = batch.points[0][1] if len(batch.points) == 1 else b"".join(data for _, data in batch.points)
        if len(points) % SLOT.size:
            raise UsageError(f"{len(points)} bytes are no whole number of points of {SLOT.size} bytes")
        table = schema.writers
        this = table.c.writer == writer
        with begin_write(self._engine) as connection:
            fresh = {"writer": writer, "events": 0, "points": 0, "damaged": 0, "state": "live", "host": host}
            connection.execute(upsert(table, keep=True), {**fresh, "last_seen": None})
            row = connection.execute(for_update(select(table).where(this))).one()
            stored = Cursor(row.events, row.points)
            if stored != cursor:
                if stored == batch.cursor:
                    return Delivery()
                raise OutOfStepError(
                    f"a batch of {writer} begins at event byte {cursor.events} and point {cursor.points}, the store "
                    f"has its records up to {stored.events} and {stored.points}: send them from there",
                    stored.events,
                    stored.points,
                )
            taken = _store(connection, writer, batch.events, points)
            lost = taken.damaged + batch.damaged
            values = {
                "events": batch.cursor.events,
                "points": batch.cursor.points,
                "damaged": row.damaged + lost,
                "state": "live",
                "last_seen": max(row.last_seen or 0, _not_in_the_future(seen)),
            }
            connection.execute(update(table).where(this).values(values))
            if lost:
                note_damage(connection, writer, row.damaged + lost)
        return Delivery(points=taken.points, events=taken.events, damaged=lost)

    def end_writer(
        self, writer: str, *, seen: int | None = None, word: LastWord | None = None, exit_code: int | None = None
    ) -> None:
        """Ends the runs that a dead writer left running (see ``autotrack.core.sink.Intake``)."""
        runs, writers, links = schema.runs, schema.writers, schema.writer_series
        left = select(runs.c.n, runs.c.last_seen, runs.c.started).where(
            runs.c.writer == writer, runs.c.status == str(Status.RUNNING)
        )
        status, error = Status.CRASHED, None
        if exit_code is not None:  # it ended by itself and left its runs to us
            status = Status.FAILED if exit_code else Status.FINISHED
            error = f"the program ended with exit code {exit_code}" if exit_code else None
        elif word is not None:
            status = Status.KILLED if word.signal in ENDED_ON_PURPOSE else Status.CRASHED
            error = "\n".join(part for part in (f"ended by {word.signal}", word.traceback) if part)
        with begin_write(self._engine) as connection:
            for row in connection.execute(for_update(left)).all():
                last = max(row.last_seen or 0, row.started, _not_in_the_future(seen))
                values = {
                    "status": str(status),
                    "ended": last,
                    "last_seen": last,
                    "error": error,
                    "exit_code": exit_code,
                }
                connection.execute(update(runs).where(runs.c.n == row.n).values(values))
            connection.execute(delete(links).where(links.c.writer == writer))
            connection.execute(update(writers).where(writers.c.writer == writer).values(state="done"))


def _not_in_the_future(seen: int | None) -> int:
    """A heartbeat as it is believed: a file that was copied, or a clock that was set back, may say anything."""
    now = time.time_ns()
    return now if seen is None else min(seen, now)


def _store(connection: Connection, writer: str, events: Iterable[Mapping[str, Any]], raw: bytes) -> Delivery:
    """Stores records; answers what they held."""
    batch = Batch(writer)
    count = 0
    for record in events:
        batch.take(record)
        count += 1
    slots = Slots(raw)
    latest = slots.latest()
    series = batch.series
    missing = [number for number, _ in latest if number not in series]
    if missing:
        series = {**series_of(connection, writer, missing), **series}
    for number, moment in latest:
        if number in series:
            batch.touch(series[number][0], moment)
    points = lost = 0

    def named() -> Iterator[tuple[str, str, Points]]:
        nonlocal points, lost
        for number, steps, times, bits in slots.groups():
            if number not in series:  # the record that named it was damaged
                lost += len(steps)
                continue
            run, key, is_int = series[number]
            points += len(steps)
            yield run, key, Points(steps, times, bits, is_int)

    batch.write(connection, named())  # one by one: a hundred thousand small objects at once would cost more to keep
    return Delivery(points=points, events=count - batch.refused, damaged=batch.refused + lost)
