"""How far one column has moved from training, from counts alone: nothing of the rows is kept, but a few names of kinds
that training never saw."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from autotrack.plugin import clean, is_missing, kind_key, mask

if TYPE_CHECKING:
    from autotrack.plugin import ColumnProfile

#: The least share of training that is a bin of its own: finer ones would be empty by chance.
_NUMBERS_BIN, _KINDS_BIN = 0.04, 0.01
#: Values from which on it is judged how far a column has moved, and as many for each bin. By chance alone the index is
#: about (bins - 1) / rows (Yurdakul and Naranjo, Statistical properties of the population stability index, 2020): with
#: these it passes 0.1 in one column of sixty, and 0.2 in one of ten thousand.
_VALUES, _VALUES_A_BIN = 100, 25
#: Keeps an empty bin from making the index infinite; of few rows half a one may have been in it.
_LEAST, _HALF = 1e-4, 0.5
#: Counts are of about so many of the latest rows: what moves after a year is not hidden by the year.
WINDOW = 200_000
#: Kinds that training never saw: how many are named, and the characters of a name.
NAMED, _LONGEST = 5, 40


class Drift(Protocol):
    """How far a column has moved. ``counts`` are all that is known: those of several processes are added up."""

    column: ColumnProfile
    counts: Any

    @property
    def rows(self) -> float:
        """How many were looked at, of the latest ones."""

    @property
    def needed(self) -> int:
        """Values from which on it is judged how far they have moved."""

    @property
    def names(self) -> list[str]:
        """The first kinds that training never saw, fit to be printed: they come from whoever asks."""

    def add(self, values: Any) -> None:
        """Takes the values of some rows."""

    def measures(self) -> dict[str, float]:
        """By name: what is known of the column so far."""


def drift_of(column: ColumnProfile, *, named: bool = True) -> Drift:
    """What watches a column; unless ``named`` it keeps no value, whatever comes."""
    if column.edges:
        return Numbers(column)
    return Kinds(column, named) if column.values else Gaps(column)


def index(expected: Any, found: Any, count: float) -> float:
    """The population stability index of two lists of shares, those found of ``count`` values: the sum of
    (p - q) ln(p / q).

    Siddiqi, Credit Risk Scorecards (2006): from 0.1 on it is taken for a shift that matters, from 0.25 on for a large
    one. It is the symmetric divergence of Kullback and Leibler (1951).
    """
    least = max(_LEAST, _HALF / count)
    expected, found = np.maximum(expected, least), np.maximum(found, least)
    return float(((found - expected) * np.log(found / expected)).sum())


#: Where counts have the rows, those of them without a value, and those outside of training's range; bins follow.
_ROWS, _MISSING, _OUTSIDE, _BINS = range(4)


class Gaps:
    """A column of which nothing is told but how often it is missing."""

    needed = 0

    def __init__(self, column: ColumnProfile, bins: int = 0) -> None:
        self.column = column
        self.counts: Any = np.zeros(_BINS + bins)

    @property
    def rows(self) -> float:
        return float(self.counts[_ROWS])

    @property
    def names(self) -> list[str]:
        return []

    def add(self, values: Any) -> None:
        array = np.asarray(values)
        self._fade()
        self.counts[_ROWS] += len(array)
        if array.dtype.kind in "fmM":
            self.counts[_MISSING] += int(np.isnan(array).sum() if array.dtype.kind == "f" else np.isnat(array).sum())
        elif array.dtype.kind == "O":
            self.counts[_MISSING] += sum(map(is_missing, array.tolist()))

    def measures(self) -> dict[str, float]:
        """``missing``: the share of rows without a value."""
        return {"missing": self._share(_MISSING)}

    def _share(self, what: int) -> float:
        return float(self.counts[what] / max(self.counts[_ROWS], 1))

    def _fade(self) -> None:
        """Older rows count half as much each time that the window is full."""
        if self.counts[_ROWS] > WINDOW:
            self.counts /= 2


class Numbers(Gaps):
    """A column of numbers, by the quantiles of training."""

    def __init__(self, column: ColumnProfile) -> None:
        self._edges, self._below = np.array(column.edges), np.array(column.below)
        super().__init__(column, len(self._edges) + 1)
        kept, last = [], 0.0
        for at, below in enumerate(column.below):
            if below - last >= _NUMBERS_BIN and 1 - below >= _NUMBERS_BIN:
                kept.append(at)
                last = below
        self._kept = np.array(kept, int)
        self._expected = np.diff(np.concatenate([[0.0], self._below[self._kept], [1.0]]))
        self.needed = _enough(len(self._expected))

    def add(self, values: Any) -> None:
        values = np.asarray(values, float)
        there = values[~np.isnan(values)]
        self._fade()
        outside = int(((there < self.column.least) | (there > self.column.greatest)).sum())
        self.counts[:_BINS] += [len(values), len(values) - len(there), outside]
        places = np.searchsorted(self._edges, there, side="left")
        self.counts[_BINS:] += np.bincount(places, minlength=len(self._edges) + 1)

    def measures(self) -> dict[str, float]:
        """Shares ``missing`` and ``outside`` of the range of training; of enough values ``psi`` (population stability
        index over the bins between the 5, 25, 50, 75 and 95 % quantiles of training) and ``ks`` (largest distance of
        the two distribution functions at the known quantiles: the statistic of Kolmogorov and Smirnov, from below)."""
        found = super().measures()
        total = self.counts[_BINS:].sum()
        if not total:
            return found
        found["outside"] = self._share(_OUTSIDE)
        if total < self.needed:
            return found
        below = np.cumsum(self.counts[_BINS:])[:-1] / total
        seen = np.diff(np.concatenate([[0.0], below[self._kept], [1.0]]))
        distance = float(np.abs(below - self._below).max())
        return {"psi": index(self._expected, seen, total), "ks": distance, **found}


class Kinds(Gaps):
    """A column of texts, truth values or few whole numbers, by the values that training saw."""

    def __init__(self, column: ColumnProfile, named: bool = True) -> None:
        super().__init__(column, len(column.values) + 1)  # the last: whatever else there is
        self._places = {key: at for at, (key, _) in enumerate(column.values)}
        self._named = named
        self._names: list[str] = []
        #: A sample of training does not show all kinds: as many rows as may be of such ones are no news.
        self._known = column.others <= _KINDS_BIN
        shares = np.array([share for _, share in column.values])
        self._own = np.flatnonzero(shares >= _KINDS_BIN)
        own = shares[self._own]
        self._expected = np.append(own, max(0.0, 1 - own.sum()))
        self.needed = _enough(len(self._expected))

    def add(self, values: Any) -> None:
        counted = _counted(values)
        self._fade()
        for key, (times, shown) in counted.items():
            self.counts[_ROWS] += times
            if key is None:
                self.counts[_MISSING] += times
                continue
            place = self._places.get(key, -1)
            self.counts[_BINS:][place] += times
            if place == -1 and self._named and len(self._names) < NAMED:
                name = clean(mask(shown[:_LONGEST]))[:_LONGEST]
                self._names += [] if name in self._names else [name]

    @property
    def names(self) -> list[str]:
        return self._names if self._unseen() > 0 else []

    def measures(self) -> dict[str, float]:
        """Shares ``missing`` and, where training's values are known but for a hundredth, ``unseen`` (of rows with a
        value that training never saw, less those that may be of values that its sample does not show); of enough
        values ``psi`` over those that were at least a hundredth of training, all others together."""
        found = super().measures()
        total = self.counts[_BINS:].sum()
        if not total:
            return found
        if self._known:
            found["unseen"] = self._unseen()
        if total < self.needed:
            return found
        own = self.counts[_BINS:][self._own] / total
        return {"psi": index(self._expected, np.append(own, max(0.0, 1 - own.sum())), total), **found}

    def _unseen(self) -> float:
        if not self._known:
            return 0.0
        return max(0.0, float(self.counts[-1] / max(1.0, self.counts[_BINS:].sum())) - self.column.others)


def _enough(bins: int) -> int:
    return max(_VALUES, _VALUES_A_BIN * bins)


def _counted(values: Any) -> dict[Any, tuple[int, str]]:
    """How often each value comes, by its key (None: it is missing), with what it looks like. What is of no kind is left
    out, and asked nothing: it may be an object of anybody's."""
    array = np.asarray(values)
    if array.dtype.kind in "biuf":
        found, counts = np.unique(array[array == array], return_counts=True)
        counted: Counter[Any] = Counter(dict(zip(found.tolist(), counts.tolist(), strict=True)))
        counted[None] = int((array != array).sum())
    else:
        plain = (None if is_missing(value) else value for value in array.tolist())
        counted = Counter(value for value in plain if value is None or isinstance(value, (str, int, float, np.generic)))
    told: dict[Any, tuple[int, str]] = {}
    for value, times in counted.items():
        key = None if value is None else kind_key(value)
        if isinstance(key, float) and math.isnan(key):  # numpy's own
            key = value = None
        if times and (key is not None or value is None):
            told[key] = (told.get(key, (0, ""))[0] + times, f"{value:g}" if isinstance(value, float) else str(value))
    return told
