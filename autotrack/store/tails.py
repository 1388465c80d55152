"""The end of a series: points in chunks of their own at first, put together now and then.

A series that grows by a few points at a time would be written again and again if its last chunk had to hold them. So
they come to lie behind it as small chunks, and what is open (not ``FULL`` yet) is put into one where it has grown by
an eighth. A series' row has the number of chunks, and of the points in those that are open (``tail``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Integer, bindparam, delete, select

from . import schema
from .chunks import FULL, LONGEST, decode, encode
from .dialect import fetch, upsert, write_rows
from .points import Points, joined

#: So many points of a series lie in chunks of their own before they are put together.
LOOSE = 32

_CHUNKS = schema.chunks
_OF_SERIES = _CHUNKS.c.series == bindparam("at_series")
_LAST = (
    select(_CHUNKS.c.n, _CHUNKS.c.data)
    .where(_OF_SERIES, _CHUNKS.c.n <= bindparam("at_n"))
    .order_by(_CHUNKS.c.n.desc())
    .limit(bindparam("most", type_=Integer))
)
_GONE = delete(_CHUNKS).where(_OF_SERIES, _CHUNKS.c.n == bindparam("at_n"))


def store(connection: Connection, row: dict[str, Any], points: Points, chunks: Chunks) -> None:
    """Appends points to the open tail of a series: as a chunk of their own, or, now and then, all of it as one."""
    after = row["tail"] + len(points)
    is_open = row["chunks"] > 0 and row["tail"] < FULL
    if is_open and not _is_due(row["tail"], after) and len(points) <= LONGEST:
        chunks.put(row["id"], row["chunks"], points)
        row["chunks"], row["tail"] = row["chunks"] + 1, after
        return
    pieces = [points]
    if is_open:
        tail = open_tail(connection, row, chunks)
        row["chunks"] -= len(tail)
        chunks.drop(row["id"], row["chunks"], len(tail))
        pieces = alike([*tail, points])
    for piece in pieces:
        for start in range(0, len(piece), LONGEST):
            part = piece if len(piece) <= LONGEST else piece.part(start, start + LONGEST)
            chunks.put(row["id"], row["chunks"], part)
            row["chunks"], row["tail"] = row["chunks"] + 1, len(part)


def _is_due(before: int, after: int) -> bool:
    """Whether an open tail that grows is to be put into one chunk: every 32 points, later every eighth of its length,
    so that a point is packed a few times however it comes, and little of a series lies about in pieces."""
    step = max(LOOSE, 1 << max(0, after.bit_length() - 4))
    return before // step != after // step


def alike(pieces: Sequence[Points]) -> list[Points]:
    """Points behind each other as few pieces: one, unless some are integers and some floats."""
    runs: list[list[Points]] = []
    for piece in pieces:
        if runs and runs[-1][0].is_int == piece.is_int:
            runs[-1].append(piece)
        else:
            runs.append([piece])
    return [joined(run) for run in runs]


def open_tail(connection: Connection, row: Mapping[str, Any], chunks: Chunks) -> list[Points]:
    """The chunks at the end of a series that later points may still be put together with, as this transaction leaves
    them."""
    found: list[Points] = []
    left, number = row["tail"], row["chunks"] - 1
    stored: dict[int, bytes] | None = None
    while left > 0:
        data = chunks.pending(row["id"], number)
        if data is None:
            if stored is None:
                # Each has a point at least.
                rows = fetch(connection, _LAST, {"at_series": row["id"], "at_n": number, "most": left})
                stored = {each[0]: bytes(each[1]) for each in rows}
            data = stored[number]
        found.append(decode(data))
        left -= len(found[-1])
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

    def pending(self, series: int, number: int) -> bytes | None:
        """A chunk that is not in the database yet."""
        found = self._written.get((series, number))
        return None if found is None else found[1]

    def write(self, connection: Connection) -> None:
        """Has the database as this says."""
        if self._dropped:
            gone = [{"at_series": series, "at_n": number} for series, number in self._dropped]
            connection.execute(_GONE, gone)
        if self._written:
            rows = [(*address, *content) for address, content in self._written.items()]
            write_rows(connection, upsert(schema.chunks), ("series", "n", "count", "data"), rows)
