"""What the training data looked like, column by column: what inputs in production are held against."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from autotrack.plugin import attempt, find_store, open_sink

if TYPE_CHECKING:
    from autotrack.plugin import PyFunc, RunRecord

#: Shares of the rows below each quantile that a fingerprint keeps.
SHARES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
#: Of them, the edges of the bins of the population stability index: finer ones would be empty by chance.
_BINS = slice(1, 6)
#: A column with fewer values is one of kinds, whose quantiles say little.
_FEW = 12
#: Keeps an empty bin from making the index infinite.
_LEAST = 1e-4


@dataclass(frozen=True, slots=True)
class Column:
    """A column of numbers as it was trained on: quantiles at ``SHARES``, least, greatest, share of missing values."""

    name: str
    quantiles: tuple[float, ...]
    least: float
    greatest: float
    missing: float


@dataclass(frozen=True, slots=True)
class Reference:
    """The run that made the model, and the columns of its training data that can be compared."""

    run: str | None
    columns: tuple[Column, ...] = ()


def reference_of(model: PyFunc) -> Reference:
    """The reference of a model, as far as the store in force knows the run that made it."""
    run_id = model.metadata.run_id
    if run_id is None:
        return Reference(None)
    found, _ = attempt(_of_run, run_id)
    return found or Reference(run_id)


def _of_run(run_id: str) -> Reference:
    location = find_store()
    sink = open_sink(location.uri)
    try:
        sink.deliver(location.journal)
        record: RunRecord = sink.run(run_id)
        train = next((data for data in record.datasets if data.context == "train" and data.fingerprint), None)
        document = json.loads(sink.objects.get(train.fingerprint)) if train is not None and train.fingerprint else {}
    finally:
        sink.close()
    return Reference(run_id, tuple(_columns(document.get("columns") or (), document.get("rows") or 0)))


def _columns(columns: Iterable[Mapping[str, Any]], rows: int) -> Iterable[Column]:
    for at, column in enumerate(columns):
        quantiles = column.get("quantiles") or ()
        numbers = [*quantiles, column.get("min"), column.get("max")]
        if len(quantiles) != len(SHARES) or not all(isinstance(each, (int, float)) for each in numbers):
            continue
        if (column.get("distinct") or 0) >= _FEW:
            yield Column(
                str(column.get("name") or at),
                tuple(map(float, quantiles)),
                float(column["min"]),
                float(column["max"]),
                (column.get("nulls") or 0) / max(rows, 1),
            )


class Drift:
    """How far a column has moved, from counts alone: nothing of the rows is kept."""

    def __init__(self, column: Column) -> None:
        self.column = column
        self._edges = np.array(sorted(set(column.quantiles)))
        self._below = np.array([max(s for q, s in zip(column.quantiles, SHARES, strict=True) if q == edge)
                                for edge in self._edges])  # fmt: skip
        self._counts = np.zeros(len(self._edges) + 1)
        self.rows = 0
        self.missing = 0
        self.outside = 0

    def add(self, values: Any) -> None:
        """Takes the values of some rows."""
        values = np.asarray(values, float)
        there = values[~np.isnan(values)]
        self.rows += len(values)
        self.missing += len(values) - len(there)
        self.outside += int(((there < self.column.least) | (there > self.column.greatest)).sum())
        places = np.searchsorted(self._edges, there, side="left")
        self._counts += np.bincount(places, minlength=len(self._counts))

    def measures(self) -> dict[str, float]:
        """``psi`` (population stability index over the bins between the 5, 25, 50, 75 and 95 % quantiles of training),
        ``ks`` (largest distance of the two distribution functions at the known quantiles), shares ``missing`` and
        ``outside`` of the range of training.

        psi is the sum of (p - q) ln(p / q) over the bins: Siddiqi, Credit Risk Scorecards (2006); from 0.1 on it is
        taken for a shift that matters, from 0.25 on for a large one.
        """
        total = self._counts.sum()
        if not total:
            return {"missing": self.missing / max(self.rows, 1)}
        below = np.cumsum(self._counts)[:-1] / total
        kept = np.isin(self._below, SHARES[_BINS])
        expected = np.diff(np.concatenate([[0.0], self._below[kept], [1.0]]))
        found = np.diff(np.concatenate([[0.0], below[kept], [1.0]]))
        expected, found = np.maximum(expected, _LEAST), np.maximum(found, _LEAST)
        return {
            "psi": float(((found - expected) * np.log(found / expected)).sum()),
            "ks": float(np.abs(below - self._below).max()),
            "missing": self.missing / self.rows,
            "outside": self.outside / self.rows,
        }
