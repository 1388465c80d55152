"""Every change that was planted is told apart, and said by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from autotrack.core.fingerprint import compare, fingerprint

ROWS = 12_000


def table() -> pd.DataFrame:
    numbers = np.random.default_rng(0).standard_normal((ROWS, 3))
    return pd.DataFrame(numbers, columns=["a", "b", "c"]).assign(
        flag=np.arange(ROWS) % 3 == 0,
        when=pd.date_range("2020-01-01", periods=ROWS, freq="h"),
        word=[f"word {number % 100}" for number in range(ROWS)],
        kind=pd.Categorical(["x", "y", "z"] * (ROWS // 3)),
        y=np.arange(ROWS) % 2,
    )


def put(column: str, row: int, value: Any) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame.loc[row, column] = value
        return frame

    return change


CHANGES: list[tuple[str, Callable[[pd.DataFrame], pd.DataFrame], str]] = [
    ("a label", put("y", 17, 0), "y: row 17 changed"),
    ("a row past 10,000", put("b", 11_111, 0.5), "b: row 11111 changed"),
    ("the last row", put("c", ROWS - 1, 9.0), f"c: row {ROWS - 1} changed"),
    ("a bool", put("flag", 5, True), "flag: row 5 changed"),
    ("a moment", put("when", 7, pd.Timestamp("2001-01-01")), "when: row 7 changed"),
    ("a text", put("word", 9, "wort"), "word: row 9 changed"),
    ("None among texts", put("word", 9, None), "word: row 9 changed"),
    ("a category", put("kind", 1, "x"), "kind: row 1 changed"),
    ("the sign of zero", lambda f: f.assign(a=np.where(np.arange(ROWS) == 3, -0.0, f.a)), "a: row 3 changed"),
    ("a null", put("a", 4, np.nan), "a: nulls 0 became 1"),
    ("a type", lambda f: f.astype({"y": "int32"}), "y: type int64 became int32"),
    (
        "the unit of time",
        lambda f: f.assign(when=f.when.dt.as_unit("ns")),
        "when: type datetime64[us] became datetime64[ns]",
    ),
    ("a category's type", lambda f: f.assign(kind=f.kind.astype("str")), "kind: type category[string] became string"),
    ("a name", lambda f: f.rename(columns={"a": "z"}), "column a is called z now"),
    ("the order of columns", lambda f: f[["b", "a", *f.columns[2:]]], "the columns are in another order"),
    ("the order of rows", lambda f: f.iloc[::-1].reset_index(drop=True), "the same rows are in another order"),
    (
        "two rows swapped",
        lambda f: f.iloc[[1, 0, *range(2, ROWS)]].reset_index(drop=True),
        "the same rows are in another order",
    ),
    ("a column", lambda f: f.drop(columns="c"), "column removed: c"),
    ("a new column", lambda f: f.assign(d=1), "column added: d"),
    ("more rows", lambda f: pd.concat([f, f.head(3)], ignore_index=True), "3 rows added at the end"),
    ("fewer rows", lambda f: f.head(-5), "5 rows removed at the end"),
    ("rows at the beginning", lambda f: f.tail(-2).reset_index(drop=True), "2 rows removed at the beginning"),
    ("a row between", lambda f: pd.concat([f.head(50), f.head(1), f.tail(-50)], ignore_index=True), "1 row added (50)"),
    ("an index", lambda f: f.set_index(f.index + 1), "column added: the unnamed column"),
]


@pytest.mark.parametrize(("change", "sentence"), [(c, s) for _, c, s in CHANGES], ids=[name for name, *_ in CHANGES])
def test_a_change_is_told(change: Callable[[pd.DataFrame], pd.DataFrame], sentence: str) -> None:
    before, after = fingerprint(table()), fingerprint(change(table()))
    assert before.digest != after.digest
    difference = compare(before, after)
    assert difference.equal is False
    assert sentence in difference.sentences()


@pytest.mark.parametrize(("change", "sentence"), [(c, s) for _, c, s in CHANGES[:9]], ids=[n for n, *_ in CHANGES[:9]])
def test_a_change_in_one_cell_is_all_that_is_told(change: Callable[[Any], Any], sentence: str) -> None:
    """But for statistics that moved with it."""
    said = compare(fingerprint(table()), fingerprint(change(table()))).sentences()
    assert said[0] == sentence and all(" became " in further for further in said[1:])


def test_weights() -> None:
    weights = np.ones(500)
    changed = weights.copy()
    changed[499] = 2
    assert compare(fingerprint(weights), fingerprint(changed)).sentences()[0] == "the unnamed column: row 499 changed"


@pytest.mark.parametrize(
    "make", [lambda v: v, pl.Series, lambda v: pd.Series(v, dtype=object)], ids=["list", "polars", "object"]
)
def test_texts_that_run_into_each_other(make: Any) -> None:
    lists = (
        ["ab", "c"],
        ["a", "bc"],
        ["abc", ""],
        ["", "abc"],
        ["a\0b", "c"],
        ["a", "b\0c"],
        ["a", None],
        [None, "a"],
        ["", "a"],
    )
    assert len({fingerprint(make(values)).digest for values in lists}) == len(lists)


def test_values_of_different_types_that_are_equal() -> None:
    lists = (
        [1, 1],
        [1.0, 1.0],
        [True, True],
        ["1", "1"],
        [1, 1.0],
        [1.0, 1],
        [1, True],
        [b"1", b"1"],
        [None, 1],
        [None, None],
    )
    assert len({fingerprint(values).digest for values in lists}) == len(lists)


def test_nulls_and_the_values_that_stand_for_them() -> None:
    series = [pd.Series(values, dtype="Int64") for values in ([1, None, 3], [1, 0, 3], [None, 1, 3])]
    assert len({fingerprint(one).digest for one in series}) == 3
    assert compare(fingerprint(series[0]), fingerprint(series[1])).sentences()[0] == "the unnamed column: row 1 changed"


def test_far_into_a_long_column() -> None:
    """Where rows are too many to keep a hash of each, the stretch is named: a sixteenth of the offset at most."""
    before = np.random.default_rng(0).standard_normal(1_000_000)
    after = before.copy()
    after[777_777] = 0
    (column,) = compare(fingerprint(before), fingerprint(after)).changed
    ((start, stop),) = column.rows
    assert start <= 777_777 < stop and stop - start <= 777_777 // 16 and not column.exact
    shuffled = compare(fingerprint(before), fingerprint(before[::-1].copy()))
    assert shuffled.sentences() == ["the same rows are in another order"]
    longer = compare(fingerprint(before), fingerprint(np.append(before, 0.5)))
    assert longer.sentences() == ["1 row more (1,000,000 became 1,000,001)"]


def test_rows_that_stay_together_and_values_that_change_places() -> None:
    """Shuffling one column by itself makes other rows, though each column holds the same values as before."""
    frame = table()[["a", "b"]]
    rows = compare(fingerprint(frame), fingerprint(frame.iloc[::-1].reset_index(drop=True)))
    column = compare(fingerprint(frame), fingerprint(frame.assign(b=frame.b.to_numpy()[::-1])))
    assert rows.rows_reordered and not column.rows_reordered
