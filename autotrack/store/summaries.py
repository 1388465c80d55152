"""Writes metric points: chunks, and the summary row of each series that lets searches leave the points alone."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection, bindparam, func, insert, select, tuple_

from . import schema
from .chunks import FULL, LONGEST, Points, decode, encode
from .dialect import upsert

BITS = struct.Struct("<d")
INT = struct.Struct("<q")
#: Bound parameters a statement: well under SQLite's limit of 32,766.
MANY = 5000


@dataclass(frozen=True, slots=True)
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


def append(connection: Connection, batch: Sequence[NewPoints]) -> None:
    """Appends points to their series, in the caller's transaction. A series may stand in ``batch`` more than once."""
    for start in range(0, len(batch), MANY):
        _append(connection, batch[start : start + MANY])


def _append(connection: Connection, batch: Sequence[NewPoints]) -> None:
    known = _existing(connection, batch)
    next_id = (connection.execute(select(func.max(schema.series.c.id))).scalar() or 0) + 1
    summaries: dict[tuple[int, str], dict[str, Any]] = {}
    chunks: dict[tuple[int, int], dict[str, Any]] = {}
    for item in batch:
        if not len(item.points):
            continue
        key = (item.run, item.key)
        row = summaries.get(key) or known.get(key)
        if row is None:
            row = _first(item, next_id)
            next_id += 1
            if len(item.points) > 1:
                _store(connection, row, item.points, chunks)
        else:
            points: Points | None = item.points
            if row["chunks"] == 0:
                points = _joined(_only_point(row), item.points)
                if points is None:
                    _store(connection, row, _only_point(row), chunks)
            _store(connection, row, points if points is not None else item.points, chunks)
            _update(row, item.points)
        summaries[key] = row
    if chunks:
        connection.execute(upsert(schema.chunks), list(chunks.values()))
    new = [row for key, row in summaries.items() if key not in known]
    if new:
        connection.execute(insert(schema.series), new)
    old = [{f"at_{name}": value for name, value in row.items()} for key, row in summaries.items() if key in known]
    if old:
        table = schema.series
        changed = [column for column in table.columns if column.name not in ("run", "key", "id")]
        connection.execute(
            table.update()
            .where(table.c.run == bindparam("at_run"), table.c.key == bindparam("at_key"))
            .values({column: bindparam(f"at_{column.name}") for column in changed}),
            old,
        )


def _existing(connection: Connection, batch: Sequence[NewPoints]) -> dict[tuple[int, str], dict[str, Any]]:
    table = schema.series
    keys = list({(item.run, item.key) for item in batch})
    found = connection.execute(select(table).where(tuple_(table.c.run, table.c.key).in_(keys)))
    return {(row["run"], row["key"]): dict(row) for row in found.mappings()}


def _first(item: NewPoints, number: int) -> dict[str, Any]:
    row: dict[str, Any] = {"run": item.run, "key": item.key, "id": number, "count": 0, "chunks": 0, "tail": 0}
    row.update(last=None, last_bits=0, last_int=False, last_step=-(2**63), last_time=0, low=None, high=None)
    _update(row, item.points)
    return row


def _update(row: dict[str, Any], points: Points) -> None:
    """Takes points into a summary: the last is the one with the largest step that arrived last."""
    count = len(points)
    steps = points.steps
    at = 0 if count == 1 else count - 1 - int(np.argmax(steps[::-1]))
    step = int(steps[at])
    if step >= row["last_step"]:
        bits = int(points.bits[at])
        row.update(last_bits=bits, last_int=points.is_int, last_step=step)
        row["last_time"] = int(points.times[at]) // 1000 * 1000  # as chunks keep it
        row["last"] = searchable(value_of(bits, points.is_int))
    values = points.values()
    low, high = (searchable(values[0]),) * 2 if count == 1 else (None, None)
    if count > 1:
        low, high = searchable(np.fmin.reduce(values)), searchable(np.fmax.reduce(values))
    if low is not None and high is not None:
        row["low"] = low if row["low"] is None else min(row["low"], low)
        row["high"] = high if row["high"] is None else max(row["high"], high)
    row["count"] += count


def _only_point(row: dict[str, Any]) -> Points:
    """The single point of a series that has no chunk yet."""
    step, moment, bits = (np.array([row[name]], dtype=np.int64) for name in ("last_step", "last_time", "last_bits"))
    return Points(step, moment, bits, bool(row["last_int"]))


def _joined(first: Points, second: Points) -> Points | None:
    """Both, one after the other; None where one has integers and the other floats."""
    if first.is_int != second.is_int:
        return None
    return Points(
        np.concatenate((first.steps, second.steps)),
        np.concatenate((first.times, second.times)),
        np.concatenate((first.bits, second.bits)),
        first.is_int,
    )


def _store(
    connection: Connection, row: dict[str, Any], points: Points, chunks: dict[tuple[int, int], dict[str, Any]]
) -> None:
    """Puts points into chunks: into the last one while it is short, then into new ones."""
    if row["chunks"] and row["tail"] < FULL:
        address = (row["id"], row["chunks"] - 1)
        held = chunks.get(address)
        table = schema.chunks
        data = (
            held["data"]
            if held
            else connection.execute(
                select(table.c.data).where(table.c.series == address[0], table.c.n == address[1])
            ).scalar_one()
        )
        joined = _joined(decode(data), points)
        if joined is not None:
            points = joined
            row["chunks"] -= 1
    for start in range(0, len(points), LONGEST):
        end = start + LONGEST
        piece = Points(points.steps[start:end], points.times[start:end], points.bits[start:end], points.is_int)
        number = row["chunks"]
        chunks[row["id"], number] = {"series": row["id"], "n": number, "count": len(piece), "data": encode(piece)}
        row.update(chunks=number + 1, tail=len(piece))
