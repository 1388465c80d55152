"""Curves as lines of text: nothing outside the frame, nothing lost in it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from autotrack.cli.plot import Series, draw, text

DRAWN = range(0x2801, 0x2900)


def chart(values: object, places: object = None, **given: object) -> list[str]:
    array = np.asarray(values, dtype=float)
    at = np.arange(len(array)) if places is None else np.asarray(places)
    return text(draw([Series("loss", at, array)], **{"width": 60, "height": 8, **given}))  # type: ignore[arg-type]


def test_a_line_rises_from_the_lower_left_to_the_upper_right() -> None:
    rows = chart(np.arange(100))[1:9]
    firsts = [min((at for at, mark in enumerate(row) if ord(mark) in DRAWN), default=-1) for row in rows]
    assert firsts == sorted(firsts, reverse=True)
    assert firsts[0] > 45
    assert all(first > 0 for first in firsts)


def test_a_spike_among_a_million_points_is_seen() -> None:
    values = np.zeros(1_000_000)
    values[123_456] = 1.0
    top = chart(values)[1]
    assert sum(ord(mark) in DRAWN for mark in top) == 1


def test_axes_say_round_numbers_and_the_unit() -> None:
    lines = chart(np.linspace(0, 1, 101))
    assert lines[-1].split() == ["0", "20", "40", "60", "80", "step"] or lines[-1].endswith("step")
    assert any(line.startswith("0.5 ┤") for line in lines)
    assert chart([1, 2, 3], [0.5, 1.0, 1.5], unit="s")[-1].endswith(" s")


def test_a_logarithmic_scale_spaces_decades_evenly() -> None:
    lines = chart([1.0, 10.0, 100.0, 1000.0, -5.0, 0.0], logarithmic=True, height=13)
    at = {line.split("┤")[0].strip(): row for row, line in enumerate(lines) if "┤" in line}
    gaps = np.diff([at[label] for label in ("1e+03", "100", "10", "1")])
    assert gaps.max() - gaps.min() <= 1
    assert "2 left out" in lines[0]


def test_what_is_not_finite_is_left_out_and_counted() -> None:
    assert "(3 left out" in chart([1.0, np.nan, 2.0, np.inf, -np.inf])[0]
    assert chart([np.nan, np.nan])[-1] == "(no value that can be drawn)"
    assert chart([])[-1] == "(no value that can be drawn)"


@pytest.mark.parametrize(
    "values", [[5.0], [0.0, 0.0], [-1e300, 1e300], [1e-320, 2e-320], [1e15, 1e15 + 1], [2**53] * 3]
)
def test_edge_values_are_drawn(values: list[float]) -> None:
    lines = chart(values)
    assert any(ord(mark) in DRAWN for line in lines for mark in line)


def test_several_series_keep_their_own_marks_without_colours() -> None:
    at = np.arange(50)
    lines = draw([Series("up", at, at), Series("down", at, 50.0 - at)], width=60, height=8, dots=False)
    drawn = "".join(text(lines)[1:])
    assert text(lines)[0] == "* up   + down"
    assert "*" in drawn
    assert "+" in drawn
    assert {which for line in lines for _, which in line} == {0, 1, None}


def test_points_out_of_order_are_joined_in_order() -> None:
    assert chart([3.0, 1.0, 2.0], [3, 1, 2]) == chart([1.0, 2.0, 3.0], [1, 2, 3])


@settings(max_examples=150, deadline=None)
@example(np.array([1.79769313e308, -3.99168062e292]), 20, 2, False, False)
@example(np.array([1.79769282e308, 1.79769288e308]), 20, 2, False, False)
@given(
    arrays(np.float64, st.integers(0, 40), elements=st.floats(width=64)),
    st.integers(20, 120),
    st.integers(2, 20),
    st.booleans(),
    st.booleans(),
)
def test_any_values_fit_the_frame(values: np.ndarray, width: int, height: int, log: bool, dots: bool) -> None:  # type: ignore[type-arg]
    lines = chart(values, width=width, height=height, logarithmic=log, dots=dots)
    assert all(len(line) <= width for line in lines)
    kept = np.isfinite(values) & ((values > 0) | (not log))
    if kept.any():
        assert len(lines) == height + 3
        marks = DRAWN if dots else [ord("*")]
        assert any(ord(mark) in marks for line in lines[1:] for mark in line)
