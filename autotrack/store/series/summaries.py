"""Appends metric points to their series, and keeps the summary row of each, so that searches leave points alone."""

from __future__ import annotations

import math
import struct
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import Connection, insert, select

from .. import schema
from ..engines.dialect import among_pairs_bound, fetch_kept, for_update, numbers_for, upsert, write_rows
from .points import Points
from .tails import Chunks, alike, open_tail, store

BITS = struct.Struct("<d")
INT = struct.Struct("<q")
#: Series that are looked up in one statement.
MANY = 2000

_COLUMNS = [column.name for column in schema.series.columns]
_THESE = for_update(
    select(schema.series).where(among_pairs_bound(schema.series.c.run, schema.series.c.key, bound="pairs"))
)


@dataclass(slots=True, eq=False)
class NewPoints:
    """Points of one series of one run (its number), to be appended in order of arrival."""

    run: int
    key: str
    points: Points


def bits_of(value: float | int, *, is_int: bool) -> int:
    """A value's 64 bits as a signed integer."""
    packed = INT.pack(value) if is_int else BITS.pack(value)
    bits: int = INT.unpack(packed)[0]
    return bits


def value_of(bits: int, is_int: bool) -> float | int:
    """The value that 64 bits stand for."""
    if is_int:
        return bits
    value: float = BITS.unpack(INT.pack(bits))[0]
    return value


def searchable(value: float | int) -> float | None:
    """A value as a number column holds it: NaN is NULL."""
    number = float(value)
    return None if math.isnan(number) else number


def append(
    connection: Connection, batch: Iterable[NewPoints], fresh: Collection[int] = (), *, distinct: bool = False
) -> None:
    """Appends points to their series, in the caller's transaction. A series may stand in ``batch`` more than once.

    ``fresh``: numbers of runs that this transaction made, which have no series yet. ``distinct``: the latest value is
    that of the largest step, then time, then value, and a point that equals one of the series' newest (those of its
    open tail) in all three is not stored again.
    """
    items = iter(batch)
    made: set[tuple[int, str]] = set()
    while some := list(islice(items, MANY)):
        asked = {(item.run, item.key) for item in some if item.run not in fresh or (item.run, item.key) in made}
        made.update(_append(connection, some, _existing(connection, asked), distinct))


def _append(
    connection: Connection,
    batch: Sequence[NewPoints],
    known: Mapping[tuple[int, str], dict[str, Any]],
    distinct: bool,
) -> Iterable[tuple[int, str]]:
    """Appends points to series, of which ``known`` are in the database; answers the new ones."""
    new: dict[tuple[int, str], dict[str, Any]] = {}
    changed: dict[tuple[int, str], dict[str, Any]] = {}
    chunks = Chunks()
    added = {(item.run, item.key) for item in batch} - known.keys()
    ids = iter(numbers_for(connection, schema.series.c.id, len(added)))
    for item in batch:
        address = (item.run, item.key)
        row = known.get(address) or new.get(address)
        if distinct:
            left = _unknown(connection, row, item.points, chunks)
            if left is None:
                continue
            item = NewPoints(item.run, item.key, left)
        if row is None:
            new[address] = row = _first(item, next(ids), distinct)
            if row["count"] > 1:
                store(connection, row, item.points, chunks)
            continue
        if address in known:
            changed[address] = row
        for points in alike([_only_point(row), item.points]) if row["chunks"] == 0 else [item.points]:
            store(connection, row, points, chunks)
        _update(row, item.points, distinct)
    chunks.write(connection)
    if new:
        write_rows(connection, insert(schema.series), _COLUMNS, [tuple(row.values()) for row in new.values()])
    if changed:
        write_rows(connection, upsert(schema.series), _COLUMNS, [tuple(row.values()) for row in changed.values()])
    return new


def _existing(connection: Connection, addresses: Collection[tuple[int, str]]) -> dict[tuple[int, str], dict[str, Any]]:
    if not addresses:
        return {}
    rows = fetch_kept(connection, _THESE, {"pairs": list(addresses)})
    return {(row[0], row[1]): dict(zip(_COLUMNS, row, strict=True)) for row in rows}


def _first(item: NewPoints, number: int, by_time: bool) -> dict[str, Any]:
    """A new series' row, its values in the order of the table's columns."""
    row: dict[str, Any] = {
        "run": item.run,
        "key": item.key,
        "id": number,
        "last": None,
        "last_bits": 0,
        "last_int": False,
        "last_step": -(2**63),
        "last_time": 0,
        "low": None,
        "high": None,
        "count": 0,
        "chunks": 0,
        "tail": 0,
    }
    _update(row, item.points, by_time)
    return row


def _update(row: dict[str, Any], points: Points, by_time: bool) -> None:
    """Takes points into a summary: the last is the one with the largest step that arrived last, or, ``by_time``, the
    one of them with the largest time, then value."""
    steps, values = points.steps, points.values()
    if isinstance(steps, list):
        step = max(steps)
        at = len(steps) - 1 - steps[::-1].index(step)
        numbers = [value for value in values if value == value]  # NaN is no number to search for
        low, high = (float(min(numbers)), float(max(numbers))) if numbers else (None, None)
    else:
        import numpy as np

        at = len(steps) - 1 - int(np.argmax(steps[::-1]))
        step = int(steps[at])
        low, high = searchable(np.fmin.reduce(values)), searchable(np.fmax.reduce(values))
    newer = step >= row["last_step"]
    if by_time and newer:
        at = max((n for n, each in enumerate(steps) if each == step), key=lambda n: _rank(points.times[n], values[n]))
        before = value_of(row["last_bits"], row["last_int"])
        newer = step > row["last_step"] or _rank(points.times[at], values[at]) >= _rank(row["last_time"], before)
    if newer:
        row["last_bits"], row["last_int"], row["last_step"] = int(points.bits[at]), points.is_int, step
        row["last_time"] = int(points.times[at]) // 1000 * 1000  # as chunks keep it
        row["last"] = searchable(values[at])
    if low is not None and high is not None:
        row["low"] = low if row["low"] is None else min(row["low"], low)
        row["high"] = high if row["high"] is None else max(row["high"], high)
    row["count"] += len(steps)


def _rank(moment: Any, value: Any) -> tuple[int, bool, Any]:
    """Later first, then larger, NaN last of all."""
    is_number = value == value
    return int(moment) // 1000, is_number, value if is_number else 0


def _unknown(
    connection: Connection,
    row: dict[str, Any] | None,
    points: Points,
    chunks: Chunks,
) -> Points | None:
    """Those points that are not stored yet, each once; None where there are none.

    A series that goes on has no step that it had: only where a step comes again is anything looked at.
    """
    steps = set(map(int, points.steps))
    if len(steps) == len(points) and (row is None or min(steps) > row["last_step"]):
        return points
    triples = _triples(points)
    seen: set[tuple[int, int, int]] = set()
    if row is not None and min(steps) <= row["last_step"]:
        for held in open_tail(connection, row, chunks) if row["chunks"] else [_only_point(row)]:
            seen.update(_triples(held))
    fresh = []
    for at, triple in enumerate(triples):
        if triple not in seen:
            seen.add(triple)
            fresh.append(at)
    if len(fresh) == len(triples):
        return points
    if not fresh:
        return None
    columns = (points.steps, points.times, points.bits)
    return Points.of(([int(column[at]) for at in fresh] for column in columns), points.is_int)


def _only_point(row: Mapping[str, Any]) -> Points:
    """The single point of a series that has no chunk yet."""
    return Points([row["last_step"]], [row["last_time"]], [row["last_bits"]], bool(row["last_int"]))


def _triples(points: Points) -> list[tuple[int, int, int]]:
    columns = map(int, points.steps), (int(time) // 1000 for time in points.times), map(int, points.bits)
    return list(zip(*columns, strict=True))
