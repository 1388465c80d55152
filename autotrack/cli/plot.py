"""Curves in the terminal: from arrays to lines of text, with nothing read or printed on the way.

A character cell holds 2 x 4 braille dots, so that a chart of 60 x 16 characters has 120 x 64 points. Where many points
of a series fall into one column of dots, the column is filled from their lowest to their highest: a spike in a
million points stays visible.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

#: A line is a row of (text, number of the series it belongs to); None stands for axes and labels.
Line = list[tuple[str, int | None]]
Array = np.ndarray[Any, Any]

_BRAILLE = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
MARKS = "*+ox#@%&"
#: Columns that the curves get at least.
NARROWEST = 8


@dataclass(frozen=True, slots=True)
class Series:
    """One curve: its name and equally long arrays of places (ascending or not) and values."""

    name: str
    places: Array
    values: Array


@dataclass(frozen=True, slots=True)
class _Axis:
    """A stretch of numbers laid over a number of dots."""

    low: float
    high: float
    dots: int

    def at(self, values: Array) -> Array:
        with np.errstate(over="ignore"):  # what lies further away than a float can say is at the edge all the same
            share = (values - self.low) / (self.high - self.low)
        return np.clip(np.rint(share * (self.dots - 1)), 0, self.dots - 1).astype(np.int64)


def draw(
    series: Sequence[Series],
    *,
    width: int,
    height: int,
    unit: str = "step",
    logarithmic: bool = False,
    dots: bool = True,
) -> list[Line]:
    """The chart as lines at most ``width`` characters long: a legend, ``height`` rows of curves, an axis with its unit.

    Values that are not finite (with ``logarithmic``, those that are not positive) are left out, and the legend counts
    them. ``dots=False`` draws with a mark a series (``*``, ``+``), for places without colours.
    """
    height = max(2, height)
    curves = [_finite(each, logarithmic) for each in series]
    legend = _legend(series, curves, dots, width)
    points = [(places, values) for places, values in curves if len(places)]
    if not points:
        return [*legend, [("(no value that can be drawn)"[:width], None)]]
    low, high = _stretch(min(v.min() for _, v in points), max(v.max() for _, v in points))
    ticks = _ticks(low, high, max(3, height // 3), logarithmic)
    shown = {value: 10.0 ** min(float(value), 308.0) if logarithmic else value for value in ticks}
    labels = {value: _label(number, ticks, logarithmic) for value, number in shown.items()}
    room = width - NARROWEST - 3
    labels = {value: label if len(label) <= room else f"{shown[value]:.1e}" for value, label in labels.items()}
    gutter = max((len(text) for text in labels.values()), default=0)
    columns = max(NARROWEST, width - gutter - 3)
    left, right = _stretch(min(p.min() for p, _ in points), max(p.max() for p, _ in points))
    across, down = (2, 4) if dots else (1, 1)
    horizontal = _Axis(left, right, columns * across)
    vertical = _Axis(low, high, height * down)
    rows = _rows(curves, horizontal, vertical, columns, height, dots)
    at_row = {height - 1 - int(vertical.at(np.array([value]))[0]) // down: text for value, text in labels.items()}
    lines = [
        [(f"{at_row.get(row, ''):>{gutter}} {'┤' if row in at_row else '│'}", None), *cells]
        for row, cells in enumerate(rows)
    ]
    return [*legend, *lines, *_foot(horizontal, columns, across, gutter, unit)]


def text(lines: Sequence[Line]) -> list[str]:
    """The lines without their colours."""
    return ["".join(part for part, _ in line).rstrip() for line in lines]


def _finite(series: Series, logarithmic: bool) -> tuple[Array, Array]:
    """The points that can be drawn, by place."""
    places = np.asarray(series.places, dtype=np.float64)
    values = np.asarray(series.values, dtype=np.float64)
    kept = np.isfinite(places) & np.isfinite(values)
    if logarithmic:
        kept &= values > 0
    places, values = places[kept], values[kept]
    if len(places) > 1 and bool((np.diff(places) < 0).any()):
        order = np.argsort(places, kind="stable")
        places, values = places[order], values[order]
    return places, np.log10(values) if logarithmic else values


def _stretch(low: float, high: float) -> tuple[float, float]:
    """The range itself, or one around a single value; never wider than a float can hold."""
    low, high = float(low), float(high)
    if high - low > 0 and math.isfinite(high - low):
        return low, high
    if not math.isfinite(high - low):
        return low / 4, high / 4
    around, most = abs(low) * 0.05 or 0.5, sys.float_info.max
    return max(low - around, -most), min(high + around, most)


def _ticks(low: float, high: float, wanted: int, logarithmic: bool = False) -> list[float]:
    """Round numbers (1, 2, 5 times a power of ten) between low and high, about ``wanted`` of them."""
    if logarithmic and high - low >= 2:
        step = max(1.0, math.ceil((high - low) / wanted))
    else:
        raw = (high - low) / max(1, wanted)
        power = 10.0 ** math.floor(math.log10(raw)) if raw > 0 else 1.0
        step = next((power * nice for nice in (1, 2, 5, 10) if power * nice >= raw * 0.999), power * 10)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [index * step for index in range(first, min(last, first + 50) + 1)]


def _label(value: float, ticks: Sequence[float], logarithmic: bool) -> str:
    """A tick as text, with as many digits as tell it from its neighbours."""
    if logarithmic or len(ticks) < 2:
        return f"{float(value):.3g}"
    step = ticks[1] - ticks[0]
    most = max(abs(ticks[0]), abs(ticks[-1]))
    if most >= 1e6 or most < 1e-4:
        digits = max(0, math.ceil(math.log10(most / step) - 1e-9)) if step else 2
        return f"{value:.{min(digits, 6)}e}" if value else "0"
    return f"{value:.{max(0, math.ceil(-math.log10(step) - 1e-9))}f}"


def _legend(series: Sequence[Series], curves: Sequence[tuple[Array, Array]], dots: bool, width: int) -> list[Line]:
    """The names with their marks, on as many lines as they need."""
    lines: list[Line] = [[]]
    used = 0
    for at, (each, (places, _)) in enumerate(zip(series, curves, strict=True)):
        left_out = len(each.values) - len(places)
        mark = "━" if dots else MARKS[at % len(MARKS)]
        entry = f"{mark} {each.name}" + (f" ({left_out:,} left out: cannot be drawn)" if left_out else "")
        entry = entry if len(entry) < width else entry[: max(1, width - 1)] + "…"
        if lines[-1] and used + len(entry) + 3 > width:
            lines.append([])
            used = 0
        if lines[-1]:
            lines[-1].append(("   ", None))
            used += 3
        lines[-1].append((entry, at))
        used += len(entry)
    return lines


def _rows(
    curves: Sequence[tuple[Array, Array]], horizontal: _Axis, vertical: _Axis, columns: int, height: int, dots: bool
) -> list[Line]:
    """The curves as rows of cells, from the top; where they cross, the later one is seen."""
    bits = np.zeros((height, columns), dtype=np.int64)
    owner = np.full((height, columns), -1, dtype=np.int64)
    for at, (places, values) in enumerate(curves):
        if not len(places):
            continue
        for column, low, high in _spans(horizontal.at(places), vertical.at(values)):
            for dot in range(low, high + 1):
                from_top = vertical.dots - 1 - dot
                if dots:
                    row, cell = from_top // 4, column // 2
                    if owner[row, cell] != at:
                        bits[row, cell] = 0
                    bits[row, cell] |= _BRAILLE[from_top % 4][column % 2]
                else:
                    row, cell = from_top, column
                owner[row, cell] = at
    rows: list[Line] = []
    for row in range(height):
        line: Line = []
        for cell in range(columns):
            who = int(owner[row, cell])
            mark = " " if who < 0 else chr(0x2800 + int(bits[row, cell])) if dots else MARKS[who % len(MARKS)]
            whose = None if who < 0 else who
            if line and line[-1][1] == whose:
                line[-1] = (line[-1][0] + mark, whose)
            else:
                line.append((mark, whose))
        rows.append(line)
    return rows


def _spans(columns: Array, rows: Array) -> list[tuple[int, int, int]]:
    """Which dots a curve covers: (column, lowest, highest), with neighbouring points joined by straight lines."""
    starts = np.flatnonzero(np.r_[True, np.diff(columns) > 0])
    lows, highs = np.minimum.reduceat(rows, starts), np.maximum.reduceat(rows, starts)
    firsts, lasts = rows[starts], rows[np.r_[starts[1:] - 1, len(rows) - 1]]
    occupied = columns[starts]
    spans = [(int(c), int(low), int(high)) for c, low, high in zip(occupied, lows, highs, strict=True)]
    for at in range(len(occupied) - 1):
        spans += _join(int(occupied[at]), int(lasts[at]), int(occupied[at + 1]), int(firsts[at + 1]))
    return spans


def _join(column: int, row: int, to_column: int, to_row: int) -> list[tuple[int, int, int]]:
    """A straight line of dots from one point to another, without gaps."""
    spans = []
    length = to_column - column
    before = row
    for step in range(1, length + 1):
        now = row + round((to_row - row) * step / length)
        middle = (before + now) // 2 if length == 1 else before
        spans.append((column + step - 1, min(before, middle), max(before, middle)))
        spans.append((column + step, min(middle, now), max(middle, now)))
        before = now
    return spans


def _foot(axis: _Axis, columns: int, across: int, gutter: int, unit: str) -> list[Line]:
    """The horizontal axis, and its round numbers with their unit at the end."""
    room = columns - len(unit) - 1
    ticks = [value for value in _ticks(axis.low, axis.high, max(2, columns // 14)) if unit != "step" or value % 1 == 0]
    rule = ["─"] * columns
    labels = [" "] * columns
    free = 0
    for value in ticks:
        cell = int(axis.at(np.array([value]))[0]) // across
        label = (
            _label(value, ticks, False) if unit != "step" else f"{value:.0f}" if abs(value) < 1e9 else f"{value:.2e}"
        )
        start = max(0, cell - len(label) // 2)
        if start < free or start + len(label) > room:
            continue
        rule[cell] = "┬"
        labels[start : start + len(label)] = label
        free = start + len(label) + 1
    labels[columns - len(unit) :] = unit
    return [
        [(f"{'':>{gutter}} └{''.join(rule)}", None)],
        [(f"{'':>{gutter}}  {''.join(labels)}", None)],
    ]
