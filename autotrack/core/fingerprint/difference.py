"""What differs between two data sets, as values and as sentences.

Rows are counted from 0, and a range (start, stop) does not hold its stop.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from .prints import Plain

Range = tuple[int, int]

#: Columns and ranges that sentences name one by one.
NAMED = 12
#: The statistics that sentences tell; the document has all.
TOLD = ("nulls", "min", "max", "median")
#: How far a distribution must have moved to be told of; two samples of 10,000 from one are 0.02 apart.
MOVED = 0.03


@dataclass(frozen=True, slots=True)
class ColumnDiff:
    """A column of both data sets whose values or type differ.

    ``dtype`` is (before, after) where it differs. ``rows`` are the ranges in which values changed: exact where
    ``exact``, else the chunks in which some did; empty where rows moved, so that their places tell nothing. ``shifts``
    holds what else differs: {"nulls" | "min" | "max" | "distinct" | "median" | "p95" ...: (before, after)}. ``moved``
    is how far the distributions are apart, from 0 to 1 (see ``comparison``); None where that is not known.
    """

    name: str
    dtype: tuple[str, str] | None
    rows: tuple[Range, ...]
    exact: bool
    shifts: dict[str, tuple[Plain, Plain]]
    moved: float | None = None


@dataclass(frozen=True, slots=True)
class DataDiff:
    """``equal`` is None where nothing differs in what was read of the two, and not all was.

    ``rows`` is (before, after). ``columns_renamed`` pairs columns of the same values; ``columns_reordered`` says that
    the common ones stand in another order. ``rows_changed``, ``rows_removed`` (counted in the first) and ``rows_added``
    (in the second) are ranges, None where the fingerprints do not tell. ``rows_reordered``: the same rows, elsewhere.
    """

    equal: bool | None
    rows: tuple[int, int]
    columns_added: tuple[str, ...] = ()
    columns_removed: tuple[str, ...] = ()
    columns_renamed: tuple[tuple[str, str], ...] = ()
    columns_reordered: bool = False
    changed: tuple[ColumnDiff, ...] = ()
    rows_reordered: bool = False
    rows_changed: tuple[Range, ...] | None = None
    rows_added: tuple[Range, ...] | None = None
    rows_removed: tuple[Range, ...] | None = None
    notes: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """The difference as plain JSON values."""
        plain: dict[str, Any] = _plain(asdict(self))
        return plain

    def sentences(self) -> list[str]:
        """What differs, most telling first; one sentence where nothing does."""
        if self.equal:
            return ["the data are equal"]
        said = [*self._columns(), *self._rows(), *self._values(), *self._shifts()]
        if not said and self.equal is None:
            said = ["nothing differs in what was read"]
        if not said and not self.notes:
            said = ["the names of columns or the shape differ, and no value does"]
        return [*said, *self.notes]

    def of_table(self) -> list[str]:
        """What differs of the table itself: its columns, its rows, and what was not read of it."""
        return [*self._columns(), *self._rows(), *self.notes]

    def of_columns(self) -> list[tuple[str, str]]:
        """(name, what differs) of each column whose values differ; those whose distribution moved most come first."""
        told = [(column, ", ".join(self._of_column(column))) for column in self.changed]
        told.sort(key=lambda each: -(each[0].moved or 0))
        return [(_named(column.name), text) for column, text in told if text]

    def _of_column(self, column: ColumnDiff) -> Iterator[str]:
        if column.rows == ((0, self.rows[0]),) and self.rows[0] > 1:
            yield "changed everywhere"
        elif column.rows:
            rows = f"{'row' if _count(column.rows) == 1 else 'rows'} {_spelled(column.rows)}"
            yield f"{rows} changed" if column.exact else f"changes among {rows}"
        yield from _shifted(column)
        if column.moved is not None and column.moved >= MOVED:
            yield f"the distribution moved (KS about {column.moved:.2g})"

    def _columns(self) -> Iterator[str]:
        for what, names in (("removed", self.columns_removed), ("added", self.columns_added)):
            if names:
                yield f"{'column' if len(names) == 1 else f'{len(names):,} columns'} {what}: {_listed(names)}"
        for before, after in self.columns_renamed[:NAMED]:
            yield f"column {_named(before)} is called {_named(after)} now"
        if len(self.columns_renamed) > NAMED:
            yield f"{len(self.columns_renamed) - NAMED:,} more columns are called otherwise"
        retyped = [column for column in self.changed if column.dtype is not None]
        for column in retyped[:NAMED]:
            before, after = column.dtype or ("", "")
            yield f"{_named(column.name)}: type {before} became {after}"
        if len(retyped) > NAMED:
            yield f"{len(retyped) - NAMED:,} more columns have another type"
        if self.columns_reordered:
            yield "the columns are in another order"

    def _rows(self) -> Iterator[str]:
        if self.rows_reordered:
            yield "the same rows are in another order"
        before, after = self.rows
        for what, ranges, total in (("removed", self.rows_removed, before), ("added", self.rows_added, after)):
            if ranges:
                yield f"{_rows(_count(ranges))} {what} {_where(ranges, total)}"
        if before != after and not self.rows_added and not self.rows_removed:
            more = after > before
            yield f"{_rows(abs(after - before))} {'more' if more else 'fewer'} ({before:,} became {after:,})"

    def _values(self) -> Iterator[str]:
        told = [column for column in self.changed if column.rows]
        for column in told[:NAMED]:
            if column.exact:
                one = _count(column.rows) == 1
                yield f"{_named(column.name)}: {'row' if one else 'rows'} {_spelled(column.rows)} changed"
            else:
                yield f"{_named(column.name)}: changes among rows {_spelled(column.rows)}"
        if len(told) > NAMED:
            yield f"{len(told) - NAMED:,} more columns have changed values"
        untold = [c.name for c in self.changed if not c.rows and not c.shifts and c.dtype is None]
        if untold and not self.rows_reordered and self.rows_added is None and self.rows_removed is None:
            yield f"values changed in {_listed(untold)}"

    def _shifts(self) -> Iterator[str]:
        for column in self.changed[:NAMED]:
            told = _shifted(column)
            if told:
                yield f"{_named(column.name)}: {', '.join(told)}"


def _shifted(column: ColumnDiff) -> list[str]:
    return [f"{what} {_value(a)} became {_value(b)}" for what, (a, b) in column.shifts.items() if what in TOLD]


def _named(name: str) -> str:
    return name or "the unnamed column"


def _listed(names: list[str] | tuple[str, ...]) -> str:
    shown = ", ".join(_named(name) for name in names[:NAMED])
    return shown if len(names) <= NAMED else f"{shown} and {len(names) - NAMED:,} more"


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def _count(ranges: tuple[Range, ...]) -> int:
    return sum(stop - start for start, stop in ranges)


def _where(ranges: tuple[Range, ...], total: int) -> str:
    if len(ranges) == 1 and ranges[0][1] == total:
        return "at the end"
    if len(ranges) == 1 and ranges[0][0] == 0:
        return "at the beginning"
    return f"({_spelled(ranges)})"


def _spelled(ranges: tuple[Range, ...]) -> str:
    """ "3, 7 to 9 and 12": the last row of a range is its own."""
    told = [str(start) if stop - start == 1 else f"{start} to {stop - 1}" for start, stop in ranges[:NAMED]]
    if len(ranges) > NAMED:
        return f"{', '.join(told)} and others ({_count(ranges):,} in all)"
    return told[0] if len(told) == 1 else f"{', '.join(told[:-1])} and {told[-1]}"


def _value(value: Plain) -> str:
    return f"{value:.6g}" if type(value) is float else str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, float) and value - value != 0 else value
