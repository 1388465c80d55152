"""What the data that a model was made of look like, and its answers to them: what production is held against.

It lies in the model's folder (``profile_file``), so a model that was carried elsewhere knows of its training without
the store of that. No row can be told from it; of texts the values that come often are kept, none that looks like a
secret.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from autotrack.core.fingerprint.sketches import SHARES

from .inference import is_missing
from .sampling import Columns

if TYPE_CHECKING:
    from autotrack.core.fingerprint import ColumnPrint

#: Rows below which a sample says nothing about shares.
LEAST_ROWS = 20
#: A column of whole numbers with no more values than this is one of kinds, whose quantiles say little.
FEW = 12
#: Values of a column of kinds that are kept; a text with more is known by those that come most often.
MOST_KINDS, OFTEN = 100, 20
#: The longest text that is kept as it is; of longer ones a hash.
LONGEST = 64
#: By identity: a class may define its own comparison.
_NUMBERS = {id(kind) for kind in (int, float, bool, type(None))}
#: So many rows of a sample's size may be of kinds of which it shows none.
_MAY_BE = 3

Key = str | float


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """One column. Of numbers: ``edges`` with the share of values ``below`` (up to) each, ``least`` and ``greatest``;
    of kinds: ``values`` with their shares, and the share of all ``others``. ``missing`` is the share of rows without a
    value; the other shares are of those with one. A column that is neither has only that."""

    name: str
    missing: float = 0.0
    edges: tuple[float, ...] = ()
    below: tuple[float, ...] = ()
    least: float = -math.inf
    greatest: float = math.inf
    values: tuple[tuple[Key, float], ...] = ()
    others: float = 0.0


@dataclass(frozen=True, slots=True)
class ModelProfile:
    """The profile of a model: of its ``inputs`` and of its ``answers`` to them. ``rows`` were there, ``sampled`` of
    them were looked at, ``answered`` is how many the model was asked about."""

    rows: int = 0
    sampled: int = 0
    answered: int = 0
    inputs: tuple[ColumnProfile, ...] = ()
    answers: tuple[ColumnProfile, ...] = ()
    #: Columns that found no room.
    left_out: int = 0


class Known(NamedTuple):
    """What a fingerprint of all rows knows of each column by its name; nothing of the data."""

    rows: int
    columns: Mapping[str, ColumnPrint]


def key_of(value: Any) -> Key | None:
    """A value as kinds are told apart: numbers and truth values by their number, texts as they are, long ones by a
    hash; None for what is neither."""
    if isinstance(value, str):
        if len(value) <= LONGEST:
            return str(value)
        return "sha256:" + hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    if hasattr(type(value), "item") and getattr(value, "ndim", None) == 0:
        value = value.item()
    if not isinstance(value, (bool, int, float)) or abs(value) > 1 << 53:
        return None
    return float(value)


def column_profiles(columns: Columns, known: Known | None = None, *, whole: bool = True) -> list[ColumnProfile]:
    """The profiles of columns; extremes and missing values are those of all rows where they are ``known``.

    ``whole`` is False for a sample. Then there may be kinds that it does not show: about as many rows have such a one
    as came once in the sample (Good, The population frequencies of species, 1953), and where none came once it may
    still be as many as three in so many (95 %: Hanley and Lippman-Hand, If nothing goes wrong, 1983).
    """
    import numpy

    numbers: list[tuple[str, Any]] = []
    found: dict[str, ColumnProfile] = {}
    for name, values in columns.items():
        array = values if isinstance(values, numpy.ndarray) else numpy.empty(0, object)
        if isinstance(values, list):
            array = _as_array(values)
        if array.dtype.kind in "biuf":
            numbers.append((name, array))
        elif array.dtype.kind in "mM":
            found[name] = ColumnProfile(name, float(numpy.isnat(array).mean()) if len(array) else 0.0)
        else:
            found[name] = _kinds(name, values if isinstance(values, list) else array.tolist(), whole)
    with numpy.errstate(all="ignore"):
        found |= _numbers(numbers, whole)
    return [_completed(found[name], known) for name in columns if name in found]


def _as_array(values: list[Any]) -> Any:
    """Numbers in a list as an array; of anything else an empty one of objects."""
    import numpy

    if values and {id(type(value)) for value in values} <= _NUMBERS:
        return numpy.array([math.nan if value is None else value for value in values], float)
    return numpy.empty(0, object)


def _numbers(named: list[tuple[str, Any]], whole: bool) -> dict[str, ColumnProfile]:
    """All columns of numbers at once: numpy costs the same for one as for many."""
    import numpy

    if not named or not len(named[0][1]):
        return {}
    matrix = numpy.array([values for _, values in named], float)
    rows = matrix.shape[1]
    matrix.sort(axis=1)  # NaN come last
    counts = rows - numpy.isnan(matrix).sum(axis=1)
    at = (numpy.array(SHARES)[None, :] * (numpy.maximum(counts, 1) - 1)[:, None]).astype(int)
    edges = numpy.take_along_axis(matrix, at, axis=1)
    below = (matrix[:, None, :] <= edges[:, :, None]).sum(axis=2) / numpy.maximum(counts, 1)[:, None]
    changes = (matrix[:, 1:] != matrix[:, :-1]) & ~numpy.isnan(matrix[:, 1:])
    distinct = changes.sum(axis=1) + 1
    found = {}
    for place, (name, values) in enumerate(named):
        count, missing = int(counts[place]), 1.0 - float(counts[place]) / rows
        there = matrix[place, :count]
        if not count:
            found[name] = ColumnProfile(name, 1.0)
        elif distinct[place] <= FEW and _counted(values, there, int(distinct[place])):
            kinds, times = numpy.unique(there, return_counts=True)
            shares = zip(kinds.tolist(), (times / count).tolist(), strict=True)
            others = 0.0 if whole else max(_MAY_BE, int((times == 1).sum())) / count
            found[name] = ColumnProfile(name, missing, values=tuple(shares), others=others)
        else:
            keep = numpy.flatnonzero(numpy.append(edges[place, 1:] != edges[place, :-1], True))  # the last of equals
            found[name] = ColumnProfile(
                name,
                missing,
                tuple(edges[place, keep].tolist()),
                tuple(below[place, keep].tolist()),
                float(there[0]),
                float(there[-1]),
            )
    return found


def _counted(values: Any, there: Any, distinct: int) -> bool:
    """True for truth values, and for whole numbers each of which comes several times."""
    return values.dtype.kind == "b" or (bool((there == there.round()).all()) and distinct * 4 <= len(there))


def _kinds(name: str, values: list[Any], whole: bool) -> ColumnProfile:
    from autotrack.core.session.masking import MASK, mask, mask_value

    if not all(map(_is_plain, {id(type(value)): type(value) for value in values}.values())):
        return ColumnProfile(name, sum(value is None for value in values) / max(1, len(values)))
    each = Counter(values)
    counted: Counter[Any] = Counter()
    gone = 0
    for value, times in each.items():
        if is_missing(value):
            gone += times
        else:
            counted[key_of(value)] += times
    total, missing = len(values) - gone, gone / max(1, len(values))
    if not total or None in counted:
        return ColumnProfile(name, missing)
    often = counted.most_common(MOST_KINDS if len(counted) <= MOST_KINDS else OFTEN)
    often = [(key, times) for key, times in often if isinstance(key, float) or mask(key) == key]
    covered = sum(times for _, times in often)
    free = len(counted) * 2 > total or (len(counted) > MOST_KINDS and covered * 2 < total)  # names, texts: no kinds
    if free or mask_value(name, "Aa0-Zz9-x") == MASK:
        return ColumnProfile(name, missing)
    shares = tuple((key, times / total) for key, times in often)
    once = 0 if whole else max(_MAY_BE, sum(times == 1 for times in counted.values()))
    return ColumnProfile(name, missing, values=shares, others=max(total - covered, once) / total)


def _is_plain(kind: type) -> bool:
    """False for a type whose values might run code of its own, were they compared."""
    if id(kind) in _NUMBERS or kind is str:
        return True
    return type(kind) is type and kind.__module__.partition(".")[0] in ("numpy", "pandas") and kind.__hash__ is not None


def _completed(column: ColumnProfile, known: Known | None) -> ColumnProfile:
    whole = None if known is None else known.columns.get(column.name)
    if known is None or whole is None:
        return column
    made = column if whole.nulls is None else replace(column, missing=whole.nulls / max(1, known.rows))
    ends = [float(end) for end in (whole.min, whole.max) if isinstance(end, (int, float)) and math.isfinite(end)]
    if not column.edges or len(ends) < 2:
        return made
    return replace(made, least=min(ends[0], column.least), greatest=max(ends[1], column.greatest))


def known_columns(known: Known) -> list[ColumnProfile]:
    """Profiles of the columns of numbers, of which a fingerprint alone is there."""
    return [profile for each in known.columns.values() if (profile := _of_print(each.document(), known.rows))]


def _of_print(column: Mapping[str, Any], rows: int) -> ColumnProfile | None:
    numbers = [*(column.get("quantiles") or ()), column.get("min"), column.get("max")]
    if len(numbers) != len(SHARES) + 2 or not all(isinstance(each, (int, float)) for each in numbers):
        return None
    if (column.get("distinct") or 0) < FEW or column.get("role", "column") != "column":
        return None
    edges = sorted({*map(float, numbers[:-2])})
    below = [max(s for s, edge in zip(SHARES, numbers, strict=False) if edge == at) for at in edges]
    missing = (column.get("nulls") or 0) / max(1, rows)
    return ColumnProfile(
        str(column["name"]), missing, tuple(edges), tuple(below), float(numbers[-2]), float(numbers[-1])
    )


def of_fingerprint(document: Mapping[str, Any]) -> list[ColumnProfile]:
    """Profiles of the columns of numbers of a data set, from its fingerprint as a run keeps it."""
    rows = int(document.get("rows") or 0)
    found = []
    for at, column in enumerate(document.get("columns") or ()):
        made = _of_print({"name": at, **column}, rows)
        found += [] if made is None else [made]
    return found
