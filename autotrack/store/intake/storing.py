"""Stores what a writer's batch holds; what the database itself does not take costs itself alone."""

from __future__ import annotations

import logging
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DataError, IntegrityError, InterfaceError, ProgrammingError

from autotrack.core.journal.records import Record

from ..engines.dialect import is_conflict
from ..series.points import Points, Slots
from .apply import Batch, series_of, why

log = logging.getLogger("autotrack.store")

#: What a value raises that cannot be stored. A full disk, a lock or a broken file are other errors: all waits then.
UNFIT = (
    *(DataError, IntegrityError, InterfaceError, ProgrammingError),
    *(ValueError, TypeError, ArithmeticError, LookupError, AttributeError, RecursionError, struct.error),
)
Group = tuple[int, Any, Any, Any]


@dataclass(slots=True)
class Stored:
    """What became of a batch: counts, why records were refused, the writer's clock, and whether runs are new."""

    events: int = 0
    points: int = 0
    lost_points: int = 0
    refused: list[str] = field(default_factory=list)
    clock: int = 0
    new_runs: bool = False


class Unfit(Exception):
    """Something in a batch cannot be stored: nothing of the transaction counts, and all is to be told one by one."""


def store_together(connection: Connection, writer: str, events: Iterable[Record], raw: bytes, clock: int) -> Stored:
    """Stores records and points, with a few statements for all of them (Unfit where one keeps the others waiting)."""
    try:
        batch = Batch(writer, clock)
        count = 0
        for record in events:
            batch.take(record)
            count += 1
        slots = Slots(raw)
        series = _series(connection, writer, batch.series, slots)
        for number, moment in slots.latest():
            if number in series:
                batch.touch(series[number][0], moment)
        found = Stored(count - len(batch.refused), refused=batch.refused, clock=batch.clock)

        # One by one: a hundred thousand small objects at once would cost more to keep.
        named = _named(slots.groups(), series, found)
        found.new_runs = bool(batch.write(connection, named))
    except UNFIT as error:
        if is_conflict(error):
            raise
        log.debug("a batch of %s is stored piece by piece", writer, exc_info=error)
        raise Unfit from error
    return found


def store_apart(connection: Connection, writer: str, events: Sequence[Record], raw: bytes, clock: int) -> Stored:
    """Stores records and points in pieces, each whole or not at all: what cannot be stored is found by halving."""
    found = Stored(clock=clock)
    series: dict[int, tuple[str, str, bool]] = {}

    def store_records(records: Sequence[Record]) -> None:
        batch = Batch(writer, found.clock)
        for record in records:
            batch.take(record)
        found.new_runs |= bool(batch.write(connection, ()))
        found.events += len(records) - len(batch.refused)
        found.refused += batch.refused
        found.clock = batch.clock
        series.update(batch.series)

    def refuse_record(record: Record, error: Exception) -> None:
        found.refused.append(why(record, getattr(error, "orig", None) or error))

    def store_points(groups: Sequence[Group]) -> None:
        batch = Batch(writer, found.clock)
        taken = Stored()
        for number, _, times, _ in groups:
            if number in known:
                batch.touch(known[number][0], int(max(times)))
        batch.write(connection, _named(groups, known, taken))
        found.points += taken.points
        found.lost_points += taken.lost_points

    def lose_points(group: Group, error: Exception) -> None:
        log.warning("%d points of %s could not be stored: %s", len(group[1]), writer, error)
        found.lost_points += len(group[1])

    _halving(connection, events, store_records, refuse_record)
    slots = Slots(raw)
    known = _series(connection, writer, series, slots)
    _halving(connection, list(slots.groups()), store_points, lose_points)
    return found


def _halving(
    connection: Connection,
    items: Sequence[Any],
    store: Callable[[Sequence[Any]], None],
    refuse: Callable[[Any, Exception], None],
) -> None:
    """Stores items in their order, as many at once as can be; those that cannot be stored are refused."""
    waiting = [items] if items else []
    while waiting:
        some = waiting.pop()
        try:
            with connection.begin_nested():
                store(some)
        except UNFIT as error:
            if is_conflict(error):
                raise
            if len(some) == 1:
                refuse(some[0], error)
            else:
                middle = len(some) // 2
                waiting += [some[middle:], some[:middle]]


def _series(
    connection: Connection, writer: str, announced: Mapping[int, tuple[str, str, bool]], slots: Slots
) -> Mapping[int, tuple[str, str, bool]]:
    """The series of the slots by number: announced in this batch or before."""
    missing = [number for number, _ in slots.latest() if number not in announced]
    return {**series_of(connection, writer, missing), **announced} if missing else announced


def _named(
    groups: Iterable[Group], series: Mapping[int, tuple[str, str, bool]], found: Stored
) -> Iterable[tuple[str, str, Points]]:
    """Points with the run and the key that they are of; those whose series is not known (its record was damaged) are
    counted as lost."""
    for number, steps, times, bits in groups:
        if number not in series:
            found.lost_points += len(steps)
            continue
        run, key, is_int = series[number]
        found.points += len(steps)
        yield run, key, Points(steps, times, bits, is_int)
