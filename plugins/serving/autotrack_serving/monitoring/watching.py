"""Inputs and answers of a model in production, column by column, held against its training."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from autotrack.plugin import attempt, columns_of

from .drift import Drift, drift_of
from .together import NEEDED, WATCHED

if TYPE_CHECKING:
    from autotrack.plugin import ColumnProfile

    from ..observing import Observation
    from .reference import Reference

#: Rows, and values, that are looked at in each half second; rows from which on shares mean something.
MOST_ROWS, MOST_VALUES, LEAST_ROWS = 5000, 200_000, 100
#: Requests of half a second whose rows or answers are tables: taking one apart costs as much as predicting it.
_MOST_TABLES = 200
#: Columns of which each report tells, those that have moved farthest.
MOST_TOLD = 100
#: The measures of which the largest of all columns is told, too.
_OVERALL = ("psi", "ks", "unseen", "outside")
#: The name of a model's only answer.
ANSWER = "prediction"

Measures = dict[str, float]


class Watch:
    """All columns of the inputs and of the answers. Of columns in ``private`` no value is kept, whatever comes."""

    def __init__(self, reference: Reference, names: Sequence[Any] | None, private: Collection[str] = ()) -> None:
        self._at = {str(name): at for at, name in enumerate(names)} if names is not None else None
        self.inputs = _drifts(reference.inputs, private)
        self.answers = _drifts(reference.answers, private)
        #: Rows that were looked at, however long ago.
        self._looked = 0

    def take(self, observations: Sequence[Observation]) -> None:
        """Looks at what was answered: of many rows, at every so manieth."""
        looked = 0
        if self.inputs:
            found = _parted([one.rows for one in observations], _is_table)
            looked = _add(self.inputs, [attempt(self._columns, rows)[0] or {} for rows in found])
        if self.answers:
            answers = _parted([one.answers for one in observations], lambda each: hasattr(each, "iloc"))
            looked = max(looked, _add(self.answers, [attempt(columns_of, each, ANSWER)[0] or {} for each in answers]))
        self._looked += looked

    def counts(self) -> Any:
        """All that is known, as numbers; those of several processes that watch the same columns are added up."""
        return np.concatenate([[float(self._looked)], *(drift.counts for drift in (*self.inputs, *self.answers))])

    def measures(self, counts: Any = None) -> Measures:
        """``psi/<column>``, ``ks/<column>``, ... of the inputs, ``prediction_psi`` (with several answers also
        ``prediction_psi/<answer>``) of the answers; of all columns together the largest ``psi``, ``ks``, ``unseen``,
        ``outside``, and ``more_missing``, the most by which a share of missing values has grown. Of ``counts``, which
        may be those of several processes, or of the own ones."""
        watched = self if counts is None else self._with(counts)
        inputs, answers = _of(watched.inputs), _of(watched.answers)
        found = {f"{measure}/{name}": value for name, each in _farthest(inputs) for measure, value in each.items()}
        found |= _overall(inputs, self.inputs)
        found |= {f"prediction_{measure}": value for measure, value in _overall(answers, self.answers).items()}
        if len(self.answers) > 1:
            found |= {f"prediction_{m}/{name}": value for name, each in _farthest(answers) for m, value in each.items()}
        return found

    def standing(self, counts: Any) -> Measures:
        """``watched``: the rows that were looked at for these counts; ``needed``: how many it takes to judge all
        columns. Nothing where nothing is watched."""
        needed = [drift.needed for drift in (*self.inputs, *self.answers)]
        return {WATCHED: float(counts[0]), NEEDED: float(max(LEAST_ROWS, *needed))} if needed else {}

    def _with(self, counts: Any) -> Watch:
        """The same columns with these counts."""
        found, at = copy.copy(self), 1
        found.inputs, found.answers = list(map(copy.copy, self.inputs)), list(map(copy.copy, self.answers))
        for drift in (*found.inputs, *found.answers):
            end = at + len(drift.counts)
            drift.counts, at = counts[at:end], end
        return found

    def unseen(self) -> dict[str, list[str]]:
        """By column, the first values that training never saw."""
        watched = [*self.inputs, *self.answers]
        return {drift.column.name: list(drift.names) for drift in watched if drift.names}

    def _columns(self, rows: Any) -> dict[str, Any]:
        if rows.kind == "matrix" and rows.data.ndim == 2:
            width = rows.data.shape[1]
            places = {drift.column.name: self._place(drift.column.name) for drift in self.inputs}
            return {name: rows.data[:, at] for name, at in places.items() if at is not None and at < width}
        if rows.kind in ("columns", "arrays"):
            return {str(name): values for name, values in rows.data.items() if np.ndim(values) == 1}
        return columns_of(rows.data) or {}

    def _place(self, name: str) -> int | None:
        if self._at is not None:
            return self._at.get(name)
        return int(name) if name.isdecimal() else None


def _drifts(columns: Iterable[ColumnProfile], private: Collection[str]) -> list[Drift]:
    return [drift_of(column, named=column.name not in private) for column in columns]


def _is_table(rows: Any) -> bool:
    return bool(rows.kind == "whole")


def _parted(parts: list[Any], is_table: Any) -> list[Any]:
    """All parts, but of those that are tables no more than can be taken apart."""
    tables = sum(map(is_table, parts))
    step = -(-tables // _MOST_TABLES) or 1
    seen, found = 0, []
    for part in parts:
        if is_table(part):
            seen += 1
            if seen % step:
                continue
        found.append(part)
    return found


def _add(drifts: list[Drift], parts: list[dict[str, Any]]) -> int:
    """All rows of a column at once: numpy costs the same for one as for a thousand. Answers how many were taken."""
    most, taken = min(MOST_ROWS, max(50, MOST_VALUES // max(1, len(drifts)))), 0
    for drift in drifts:
        there = [part[drift.column.name] for part in parts if drift.column.name in part]
        if there:
            taken = max(taken, attempt(_taken, drift, there, most)[0] or 0)
    return taken


def _taken(drift: Drift, columns: list[Any], most: int) -> int:
    parts = [_objects(column) if isinstance(column, list) else np.asarray(column) for column in columns]
    if len({part.dtype.kind for part in parts}) > 1:  # numbers and texts together would all become texts
        parts = [part.astype(object) for part in parts]
    values = np.concatenate(parts)
    chosen = values[:: -(-len(values) // most) or 1]
    drift.add(chosen)
    return len(chosen)


def _objects(values: Any) -> Any:
    """Values as they are: of numbers, gaps and texts together numpy would make texts."""
    return np.fromiter(values, object, len(values))


def _of(drifts: list[Drift]) -> dict[str, Measures]:
    return {drift.column.name: drift.measures() for drift in drifts if drift.rows >= LEAST_ROWS}


def _farthest(measured: dict[str, Measures]) -> list[tuple[str, Measures]]:
    def moved(each: tuple[str, Measures]) -> float:
        return -max(each[1].get("psi", 0.0), each[1].get("unseen", 0.0))

    return sorted(measured.items(), key=moved)[:MOST_TOLD]


def _overall(measured: dict[str, Measures], drifts: list[Drift]) -> Measures:
    found: Measures = {}
    for measure in _OVERALL:
        values = [each[measure] for each in measured.values() if measure in each]
        found |= {measure: max(values)} if values else {}
    known = {drift.column.name: drift.column.missing for drift in drifts}
    more = [each["missing"] - known[name] for name, each in measured.items() if "missing" in each]
    return found | ({"more_missing": max(0.0, *more)} if more else {})
