"""Which rows a chunk covers: the same for every column and container, and for every length of the same beginning.

A chunk begins small, so that a changed row is nearly named, and grows with the offset, so that a table of any length
has a few hundred: 1,024 rows up to row 16,384, from there on a sixteenth of the power of two below its first row. A
chunk's boundaries do not depend on how many rows follow, so tables to which rows were added share their first chunks.
"""

from __future__ import annotations

from collections.abc import Iterator

#: Rows of the first chunks.
FIRST = 1024
#: Chunks between a row number and its double.
PER_DOUBLING = 16
#: Rows of variable length are hashed in pieces of at most so many, aligned to multiples of it.
PIECE = 4096
#: Rows that are worked through together (a multiple of ``PIECE``): a column's share of them stays in the cache.
BLOCK = 32768


def chunk_size(start: int) -> int:
    """Rows of the chunk that begins at this row."""
    if start < FIRST * PER_DOUBLING:
        return FIRST
    return int((1 << (start.bit_length() - 1)) // PER_DOUBLING)


def boundaries(rows: int) -> list[int]:
    """First rows of all chunks, and ``rows`` at the end; ``[0]`` where there are none."""
    marks = [0]
    while marks[-1] < rows:
        marks.append(min(rows, marks[-1] + chunk_size(marks[-1])))
    return marks


def pieces(start: int, stop: int, rows: int, longest: int | None = None) -> Iterator[tuple[int, int, bool]]:
    """(first row, end, whether a chunk ends there) of the stretches of ``start:stop`` that lie in one chunk each.

    ``longest`` cuts them further, at its multiples. ``start`` is a multiple of ``BLOCK``, ``stop`` one too or the end.
    """
    while start < stop:
        # Chunks are powers of two long and begin at multiples of their length.
        size = chunk_size(start)
        end = min(rows, start - start % size + size)
        cut = min(end, stop)
        if longest is not None:
            cut = min(cut, start - start % longest + longest)
        yield start, cut, cut == end
        start = cut
