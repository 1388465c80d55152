"""A metric as a line on a screen: of each column of pixels the first, the last, the least and the greatest point, what
is no number, and, where it is to be smooth, how it goes on average."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Literal

import numpy as np

from autotrack.core.entities import Columns

Array = np.ndarray[Any, Any]
Axis = Literal["step", "time", "rel"]

#: Points a column of pixels, up to which all are sent.
_ALL = 4
#: Values that are averaged at once.
_BLOCK = 64


@dataclass(frozen=True, slots=True)
class Line:
    """Points of a metric, by ``x``. ``low`` and ``high``: the finite extremes of the column that each point is in.

    ``of``: how many points there are between the ends of the axis. ``whole``: true where they are all here. ``bad``:
    how many of them are NaN, infinity, minus infinity; ``sunk``: how many are 0 or less, which a log axis leaves out.
    """

    x: Array
    y: Array
    low: Array
    high: Array
    of: int
    whole: bool
    bad: tuple[int, int, int]
    sunk: int


def line(
    points: Columns, axis: Axis, began: int, start: float | None, end: float | None, pixels: int, smooth: float
) -> Line:
    """The points with ``x`` in [start, end] as so many columns of pixels can show them.

    ``x`` is the step, the time in seconds since the epoch, or in seconds since ``began`` (ns). ``smooth``, 0 to 1
    (exclusive): the weight of the past in a debiased moving average, which is made of all points, also of those that
    are not shown.
    """
    values = points.values.astype(np.float64)
    if axis == "step":
        x = points.steps.astype(np.float64)
    else:
        times = points.timestamps - began if axis == "rel" else points.timestamps
        x = times / 1e9
        if len(x) > 1 and not (x[1:] >= x[:-1]).all():
            order = np.argsort(x, kind="stable")
            x, values = x[order], values[order]
    y = smoothed(values, smooth) if smooth else values
    first = 0 if start is None else int(np.searchsorted(x, start, "left"))
    last = len(x) if end is None else int(np.searchsorted(x, end, "right"))
    x, values = x[first:last], values[first:last]
    y = y[first:last] if smooth else values
    finite = np.isfinite(values)
    is_clean = bool(finite.all())
    bad = (0, 0, 0) if is_clean else _kinds(values[~finite])
    sunk = int(np.count_nonzero(values <= 0))
    if len(x) <= _ALL * pixels:
        return Line(x, y, values, values, len(x), True, bad, sunk)
    starts = _columns(x, pixels)
    ends = np.append(starts[1:], len(x))
    low, high = (values, values) if is_clean else (np.where(finite, values, side) for side in (np.inf, -np.inf))
    pairs = list(zip(starts.tolist(), ends.tolist(), strict=True))
    lowest = np.array([at + int(low[at:stop].argmin()) for at, stop in pairs])
    highest = np.array([at + int(high[at:stop].argmax()) for at, stop in pairs])
    some = [starts, ends - 1, lowest, highest]
    if not is_clean:
        some.append(_first_bad(values, np.flatnonzero(~finite), starts))
    kept = np.unique(np.concatenate(some))
    column = np.searchsorted(starts, kept, "right") - 1
    least, most = values[lowest], values[highest]
    if not is_clean:  # a column without any number has no extremes
        least, most = (np.where(np.isfinite(each), each, np.nan) for each in (least, most))
    return Line(x[kept], y[kept], least[column], most[column], len(x), False, bad, sunk)


def _columns(x: Array, pixels: int) -> Array:
    """Where each column of pixels that has any points begins."""
    wide = x[-1] - x[0]
    if not wide:  # all at one place: equal numbers of points a column
        return np.unique(np.arange(pixels) * len(x) // pixels)
    borders = x[0] + wide * (np.arange(1, pixels) / pixels)
    found = np.unique(np.concatenate(([0], np.searchsorted(x, borders, "left"))))
    return found[found < len(x)]


def _kinds(bad: Array) -> tuple[int, int, int]:
    is_nan = int(np.count_nonzero(np.isnan(bad)))
    above = int(np.count_nonzero(bad == np.inf))
    return is_nan, above, len(bad) - is_nan - above


def _first_bad(values: Array, places: Array, starts: Array) -> Array:
    """The first NaN, infinity and minus infinity of each column."""
    bad = values[places]
    kind = np.where(np.isnan(bad), 0, np.where(bad > 0, 1, 2))
    column = np.searchsorted(starts, places, "right") - 1
    _, first = np.unique(column * 3 + kind, return_index=True)
    return places[first]


def smoothed(values: Array, weight: float) -> Array:
    """The debiased exponential moving average: m = w m + (1 - w) v, divided by 1 - w^n for the n-th value.

    What is no finite number is left as it is, and left out of the average.
    """
    finite = np.isfinite(values)
    found = values.copy()
    found[finite] = _averaged(values[finite], weight)
    return found


def _averaged(values: Array, weight: float) -> Array:
    count = len(values)
    if not count:
        return values
    rows = -(-count // _BLOCK)
    blocks = np.zeros((rows, _BLOCK))
    blocks.ravel()[:count] = values
    powers = weight ** np.arange(_BLOCK + 1)
    # Within a block each value weighs w^distance; what came before is the block's start times w^place.
    back = np.arange(_BLOCK)[:, None] - np.arange(_BLOCK)[None, :]
    within = np.where(back >= 0, powers[np.maximum(back, 0)], 0.0) * (1 - weight)
    means = blocks @ within.T
    whole = float(powers[_BLOCK])
    before = [0.0, *accumulate(means[:, -1].tolist(), lambda sofar, last: whole * sofar + last)][:rows]
    means += np.array(before)[:, None] * powers[1:]
    found = means.ravel()[:count]
    # Beyond this many values there is nothing left of the bias.
    early = min(count, math.ceil(math.log(1e-17) / math.log(weight)) if weight > 0 else 1)
    found[:early] /= 1 - weight ** np.arange(1, early + 1)
    return found
