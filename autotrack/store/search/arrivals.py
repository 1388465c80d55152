"""The points of a series in the order in which they came: all of them by step, or those that came after some number."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from autotrack.core.entities import Columns

from .. import schema
from ..engines.dialect import fetch, same_text
from ..series.chunks import decode
from . import queries


class Arrivals(NamedTuple):
    """Points by step, how many of the series there are, and when the first of them was logged (ns)."""

    points: Columns
    total: int
    began: int


def arrivals(connection: Connection, number: int, key: str, after: int = 0) -> Arrivals | None:
    """The points of a metric of the run with that number, without the first ``after`` that came; None where it has no
    such metric. Few chunks are read for few points."""
    if not after:
        found = queries.history(connection, number, key)
        return None if found is None else Arrivals(found, len(found.steps), int(found.timestamps.min()))
    series, chunks = schema.series, schema.chunks
    row = fetch(
        connection,
        select(series.c.id, series.c.chunks, series.c.count).where(
            series.c.run == number, same_text(series.c.key, key)
        ),
    )
    if not row:
        return None
    identity, pieces, total = row[0]
    if pieces == 0 or after >= total:
        whole = queries.history(connection, number, key) if pieces == 0 else None
        began = _began(connection, identity) if whole is None else int(whole.timestamps[0])
        nothing = _columns([], 0)
        return Arrivals(nothing, int(total), began)
    counts = fetch(
        connection, select(chunks.c.n, chunks.c.count).where(chunks.c.series == identity).order_by(chunks.c.n)
    )
    passed, first, skipped = 0, 0, 0
    for n, count in counts:
        if passed + count > after:
            first, skipped = n, after - passed
            break
        passed += count
    data = fetch(
        connection,
        select(chunks.c.data).where(chunks.c.series == identity, chunks.c.n >= first).order_by(chunks.c.n),
    )
    return Arrivals(_columns([bytes(each[0]) for each in data], skipped), int(total), _began(connection, identity))


def _began(connection: Connection, identity: int) -> int:
    chunks = schema.chunks
    data = fetch(connection, select(chunks.c.data).where(chunks.c.series == identity, chunks.c.n == 0))
    return int(min(decode(bytes(data[0][0])).times))


def _columns(data: list[bytes], skipped: int) -> Columns:
    import numpy as np

    parts = [decode(each) for each in data]
    steps, times = (
        np.concatenate([np.asarray(getattr(part, name), np.int64) for part in parts] or [np.empty(0, np.int64)])
        for name in ("steps", "times")
    )
    values: Any = np.concatenate(
        [np.asarray(part.values(), np.int64 if part.is_int else np.float64) for part in parts] or [np.empty(0)]
    )
    order = np.argsort(steps[skipped:], kind="stable")
    return Columns(steps[skipped:][order], times[skipped:][order], values[skipped:][order])
