"""A metric of any length at the width of a screen: each column keeps its least and its greatest value."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from autotrack.core.entities import Columns

Array = np.ndarray[Any, Any]


def between(columns: Columns, start: int | None, end: int | None) -> Columns:
    """The points whose steps are in [start, end]; None is no bound."""
    first = 0 if start is None else int(np.searchsorted(columns.steps, start, "left"))
    last = len(columns.steps) if end is None else int(np.searchsorted(columns.steps, end, "right"))
    return _taken(columns, slice(first, max(first, last)))


def sampled(columns: Columns, pixels: int, x: Literal["step", "time"]) -> Columns:
    """At most 3 points for each of ``pixels`` equal parts of the x axis, and the first and the last of all.

    Of each part: the least, the greatest, and one that is NaN where there is any. A series that is no longer than
    2 points a part is left as it is.
    """
    count = len(columns.steps)
    if count <= 2 * pixels:
        return columns
    order = np.arange(count) if x == "step" else np.argsort(columns.timestamps, kind="stable")
    places = (columns.steps if x == "step" else columns.timestamps)[order]
    values = columns.values[order]
    if values.dtype == object:
        values = values.astype(np.float64)
    parts = _parts(places, pixels)
    edges = np.flatnonzero(np.concatenate(([True], parts[1:] != parts[:-1])))
    bad = np.isnan(values) if values.dtype.kind == "f" else np.zeros(count, bool)
    # NaN is neither least nor greatest: it stands where it can be neither, and is looked for on its own.
    low, high = (np.inf, -np.inf) if values.dtype.kind == "f" else (0, 0)
    kept = np.zeros(count, bool)
    kept[[0, -1]] = True
    for some in (
        _first(_extreme(np.minimum, np.where(bad, low, values), edges) & ~bad, edges),
        _first(_extreme(np.maximum, np.where(bad, high, values), edges) & ~bad, edges),
        _first(bad, edges),
    ):
        kept[some] = True
    return _taken(columns, np.sort(order[kept]))


def _parts(places: Array, pixels: int) -> Array:
    """The number of the part that each place, in order, is in."""
    # As floats: the distance of two int64 may be no int64. They round alike, so parts stay in order.
    real = places.astype(np.float64)
    wide = real[-1] - real[0]
    if not wide:  # all at one place: equal numbers of points a part
        return np.arange(len(places)) * pixels // len(places)
    found: Array = np.minimum((real - real[0]) / wide * pixels, pixels - 1).astype(np.int64)
    return found


def _extreme(function: np.ufunc, values: Array, edges: Array) -> Array:
    """True for the values that are their part's extreme one."""
    lengths = np.diff(np.append(edges, len(values)))
    found: Array = values == np.repeat(function.reduceat(values, edges), lengths)
    return found


def _first(marked: Array, edges: Array) -> Array:
    """The place of the first that is marked in each part that has any."""
    count = len(marked)
    places = np.minimum.reduceat(np.where(marked, np.arange(count), count), edges)
    return places[places < count]


def _taken(columns: Columns, which: Any) -> Columns:
    return Columns(columns.steps[which], columns.timestamps[which], columns.values[which])
