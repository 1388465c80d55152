"""Compares two fingerprints: which columns, which rows, as far as their hashes tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from .difference import ColumnDiff, DataDiff, Range
from .prints import ColumnPrint, Fingerprint, Plain, from_document
from .sketches import SHARES

Key = tuple[str, str, int]

#: Values that a column must have for its quantiles to tell of its distribution.
DISTINCT = 20


def compare(before: Fingerprint | dict[str, Any], after: Fingerprint | dict[str, Any]) -> DataDiff:
    """What differs from one data set to another; either may be a fingerprint or the document of one."""
    a = before if isinstance(before, Fingerprint) else from_document(before)
    b = after if isinstance(after, Fingerprint) else from_document(after)
    notes = tuple(
        f"the {which} was not read whole. {one.partial}" for which, one in (("first", a), ("second", b)) if one.partial
    )
    if a.digest == b.digest:
        return DataDiff(None if a.partial else True, (a.rows, b.rows), notes=notes)
    mine, others = _keyed(a), _keyed(b)
    common = [key for key in mine if key in others]
    removed = [key for key in mine if key not in others]
    added = [key for key in others if key not in mine]
    renamed = _renamed(a, b, [mine[key] for key in removed], [others[key] for key in added])
    gone, new = {id(old) for old, _ in renamed}, {id(fresh) for _, fresh in renamed}
    same_columns = not removed and not added
    rows = _Rows(a, b) if same_columns else None
    whole = a.covered == a.rows and b.covered == b.rows
    reordered = (
        whole and same_columns and a.rows == b.rows and a.multiset == b.multiset and _moved(mine, others, common)
    )
    placed = not reordered and (rows is None or rows.in_place)
    # What a table is numbered by tells less than what is in it.
    pairs = [(mine[key], others[key]) for key in sorted(common, key=lambda key: key[0] == "index")]
    alone = _alone(pairs)
    changed = [_changed(a, b, one, two, rows, alone, placed=placed) for one, two in pairs]
    renames = tuple((old.name, fresh.name) for old, fresh in renamed)
    unread = a.partial is not None or b.partial is not None
    found = DataDiff(
        equal=False,
        rows=(a.rows, b.rows),
        columns_added=tuple(others[key].name for key in added if id(others[key]) not in new),
        columns_removed=tuple(mine[key].name for key in removed if id(mine[key]) not in gone),
        columns_renamed=renames,
        columns_reordered=common != [key for key in others if key in mine],
        changed=tuple(column for column in changed if column is not None),
        rows_reordered=reordered,
        rows_changed=None if rows is None or reordered else rows.changed,
        rows_added=None if rows is None else rows.added,
        rows_removed=None if rows is None else rows.removed,
        notes=notes,
    )
    nothing = not (found.columns_added or found.columns_removed or renames or found.columns_reordered or found.changed)
    if unread and nothing and a.rows == b.rows and not reordered:
        return DataDiff(None, (a.rows, b.rows), notes=notes)
    return found


class _Rows:
    """Which rows changed, went and came, by the hashes of rows; all None where those are not kept for both."""

    def __init__(self, a: Fingerprint, b: Fingerprint) -> None:
        self.changed: tuple[Range, ...] | None = None
        self.added: tuple[Range, ...] | None = None
        self.removed: tuple[Range, ...] | None = None
        #: Whether a row that both have stands at the same place in both, as far as is known.
        self.in_place = True
        if a.row_hashes is None or b.row_hashes is None:
            return
        mine, others = memoryview(a.row_hashes).cast("Q").tolist(), memoryview(b.row_hashes).cast("Q").tolist()
        both = min(len(mine), len(others))
        whole = a.covered == a.rows and b.covered == b.rows
        if not whole:
            mine, others = mine[:both], others[:both]
        moved = [row for row in range(both) if mine[row] != others[row]]
        came, went = Counter(others), Counter(mine)
        new, gone = _extra(others, came - went), _extra(mine, went - came)
        # The shorter story is told: rows changed where they are and others at the end, or rows went and came anywhere.
        if not whole:
            self.changed = _ranges(moved)
        elif len(moved) + abs(len(mine) - len(others)) <= len(new) + len(gone):
            self.changed = _ranges(moved)
            self.added = _ranges(range(both, len(others)))
            self.removed = _ranges(range(both, len(mine)))
        else:
            self.changed = ()
            self.added, self.removed, self.in_place = _ranges(new), _ranges(gone), False

    def changed_in(self, ranges: tuple[Range, ...]) -> tuple[Range, ...]:
        """The changed rows that lie in these ranges."""
        cut = ((max(start, a), min(stop, b)) for start, stop in self.changed or () for a, b in ranges)
        return tuple((start, stop) for start, stop in cut if start < stop)

    def count_in(self, bounds: Range) -> int:
        """How many rows changed within the bounds."""
        return sum(stop - start for start, stop in self.changed_in((bounds,)))


def _extra(hashes: list[int], surplus: Counter[int]) -> list[int]:
    """The places of rows that the other has not, of equal ones the last."""
    places = []
    for row in range(len(hashes) - 1, -1, -1):
        if surplus.get(hashes[row], 0):
            surplus[hashes[row]] -= 1
            places.append(row)
    return places[::-1]


def _changed(
    a: Fingerprint,
    b: Fingerprint,
    mine: ColumnPrint,
    other: ColumnPrint,
    rows: _Rows | None,
    alone: set[int],
    *,
    placed: bool,
) -> ColumnDiff | None:
    """How a column of both differs; None where it does not."""
    dtype = (mine.dtype, other.dtype) if mine.dtype != other.dtype else None
    whole = a.covered == a.rows and b.covered == b.rows
    if dtype is None and (mine.hash == other.hash or not (whole or _chunks(a, b, mine, other))):
        return None
    ranges: tuple[Range, ...] = ()
    exact = False
    if placed and dtype is None:
        chunks = _chunks(a, b, mine, other)
        ranges = _joined(bounds for _, bounds in chunks)
        if rows is not None and rows.changed is not None:
            exact = all(number in alone or rows.count_in(bounds) == 1 for number, bounds in chunks)
            ranges = rows.changed_in(ranges)
    shifts: dict[str, tuple[Plain, Plain]] = {}
    sampled = a.sampled < a.rows or b.sampled < b.rows
    for what, old, fresh in _statistics(mine, other, estimates=not (sampled and not placed)):
        if whole and old != fresh and old is not None and fresh is not None:
            shifts[what] = (old, fresh)
    if not ranges and not shifts and dtype is None and placed and a.rows != b.rows:
        return None  # it only got longer or shorter
    moved = _moved_by(mine, other) if whole and dtype is None and not (sampled and not placed) else None
    name = mine.name or ("the index" if mine.role == "index" else "")
    return ColumnDiff(name, dtype, ranges, exact, shifts, moved)


def _moved_by(mine: ColumnPrint, other: ColumnPrint) -> float | None:
    """The greatest distance of two distributions (Kolmogorov and Smirnov), between their quantiles as if straight.

    None for what is not numbers, and for numbers of few values, of which quantiles tell too little.
    """
    one, two = ([value for value in column.quantiles if type(value) in (int, float)] for column in (mine, other))
    if len(one) != len(SHARES) or len(two) != len(SHARES) or min(mine.distinct or 0, other.distinct or 0) < DISTINCT:
        return None
    apart = [abs(_share(value, two) - share) for value, share in zip(one, SHARES, strict=True)]
    apart += [abs(_share(value, one) - share) for value, share in zip(two, SHARES, strict=True)]
    return max(apart)


def _share(value: Any, quantiles: list[Any]) -> float:
    """The share of values below one, of a distribution with these quantiles; 0 and 1 beyond them."""
    if value < quantiles[0]:
        return 0.0
    if value > quantiles[-1]:
        return 1.0
    at = max(place for place, quantile in enumerate(quantiles) if quantile <= value)
    if at == len(quantiles) - 1 or quantiles[at + 1] == quantiles[at]:
        return SHARES[at]
    way = float(value - quantiles[at]) / float(quantiles[at + 1] - quantiles[at])
    return SHARES[at] + (SHARES[at + 1] - SHARES[at]) * way


def _statistics(mine: ColumnPrint, other: ColumnPrint, *, estimates: bool) -> list[tuple[str, Plain, Plain]]:
    """(name, before, after); without those that come from some rows only, where rows moved."""
    nulls: list[tuple[str, Plain, Plain]] = [("nulls", mine.nulls, other.nulls)]
    if mine.dtype != other.dtype:
        return nulls
    ends = [*nulls, ("min", mine.min, other.min), ("max", mine.max, other.max)]
    if not estimates:
        return ends
    names = ["median" if share == 0.5 else f"p{share * 100:g}" for share in SHARES]
    quantiles = zip(names, mine.quantiles, other.quantiles, strict=False)
    return [*ends, ("distinct", mine.distinct, other.distinct), *quantiles]


def _chunks(a: Fingerprint, b: Fingerprint, mine: ColumnPrint, other: ColumnPrint) -> list[tuple[int, Range]]:
    """(number, rows) of the chunks whose hashes differ; of the last one in common only where it ends at the same row.

    Where the hashes of rows are kept, one that ends elsewhere is among them: those tell what changed in it.
    """
    found = []
    covered = min(a.covered, b.covered)
    named = a.row_hashes is not None and b.row_hashes is not None and covered == min(a.rows, b.rows)
    for number, (one, two) in enumerate(zip(mine.chunks, other.chunks, strict=False)):
        bounds, others = a.chunk_rows[number : number + 2], b.chunk_rows[number : number + 2]
        if one != two and (named or (bounds == others and bounds[1] <= covered)):
            found.append((number, (bounds[0], min(bounds[1], others[1]))))
    return found


def _alone(pairs: list[tuple[ColumnPrint, ColumnPrint]]) -> set[int]:
    """The numbers of the chunks that changed in one column only, so that their changed rows are that column's."""
    changed = Counter(
        number
        for mine, other in pairs
        for number, (one, two) in enumerate(zip(mine.chunks, other.chunks, strict=False))
        if one != two
    )
    return {number for number, columns in changed.items() if columns == 1}


def _joined(ranges: Iterable[Range]) -> tuple[Range, ...]:
    """Neighbouring ranges as one."""
    found: list[Range] = []
    for start, stop in ranges:
        if found and found[-1][1] == start:
            found[-1] = (found[-1][0], stop)
        else:
            found.append((start, stop))
    return tuple(found)


def _renamed(
    a: Fingerprint, b: Fingerprint, removed: list[ColumnPrint], added: list[ColumnPrint]
) -> list[tuple[ColumnPrint, ColumnPrint]]:
    """Pairs of columns that hold the same values under another name."""
    if a.rows != b.rows:
        return []
    waiting: dict[tuple[str, str], list[ColumnPrint]] = {}
    for column in added:
        waiting.setdefault((column.dtype, column.hash), []).append(column)
    pairs = []
    for column in removed:
        if waiting.get((column.dtype, column.hash)):
            pairs.append((column, waiting[column.dtype, column.hash].pop(0)))
    return pairs


def _moved(mine: dict[Key, ColumnPrint], others: dict[Key, ColumnPrint], common: list[Key]) -> bool:
    """Whether some column's values stand in another order (if not, nothing but names and types can differ)."""
    return any(mine[key].hash != others[key].hash for key in common) and all(
        mine[key].dtype == others[key].dtype for key in common
    )


def _keyed(data: Fingerprint) -> dict[Key, ColumnPrint]:
    """Columns by role and name; the second of a name is another column."""
    seen: Counter[tuple[str, str]] = Counter()
    found = {}
    for column in data.columns:
        found[column.role, column.name, seen[column.role, column.name]] = column
        seen[column.role, column.name] += 1
    return found


def _ranges(rows: Iterable[int]) -> tuple[Range, ...]:
    """Sorted rows as ranges."""
    return _joined((row, row + 1) for row in rows)
