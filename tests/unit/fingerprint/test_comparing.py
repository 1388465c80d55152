"""What a comparison says, and that documents say the same as fingerprints."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrack.core.errors import UsageError
from autotrack.core.fingerprint import compare, fingerprint, from_document


def frame(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame(columns)


def test_equal_data() -> None:
    difference = compare(fingerprint(np.arange(5)), fingerprint(pd.Series(range(5))))
    assert difference.equal is True and difference.sentences() == ["the data are equal"]


@pytest.mark.parametrize(
    "data",
    [
        np.array([1.0, np.inf, -np.inf, np.nan]),
        np.random.default_rng(0).standard_normal((100, 3)),
        pd.DataFrame({"a": ["x", None], 1: pd.to_datetime(["2020-01-01", None]), "c": [True, False]}),
        pd.Series([1, 2], index=["a", "b"]),
        pd.DataFrame({"column": ["column", "index"]}, index=pd.Index([3, 4], name="index")),
        np.full(3, np.nan),
        ["\ud800", "b"],
        [object()],
        np.zeros((0, 2)),
    ],
    ids=lambda data: type(data).__name__,
)
def test_a_document_holds_the_whole_fingerprint(data: Any) -> None:
    before = fingerprint(data)
    text = json.dumps(before.document(), allow_nan=False)
    assert from_document(json.loads(text)) == before
    assert compare(json.loads(text), before).equal is (None if before.partial else True)


def test_equal_data_give_one_document() -> None:
    """It is kept under its hash: however many fits use the same data, they keep it once."""
    data = np.random.default_rng(0).standard_normal((1000, 20))
    assert fingerprint(data).document() == fingerprint(data.copy()).document()


@pytest.mark.parametrize("document", [{}, {"fingerprint": 2}, {"fingerprint": 1}, [], {"fingerprint": 1, "columns": 3}])
def test_a_document_of_something_else(document: Any) -> None:
    with pytest.raises(UsageError, match="fingerprint"):
        from_document(document)


def test_a_broken_document() -> None:
    document = fingerprint(np.arange(3)).document()
    with pytest.raises(UsageError, match="says that it is a fingerprint and is none"):
        from_document(document | {"row_hashes": "?"})


def test_several_columns_in_several_rows_are_not_told_more_exactly_than_known() -> None:
    before = frame(a=range(9), b=range(9))
    after = before.copy()
    after.loc[2, "a"] = 50
    after.loc[6, "b"] = 60
    difference = compare(fingerprint(before), fingerprint(after))
    assert difference.rows_changed == ((2, 3), (6, 7))
    assert difference.sentences()[:2] == ["a: changes among rows 2 and 6", "b: changes among rows 2 and 6"]
    one_row = before.copy()
    one_row.loc[4] = [50, 60]
    assert compare(fingerprint(before), fingerprint(one_row)).sentences()[:2] == [
        "a: row 4 changed",
        "b: row 4 changed",
    ]


def test_statistics_that_moved() -> None:
    difference = compare(fingerprint(frame(x=[1.0, 2.0, 3.0])), fingerprint(frame(x=[1.0, 2.0, 30.0])))
    assert difference.changed[0].shifts["max"] == (3.0, 30.0)
    assert difference.sentences() == ["x: row 2 changed", "x: max 3 became 30"]


def test_two_columns_renamed_and_a_third_gone() -> None:
    before = frame(a=[1, 2], b=[3, 4], c=[5, 6])
    difference = compare(fingerprint(before), fingerprint(before.rename(columns={"a": "x", "b": "y"})[["x", "y"]]))
    assert difference.columns_renamed == (("a", "x"), ("b", "y")) and difference.columns_removed == ("c",)


def test_columns_of_one_name_are_told_apart() -> None:
    before = pd.DataFrame([[1, 2], [3, 4]], columns=["x", "x"])
    after = before.copy()
    after.iloc[1, 1] = 9
    assert compare(fingerprint(before), fingerprint(after)).sentences()[0] == "x: row 1 changed"


def test_appended_and_changed_rows_together() -> None:
    before = frame(x=range(100))
    after = frame(x=[*range(100), 7, 8])
    after.loc[40, "x"] = -1
    assert compare(fingerprint(before), fingerprint(after)).sentences()[:2] == [
        "2 rows added at the end",
        "x: row 40 changed",
    ]


def test_names_that_differ_in_type_only() -> None:
    difference = compare(fingerprint(np.ones((2, 1))), fingerprint(pd.DataFrame({"0": [1.0, 1.0]})))
    assert difference.equal is False
    assert difference.sentences() == ["the names of columns or the shape differ, and no value does"]


def test_many_columns_are_summed_up() -> None:
    matrix = np.zeros((4, 100))
    said = compare(fingerprint(matrix), fingerprint(matrix + 1)).sentences()
    assert "88 more columns have changed values" in said and len(said) < 40


CELLS = st.lists(st.tuples(st.integers(0, 3), st.sampled_from("pqr")), min_size=1, max_size=12)


@given(CELLS, CELLS)
def test_any_two_tables(one: list[tuple[int, str]], two: list[tuple[int, str]]) -> None:
    """Equal if and only if the values are; what is said of rows adds up."""
    a, b = (pd.DataFrame(rows, columns=["n", "t"]) for rows in (one, two))
    difference = compare(fingerprint(a), fingerprint(b))
    assert difference.equal is (one == two)
    assert json.dumps(difference.document(), allow_nan=False) and difference.sentences()
    if difference.rows_reordered:
        assert sorted(one) == sorted(two) and one != two
    elif not difference.equal:
        assert sorted(one) != sorted(two)
        added, removed = difference.rows_added, difference.rows_removed
        assert added is not None and removed is not None
        gain = sum(stop - start for start, stop in added) - sum(stop - start for start, stop in removed)
        assert gain == len(two) - len(one)
        for start, stop in difference.rows_changed or ():
            assert all(one[row] != two[row] for row in range(start, stop))
