from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autotrack.core.errors import StoreError
from autotrack.store.series.chunks import FULL, LONGEST, decode, decode_into, encode, is_intact
from autotrack.store.series.points import FEW, SLOT, Points, Slots

INT64 = st.integers(-(2**63), 2**63 - 1)


def points(steps, times, bits, is_int=False):
    arrays = (np.asarray(column, dtype=np.int64) for column in (steps, times, bits))
    return Points.of(arrays, is_int)


@given(st.lists(st.tuples(INT64, INT64, INT64), min_size=1, max_size=200), st.booleans())
def test_any_points_come_back(rows, is_int):
    steps, times, bits = zip(*rows, strict=True)
    times = [time // 2000 * 1000 for time in times]  # microseconds, and room for the multiplication
    given_points = points(steps, times, bits, is_int)
    back = decode(encode(given_points))
    assert back.is_int is is_int
    columns = [np.empty(len(rows), dtype=np.int64) for _ in range(3)]
    assert decode_into(encode(given_points), *columns) is is_int
    for column, array in zip(("steps", "times", "bits"), columns, strict=True):
        assert np.array_equal(getattr(back, column), getattr(given_points, column)), column
        assert np.array_equal(array, getattr(given_points, column)), column


@given(
    hnp.arrays(np.float64, st.integers(1, 3000), elements=st.floats(width=32) | st.floats(), fill=st.floats(width=32))
)
def test_float_bits_survive_narrowing_and_deflating(values):
    n = len(values)
    given_points = points(np.arange(n) * 3 - 7, np.arange(n) * 1_000_000, values.view(np.int64))
    back = decode(encode(given_points))
    assert np.array_equal(back.bits, given_points.bits)
    assert np.array_equal(back.steps, given_points.steps)


@pytest.mark.parametrize("gap", [0, 1, 7, 300, 70_000, 2**33])
def test_jittered_columns(gap):
    rng = np.random.default_rng(gap)
    gaps = rng.integers(0, gap + 1, 5000)
    given_points = points(np.cumsum(gaps), np.cumsum(gaps) * 1000, rng.random(5000).view(np.int64))
    assert np.array_equal(decode(encode(given_points)).times, given_points.times)


def test_a_point_of_random_doubles_takes_at_most_ten_bytes():
    rng = np.random.default_rng(0)
    n = LONGEST
    times = 1_700_000_000 * 10**9 + np.cumsum(rng.integers(1_000_000, 40_000_000, n))
    data = encode(points(np.arange(n), times, rng.random(n).view(np.int64)))
    assert len(data) / n <= 10.05


def test_float32_values_take_half():
    rng = np.random.default_rng(0)
    values = rng.random(FULL).astype(np.float32).astype(np.float64)
    assert len(encode(points(np.arange(FULL), np.zeros(FULL), values.view(np.int64)))) < 4.1 * FULL


@given(st.binary(max_size=200), st.integers(0, 199))
def test_garbage_is_an_error_of_ours(garbage, cut):
    whole = encode(points(range(50), [n * n * 1000 for n in range(50)], range(50)))
    for data in (garbage, whole[: min(cut, len(whole) - 1)]):
        with pytest.raises(StoreError):
            decode(data)


def test_a_flipped_bit_is_found():
    whole = bytearray(encode(points(range(50), range(50), range(50))))
    assert is_intact(bytes(whole))
    for at in range(len(whole)):
        if at not in (1, 2, 3, 4, 5, 6, 7):  # header fields that reading checks in other ways
            whole[at] ^= 4
            assert not is_intact(bytes(whole)), at
            whole[at] ^= 4


@given(
    st.lists(st.tuples(st.sampled_from([0, 1, 5, 70_000, 2**32 - 1]), INT64, INT64, INT64), max_size=300),
    st.integers(0, 3000),
)
def test_slots_are_grouped_in_order_of_arrival(rows, more):
    rows = [*rows, *((7, step, step * 1000, 0) for step in range(more))]  # few by hand, many with numpy
    data = b"".join(SLOT.pack(step, time, bits, series, 0) for series, step, time, bits in rows)
    found, slots = {}, Slots(data)
    for series, *columns in slots.groups():
        points = Points(*columns, False)
        assert isinstance(points.steps, list) is (len(points) <= FEW)
        found[series] = [tuple(map(int, row)) for row in zip(points.steps, points.times, points.bits, strict=True)]
    wanted: dict[int, list[tuple[int, int, int]]] = {}
    for series, *rest in rows:
        wanted.setdefault(series, []).append(tuple(rest))
    assert found == wanted
    assert dict(slots.latest()) == {series: max(time for _, time, _ in rows) for series, rows in wanted.items()}
