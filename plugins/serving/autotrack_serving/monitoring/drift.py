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
#: Rows for each bin from which on there is an index. By chance alone it is about (bins - 1) / rows: Yurdakul and
#: Naranjo, Statistical properties of the population stability index (2020).
_ROWS_A_BIN = 10
#: Keeps an empty bin from making the index infinite.
_LEAST = 1e-4
#: Counts are of about so many of the latest rows: what moves after a year is not hidden by the year.
WINDOW = 200_000
#: Kinds that training never saw: how many are named, and the characters of a name.
NAMED, _LONGEST = 5, 40


class Drift(Protocol):
    """How far a column has moved. ``rows`` were looked at, of the latest ones."""

    column: ColumnProfile
    rows: float

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


def index(expected: Any, found: Any) -> float:
    """The population stability index of two lists of shares: the sum of (p - q) ln(p / q).

    Siddiqi, Credit Risk Scorecards (2006): from 0.1 on it is taken for a shift that matters, from 0.25 on for a large
    one. It is the symmetric divergence of Kullback and Leibler (1951).
    """
    expected, found = np.maximum(expected, _LEAST), np.maximum(found, _LEAST)
    return float(((found - expected) * np.log(found / expected)).sum())


class Gaps:
    """A column of which nothing is told but how often it is missing."""

    def __init__(self, column: ColumnProfile) -> None:
        self.column = column
        self.rows: float = 0
        self._missing: float = 0

    @property
    def names(self) -> list[str]:
        return []

    def add(self, values: Any) -> None:
        array = np.asarray(values)
        self._faded()
        self.rows += len(array)
        if array.dtype.kind in "fmM":
            self._missing += int(np.isnan(array).sum() if array.dtype.kind == "f" else np.isnat(array).sum())
        elif array.dtype.kind == "O":
            self._missing += sum(map(is_missing, array.tolist()))

    def measures(self) -> dict[str, float]:
        """``missing``: the share of rows without a value."""
        return {"missing": self._missing / max(self.rows, 1)}

    def _faded(self) -> None:
        """Older rows count half as much each time that the window is full."""
        if self.rows > WINDOW:
            self.rows /= 2
            self._missing /= 2
            self._halve()

    def _halve(self) -> None:
        """The same for further counts."""


class Numbers(Gaps):
    """A column of numbers, by the quantiles of training."""

    def __init__(self, column: ColumnProfile) -> None:
        super().__init__(column)
        self._edges, self._below = np.array(column.edges), np.array(column.below)
        self._counts = np.zeros(len(self._edges) + 1)
        self._outside: float = 0
        kept, last = [], 0.0
        for at, below in enumerate(column.below):
            if below - last >= _NUMBERS_BIN and 1 - below >= _NUMBERS_BIN:
                kept.append(at)
                last = below
        self._kept = np.array(kept, int)

    def add(self, values: Any) -> None:
        values = np.asarray(values, float)
        there = values[~np.isnan(values)]
        self._faded()
        self.rows += len(values)
        self._missing += len(values) - len(there)
        self._outside += int(((there < self.column.least) | (there > self.column.greatest)).sum())
        places = np.searchsorted(self._edges, there, side="left")
        self._counts += np.bincount(places, minlength=len(self._counts))

    def measures(self) -> dict[str, float]:
        """``psi`` (population stability index over the bins between the 5, 25, 50, 75 and 95 % quantiles of training),
        ``ks`` (largest distance of the two distribution functions at the known quantiles: the statistic of Kolmogorov
        and Smirnov, from below), shares ``missing`` and ``outside`` of the range of training."""
        found = super().measures()
        total = self._counts.sum()
        if not total:
            return found
        below = np.cumsum(self._counts)[:-1] / total
        expected = np.diff(np.concatenate([[0.0], self._below[self._kept], [1.0]]))
        seen = np.diff(np.concatenate([[0.0], below[self._kept], [1.0]]))
        found["ks"] = float(np.abs(below - self._below).max())
        found["outside"] = self._outside / max(self.rows, 1)
        return found if total < _ROWS_A_BIN * len(seen) else {"psi": index(expected, seen), **found}

    def _halve(self) -> None:
        self._counts /= 2
        self._outside /= 2


class Kinds(Gaps):
    """A column of texts, truth values or few whole numbers, by the values that training saw."""

    def __init__(self, column: ColumnProfile, named: bool = True) -> None:
        super().__init__(column)
        self._places = {key: at for at, (key, _) in enumerate(column.values)}
        self._counts = np.zeros(len(column.values) + 1)  # the last: whatever else there is
        self._named = named
        self._names: list[str] = []
        #: A sample of training does not show all kinds: as many rows as may be of such ones are no news.
        self._known = column.others <= _KINDS_BIN
        shares = np.array([share for _, share in column.values])
        self._own = np.flatnonzero(shares >= _KINDS_BIN)
        self._expected = shares[self._own]

    def add(self, values: Any) -> None:
        counted = _counted(values)
        self._faded()
        for key, (times, shown) in counted.items():
            self.rows += times
            if key is None:
                self._missing += times
                continue
            place = self._places.get(key, -1)
            self._counts[place] += times
            if place == -1 and self._named and len(self._names) < NAMED:
                name = clean(mask(shown[:_LONGEST]))[:_LONGEST]
                self._names += [] if name in self._names else [name]

    @property
    def names(self) -> list[str]:
        return self._names if self._unseen() > 0 else []

    def measures(self) -> dict[str, float]:
        """``psi`` over the values that were at least a hundredth of training, all others together; shares ``missing``
        and, where training's values are known but for a hundredth, ``unseen`` (of rows with a value that training never
        saw, less those that may be of values that its sample does not show)."""
        found = super().measures()
        total = self._counts.sum()
        if not total:
            return found
        own = self._counts[self._own] / total
        expected = np.append(self._expected, max(0.0, 1 - self._expected.sum()))
        if self._known:
            found["unseen"] = self._unseen()
        if total < _ROWS_A_BIN * len(expected):
            return found
        return {"psi": index(expected, np.append(own, max(0.0, 1 - own.sum()))), **found}

    def _unseen(self) -> float:
        if not self._known:
            return 0.0
        return max(0.0, float(self._counts[-1] / max(1.0, self._counts.sum())) - self.column.others)

    def _halve(self) -> None:
        self._counts /= 2


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
