"""The end of a series: points in chunks of their own at first, put together now and then.

A series that grows by a few points at a time would be written again and again if its last chunk had to hold them. So
they come to lie behind it as small chunks. Where the open points (those that are not ``FULL`` yet) pass a multiple of
128, those since the last one are put into one chunk, at a multiple of 1024 those since the last one of these, and so
on: a point is packed four times at most however it comes, and little of a series lies about in pieces. The number of
chunks, and of the points in those that are open (``tail``), is in the series' row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Integer, bindparam, delete, select

from .. import schema
from ..engines.dialect import fetch_kept, run_kept, upsert, write_rows
from .chunks import FULL, LONGEST, decode, encode
from .points import Points, joined

#: Multiples of so many open points at which they are put together, the largest first.
UNITS = (FULL, 1024, 128)

_CHUNKS = schema.chunks
_OF_SERIES = _CHUNKS.c.series == bindparam("at_series")
_LAST = (
    select(_CHUNKS.c.n, _CHUNKS.c.count, _CHUNKS.c.data)
    .where(_OF_SERIES, _CHUNKS.c.n <= bindparam("at_n"))
    .order_by(_CHUNKS.c.n.desc())
    .limit(bindparam("most", type_=Integer))
)
_GONE = delete(_CHUNKS).where(_OF_SERIES, _CHUNKS.c.n == bindparam("at_n"))


def store(connection: Connection, row: dict[str, Any], points: Points, chunks: Chunks) -> None:
    """Appends points to the open tail of a series: as a chunk of their own, or with some that are there as one."""
    pieces = [points]
    if row["chunks"] == 0 or row["tail"] >= FULL:
        row["tail"] = 0
    before = row["tail"]
    row["tail"] = after = before + len(points)
    unit = next((unit for unit in UNITS if before // unit != after // unit), None)
    if before and unit is not None:
        tail = open_tail(connection, {**row, "tail": before}, chunks, before // unit * unit)
        row["chunks"] -= len(tail)
        chunks.drop(row["id"], row["chunks"], len(tail))
        pieces = alike([*tail, points])
    for piece in pieces:
        for start in range(0, len(piece), LONGEST):
            part = piece if len(piece) <= LONGEST else piece.part(start, start + LONGEST)
            chunks.put(row["id"], row["chunks"], part)
            row["chunks"] += 1


def alike(pieces: Sequence[Points]) -> list[Points]:
    """Points behind each other as few pieces: one, unless some are integers and some floats."""
    runs: list[list[Points]] = []
    for piece in pieces:
        if runs and runs[-1][0].is_int == piece.is_int:
            runs[-1].append(piece)
        else:
            runs.append([piece])
    return [joined(run) for run in runs]


def open_tail(connection: Connection, row: Mapping[str, Any], chunks: Chunks, since: int = 0) -> list[Points]:
    """The chunks at the end of a series that later points may still be put together with, as this transaction leaves
    them: those that begin ``since`` points into its tail, or later."""
    found: list[Points] = []
    end, number = row["tail"], row["chunks"] - 1
    stored: dict[int, tuple[int, bytes]] | None = None
    while end > since:
        chunk = chunks.pending(row["id"], number)
        if chunk is None:
            if stored is None:
                # Each has a point at least.
                rows = fetch_kept(connection, _LAST, {"at_series": row["id"], "at_n": number, "most": end - since})
                stored = {n: (count, data) for n, count, data in rows}
            chunk = stored[number]
        end -= chunk[0]
        if end >= since:
            found.append(decode(bytes(chunk[1])))
            number -= 1
    return found[::-1]


class Chunks:
    """Chunks that a transaction writes and takes away, by series and number."""

    def __init__(self) -> None:
        self._written: dict[tuple[int, int], tuple[int, bytes]] = {}
        self._dropped: set[tuple[int, int]] = set()

    def put(self, series: int, number: int, points: Points) -> None:
        """Writes a chunk."""
        self._written[series, number] = len(points), encode(points)
        self._dropped.discard((series, number))

    def drop(self, series: int, first: int, count: int) -> None:
        """Takes away chunks that others are going to stand for."""
        for number in range(first, first + count):
            self._written.pop((series, number), None)
            self._dropped.add((series, number))

    def pending(self, series: int, number: int) -> tuple[int, bytes] | None:
        """How many points a chunk has that is not in the database yet, and its bytes."""
        return self._written.get((series, number))

    def write(self, connection: Connection) -> None:
        """Has the database as this says."""
        if self._dropped:
            gone = [{"at_series": series, "at_n": number} for series, number in self._dropped]
            run_kept(connection, _GONE, gone)
        if self._written:
            rows = [(*address, *content) for address, content in self._written.items()]
            write_rows(connection, upsert(schema.chunks), ("series", "n", "count", "data"), rows)
