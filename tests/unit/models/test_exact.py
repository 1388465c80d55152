"""Values in JSON that come back bit by bit; what would not is refused, and so is what is no such JSON."""

import datetime
import json
import math
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from autotrack.core.errors import ArtifactError
from autotrack.models.exact import CannotKeep, decode, encode

ARRAYS = arrays.arrays(
    st.sampled_from(["f2", "f4", "f8", ">f8", "i1", "i4", "u8", "?", "U3", "S2", "c16", "M8[us]", "m8[s]"]),
    arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
)
PLAIN = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.datetimes().map(lambda moment: moment.replace(fold=0))
    | st.dates()
)
VALUES = st.recursive(
    PLAIN | ARRAYS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=4) | st.integers(), inner, max_size=3)
    ),
    max_leaves=8,
)


def same(one: Any, two: Any) -> bool:
    if isinstance(one, np.ndarray):
        little = one.dtype.newbyteorder("<") if one.dtype.kind in "fiucmM" else one.dtype
        return two.dtype == little and two.shape == one.shape and two.tobytes() == one.astype(little).tobytes()
    if isinstance(one, (list, tuple)):
        return type(one) is type(two) and len(one) == len(two) and all(map(same, one, two))
    if isinstance(one, dict):
        return type(two) is dict and list(one) == list(two) and all(same(one[key], two[key]) for key in one)
    if isinstance(one, float) and math.isnan(one):
        return isinstance(two, float) and math.isnan(two)
    return type(one) is type(two) and repr(one) == repr(two)


def again(value: Any) -> Any:
    return decode(json.loads(json.dumps(encode(value), allow_nan=False)))


@settings(max_examples=300, deadline=None)
@given(VALUES)
def test_any_value_comes_back(value: Any) -> None:
    assert same(value, again(value))


def test_the_last_bits_come_back() -> None:
    odd = np.array([0x7FF8000000000123, 0x8000000000000000, 1], "u8").view("f8")
    assert again(odd).tobytes() == odd.tobytes()
    assert again(np.float32(0.1)).tobytes() == np.float32(0.1).tobytes() and type(again(np.float32(0.1))) is np.float32


TABLES = {
    "numbers": pd.DataFrame({"a": [1.5, np.nan], "b": np.array([1, 2], "i1")}),
    "text": pd.DataFrame({"a": ["x", None], "b": pd.array(["x", None], "string")}),
    "objects": pd.DataFrame({"a": pd.Series(["x", 1.5], dtype=object), "b": pd.Series([b"x", None], dtype=object)}),
    "nullable": pd.DataFrame({"a": pd.array([1, None], "Int64"), "b": pd.array([True, None], "boolean")}),
    "arrow": pd.DataFrame({"a": pd.array([1, None], "int64[pyarrow]"), "b": pd.array(["x", None], "string[pyarrow]")}),
    "times": pd.DataFrame({"a": pd.to_datetime(["2020-01-01", None]), "b": pd.to_timedelta([1, 2])}),
    "zones": pd.DataFrame({"a": pd.to_datetime(["2020-01-01", None], utc=True).tz_convert("Europe/Berlin")}),
    "categories": pd.DataFrame({"a": pd.Categorical(["x", None], ["y", "x"], ordered=True)}),
    "categories of numbers": pd.DataFrame({"b": pd.Categorical([1, 2])}),
    "names that are numbers": pd.DataFrame({0: [1], 1: [2]}),
    "the same name twice": pd.DataFrame([[1, 2.5]], columns=["a", "a"]),
    "an index": pd.DataFrame({"a": [1, 2]}, index=pd.Index(["x", "y"], name="key")),
    "an index of times": pd.DataFrame({"a": [1]}, index=pd.to_datetime(["2020-01-01"])),
    "no columns": pd.DataFrame(index=[0, 1]),
    "no rows": pd.DataFrame({"a": pd.Series([], dtype="f4")}),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
def test_tables_of_pandas(name: str) -> None:
    table = TABLES[name]
    found = again(table)
    pd.testing.assert_frame_equal(found, table, check_exact=True, check_freq=False, check_column_type=False)
    assert list(found.columns) == list(table.columns) and found.dtypes.tolist() == table.dtypes.tolist()


def test_series_polars_and_sparse() -> None:
    series = pd.Series([1, 2], index=["a", "b"], name="n")
    pd.testing.assert_series_equal(again(series), series)
    frame = pl.DataFrame({"a": [1, None], "b": ["x", "y"], "c": [1.5, 2.5], "d": [[1], [2, 3]]})
    assert again(frame).equals(frame) and again(frame).schema == frame.schema
    small = pl.DataFrame({"a": pl.Series([1], dtype=pl.Int8)})
    assert again(small).schema == small.schema
    for kind in (sp.csr_matrix, sp.csc_array):
        matrix = kind(np.array([[0, 1.5], [2, 0]], "f4"))
        found = again(matrix)
        assert type(found) is kind and found.dtype == "f4" and (found.toarray() == matrix.toarray()).all()


@pytest.mark.parametrize(
    "value",
    [
        object(), Decimal(1), {1, 2}, datetime.timedelta(1), np.array([(1, 2)], "i4,i4"), sp.coo_matrix(np.eye(2)),
        datetime.datetime(2000, 1, 1, fold=1), pd.Timestamp(0),
        np.ma.MaskedArray([1], [True]), pd.DataFrame({"a": pd.interval_range(0, 1)}), type("Own", (dict,), {})(),
        pd.DataFrame({"a": [1]}, index=pd.MultiIndex.from_tuples([(1, 2)])),

    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_what_would_not_come_back_is_refused(value: Any) -> None:
    with pytest.raises(CannotKeep):
        encode(value)


@pytest.mark.parametrize(
    "document",
    [
        [], {}, {"array": "O", "shape": [1], "data": "AA=="}, {"array": "<f8", "shape": [2], "data": "AAAAAAAAAAA="},
        {"array": "<f8", "shape": [-1], "data": ""}, {"array": "<f8", "shape": [1 << 40], "data": ""},
        {"array": "<f8", "shape": ["1"], "data": ""}, {"array": "V8", "shape": [1], "data": "AAAAAAAAAAA="},
        {"array": "<f8", "shape": [1], "data": "?"}, {"array": 3, "shape": []}, {"bytes": "?"}, {"float": "x"},
        {"datetime": "never"}, {"sparse": "dok_matrix", "shape": [1, 1], "parts": []}, {"dict": [[{"list": []}, 1]]},
        {"array": "object", "shape": [2], "data": [1]}, {"pandas": 3, "index": None}, {"polars": [["a"]]},
        {"sparse": "csr_matrix", "shape": [2, 2], "parts": [
            {"array": "<f8", "shape": [1], "data": "AAAAAAAA8D8="}, {"array": "<i4", "shape": [1], "data": "/////w=="},
            {"array": "<i4", "shape": [3], "data": "AAAAAAEAAAABAAAA"}]},
    ],
    ids=lambda document: str(document)[:40],
)  # fmt: skip
def test_other_documents_are_refused(document: Any) -> None:
    with pytest.raises(ArtifactError):
        decode(document)


def test_deep_documents_are_refused() -> None:
    document: Any = 1
    for _ in range(100_000):
        document = {"list": [document]}
    with pytest.raises(ArtifactError):
        decode(document)
