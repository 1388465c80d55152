"""What cannot be covered is said, and marks the digest; hostile cells run nothing and break nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from autotrack.core.fingerprint import Fingerprint, compare, fingerprint


class Hostile:
    """Every question raises."""

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("asked")

    __repr__ = __str__ = __hash__ = __eq__ = __bool__ = __len__ = __iter__ = __reduce_ex__ = __format__ = _refuse  # type: ignore[assignment]
    __getattr__ = __float__ = __int__ = __index__ = __array__ = __ne__ = __lt__ = _refuse  # type: ignore[assignment]
    __class__ = property(_refuse)  # type: ignore[assignment]


class HostileType(type):
    def __eq__(cls, other: object) -> bool:
        raise RuntimeError("asked")

    def __hash__(cls) -> int:
        raise RuntimeError("asked")


class OfHostileType(metaclass=HostileType):
    pass


class Text(str):
    def encode(self, *_: Any) -> bytes:  # type: ignore[override]
        raise RuntimeError("asked")


class Number(int):
    def __repr__(self) -> str:
        raise RuntimeError("asked")


def cells(*values: Any) -> np.ndarray[Any, Any]:
    array = np.empty(len(values), object)
    for place, value in enumerate(values):
        array[place] = value
    return array


@pytest.mark.parametrize("make", [cells, lambda *values: list(values), lambda *values: pd.Series(cells(*values))])
@pytest.mark.parametrize("kind", [Hostile, OfHostileType])
def test_hostile_cells_count_by_their_type(make: Any, kind: type) -> None:
    one, two = fingerprint(make("a", kind(), 1)), fingerprint(make("a", kind(), 1))
    assert one.digest == two.digest and one.digest.startswith("partial-")
    assert kind.__name__ in (one.partial or "") and "1 of type" in (one.partial or "")
    other = fingerprint(make("a", kind(), 2))
    assert other.digest != one.digest
    assert compare(one, other).sentences()[0] == "the unnamed column: row 2 changed"
    assert compare(one, two).equal is None
    assert compare(one, two).sentences()[0] == "nothing differs in what was read"


def test_subclasses_of_plain_types_are_read_by_what_they_inherit() -> None:
    assert fingerprint(cells(Text("x"), Number(5), None)).partial is None
    assert fingerprint(cells(Text("x"))).digest == fingerprint(cells("x")).digest
    assert fingerprint(cells(Text("x"), Number(5))).digest != fingerprint(cells(Text("x"), Number(6))).digest


def test_containers_inside_themselves_end() -> None:
    inside: list[Any] = [1]
    inside.append(inside)
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    table: dict[str, Any] = {"a": 1}
    table["self"] = table
    for value, word in ((inside, "inside itself"), (deep, "deeply nested"), (table, "inside itself")):
        assert word in (fingerprint(cells(value, 1)).partial or "")
    while deep:
        deep = deep[0]


def test_an_array_of_objects_in_itself() -> None:
    array = np.empty(2, object)
    array[0] = array
    assert fingerprint(array).partial is not None


def test_hostile_names() -> None:
    frame = pd.DataFrame([[1, 2]])
    frame.columns = pd.Index([("a", frozenset({1})), b"x"], tupleize_cols=False)
    assert fingerprint(frame).digest == fingerprint(frame.copy()).digest


def test_an_array_like_that_raises() -> None:
    class Broken:
        def __array__(self, *_: Any, **__: Any) -> Any:
            raise OSError("gone")

    assert "could not be read as an array (OSError)" in (fingerprint(Broken()).partial or "")


def test_the_time_allowed_is_kept_and_said() -> None:
    data = np.random.default_rng(0).standard_normal((200_000, 3))
    whole, none = fingerprint(data), fingerprint(data, seconds=0)
    assert "rows from 0 on, of 200,000" in (none.partial or "")
    assert none.digest.startswith("partial-") and none.rows == 200_000 and len(none.digest) <= 36
    difference = compare(whole, none)
    assert difference.equal is None
    assert difference.sentences()[0] == "nothing differs in what was read"
    assert fingerprint(data, seconds=3600).digest == whole.digest


def _cut(whole: Fingerprint, rows: int) -> Fingerprint:
    """The fingerprint as it is where the time is up after so many rows (a chunk's bound)."""
    chunks = whole.chunk_rows.index(rows)
    columns = tuple(replace(column, hash="cut", chunks=column.chunks[:chunks]) for column in whole.columns)
    hashes = None if whole.row_hashes is None else whole.row_hashes[: 8 * rows]
    return replace(
        whole,
        digest="partial-",
        columns=columns,
        covered=rows,
        row_hashes=hashes,
        multiset="",
        partial="Left out: much.",
    )


@pytest.mark.parametrize("rows", [50_000, 200_000])
def test_what_was_covered_is_compared(rows: int) -> None:
    data = np.zeros((rows, 2))
    before, longer = fingerprint(data), fingerprint(np.vstack([data, data]))
    data[100, 1] = 1
    changed = fingerprint(data)
    assert compare(before, _cut(before, 32_768)).equal is None
    assert compare(before, _cut(longer, 32_768)).sentences()[0].endswith(f"more ({rows:,} became {2 * rows:,})")
    found = compare(before, _cut(changed, 32_768))
    assert found.equal is False and not found.rows_reordered and found.rows_removed is None
    assert found.sentences()[0] == ("1: row 100 changed" if rows == 50_000 else "1: changes among rows 0 to 1023")


def test_a_partial_digest_never_meets_a_whole_one() -> None:
    """The rows that were covered are those of the shorter array, and still it is another digest."""
    rows = np.arange(3.0)
    assert fingerprint(rows, seconds=0).digest != fingerprint(rows[:0]).digest


def test_floating_point_errors_that_the_user_made_loud() -> None:
    values = np.array([np.inf, -np.inf, np.nan, 1e308, 5e-324])
    with np.errstate(all="raise"):
        assert fingerprint(values).columns[0].nulls == 1
        assert np.geterr()["over"] == "raise"
