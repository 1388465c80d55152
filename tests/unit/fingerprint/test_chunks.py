"""The chunks' boundaries."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from autotrack.core.fingerprint import layout


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_tables_of_one_beginning_share_their_chunks(one: int, two: int) -> None:
    short, long = sorted((one, two))
    assert layout.boundaries(short)[:-1] == layout.boundaries(long)[: len(layout.boundaries(short)) - 1]


def test_a_thousand_million_rows_have_few_chunks() -> None:
    marks = layout.boundaries(10**9)
    assert marks[0] == 0 and marks[-1] == 10**9 and len(marks) < 300
    assert all(b - a <= max(layout.FIRST, a // layout.PER_DOUBLING) for a, b in pairwise(marks))


@given(st.integers(1, 500_000), st.sampled_from([None, 64, layout.PIECE]))
def test_pieces_fill_the_chunks(rows: int, longest: int | None) -> None:
    found = [
        piece
        for start in range(0, rows, layout.BLOCK)
        for piece in layout.pieces(start, min(rows, start + layout.BLOCK), rows, longest)
    ]
    assert [b for _, b, ends in found if ends] == layout.boundaries(rows)[1:]
    assert [a for a, _, _ in found] == [0, *(b for _, b, _ in found[:-1])]
    assert all(b - a <= (longest or layout.BLOCK) for a, b, _ in found)
