"""Data held against a schema: the message names column and type, and only casts that change no value are made."""

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp

from autotrack.core.errors import SchemaError
from autotrack.models.enforcement import enforce, enforce_params
from autotrack.models.inference import infer_params, infer_schema
from autotrack.models.schema import Column, Schema, Tensor, Type

TABLE = pd.DataFrame({"a": [1.5, 2.5], "n": [1, 2], "s": ["x", "y"]})
SCHEMA = infer_schema(TABLE)


def held(data: Any, schema: Schema = SCHEMA) -> tuple[Any, list[str]]:
    notes: list[str] = []
    return enforce(data, schema, notes.append), notes


def one(kind: str, required: bool = True) -> Schema:
    return Schema((Column(Type(kind), "c", required),))


def test_what_fits_is_the_very_object() -> None:
    assert held(TABLE)[0] is TABLE
    frame = pl.DataFrame({"a": [1.5], "n": [1], "s": ["x"]})
    assert held(frame)[0] is frame


def test_order_extra_and_missing_columns() -> None:
    before = TABLE.copy()
    mixed = TABLE[["s", "n", "a"]].assign(more=1, most=2)
    found, notes = held(mixed)
    assert list(found.columns) == ["a", "n", "s"]
    assert notes == ["2 columns that the model does not know dropped: 'more', 'most'"]
    with pytest.raises(SchemaError, match=r"lack: 'n' \(long\), 's' \(string\); the data have: 'a'"):
        held(TABLE[["a"]])
    optional = Schema((Column(Type("double"), "a"), Column(Type("long"), "n", required=False)))
    assert list(held(TABLE[["a"]], optional)[0].columns) == ["a"]
    pd.testing.assert_frame_equal(TABLE, before)


#: Values, the type that is expected, and the dtype that comes of it (None: refused).
CASTS: list[tuple[Any, str, str | None]] = [
    (np.array([1], "i4"), "long", "int64"),
    (np.array([1], "i1"), "long", "int64"),
    (np.array([1], "i4"), "double", "float64"),
    (np.array([1], "i8"), "double", "float64"),
    (np.array([1 << 53], "i8"), "double", "float64"),
    (np.array([(1 << 53) + 1], "i8"), "double", None),
    (np.array([1 << 25], "i8"), "float", None),
    (np.array([1], "i8"), "float", "float32"),
    (np.array([1.5], "f4"), "double", "float64"),
    (np.array([1.5], "f8"), "float", None),
    (np.array([1], "i8"), "integer", None),
    (np.array([1.0], "f8"), "long", None),
    (np.array([True]), "long", None),
    (np.array([1]), "boolean", None),
    (["1"], "long", None),
    ([1], "string", None),
    ([b"x"], "string", None),
    (["2020-01-01"], "datetime", None),
    ([1, "a"], "any", "object"),
    (pd.array([1, None], "Int32"), "long", "Int64"),
    (pd.array([1, 2], "Int32"), "double", "float64"),
    (pd.array([1, None], "Int32"), "double", "float64"),
    (pd.array([1, None], "int32[pyarrow]"), "double", "float64"),
]


@pytest.mark.parametrize(("values", "kind", "dtype"), CASTS, ids=lambda value: str(value))
def test_casts(values: Any, kind: str, dtype: str | None) -> None:
    table = pd.DataFrame({"c": values})
    if dtype is None:
        with pytest.raises(SchemaError, match=f"column 'c' should be {kind}, found"):
            held(table, one(kind))
    else:
        found, _ = held(table, one(kind))
        assert str(found["c"].dtype) == dtype and found["c"].dropna().tolist() == table["c"].dropna().tolist()


def test_messages_say_where() -> None:
    with pytest.raises(SchemaError, match=r"column 'c' should be double, found any \(object\); row 1 holds 'x'"):
        held(pd.DataFrame({"c": [1.0, "x"]}), one("double"))
    with pytest.raises(SchemaError, match=r"row 0 holds '1.5'.*missing value become floats"):
        held(pd.DataFrame({"c": [1.5, None]}), one("long", required=False))


def test_integers_with_a_missing_value() -> None:
    found, _ = held(pd.DataFrame({"c": [1.0, np.nan]}), one("long", required=False))
    assert str(found["c"].dtype) == "Int64" and found["c"].tolist()[0] == 1
    with pytest.raises(SchemaError):
        held(pd.DataFrame({"c": [1.0, np.nan]}), one("long"))
    assert str(held(pd.DataFrame({"c": [None, None]}), one("double", required=False))[0]["c"].dtype) == "float64"
    with pytest.raises(SchemaError, match="nothing but missing"):
        held(pd.DataFrame({"c": [None, None]}), one("double"))


def test_polars() -> None:
    frame = pl.DataFrame({"more": [1], "c": pl.Series([1], dtype=pl.Int32)})
    found, notes = held(frame, one("double"))
    assert found.schema == {"c": pl.Float64} and len(notes) == 1
    with pytest.raises(SchemaError, match="column 'c' should be long, found string"):
        held(pl.DataFrame({"c": ["x"]}), one("long"))
    with pytest.raises(SchemaError, match="lack: 'c'"):
        held(pl.DataFrame({"d": ["x"]}), one("long"))


def test_tables_are_made_of_other_data() -> None:
    rows = [{"a": 1.5, "n": 1, "s": "x"}, {"a": 2.5, "n": 2, "s": "y"}]
    for data in (rows, {"a": [1.5, 2.5], "n": [1, 2], "s": ["x", "y"]}, [[1.5, 1, "x"], [2.5, 2, "y"]]):
        pd.testing.assert_frame_equal(held(data)[0], TABLE)
    assert held({"a": 1.5, "n": 1, "s": "x"})[0].shape == (1, 3)
    numbers = infer_schema(TABLE[["a"]].assign(b=1.0))
    assert list(held(np.ones((2, 2)), numbers)[0].columns) == ["a", "b"]
    assert list(held(pd.Series([1.0], name="a"), Schema((Column(Type("double"), "a"),)))[0].columns) == ["a"]
    for bad in (np.ones((2, 3)), sp.eye(2), "text", object(), {"a": [1, 2], "n": [1]}):
        with pytest.raises(SchemaError):
            held(bad, numbers)


def test_one_unnamed_value() -> None:
    text = Schema((Column(Type("string")),))
    for data in ("x", ["x", "y"], np.array(["x"], object)):
        assert held(data, text)[0] is data
    with pytest.raises(SchemaError, match="takes string, found long"):
        held(3, text)
    nested = infer_schema([[1, 2], [3]])
    assert held([[1], [2]], nested)[0] == [[1], [2]]
    with pytest.raises(SchemaError, match="array of long"):
        held([["x"]], nested)


def test_tensors() -> None:
    schema = infer_schema(np.zeros((2, 3), "f8"))
    exact = np.ones((5, 3))
    assert held(exact, schema)[0] is exact
    assert held(np.ones((5, 3), "f4"), schema)[0].dtype == "f8"
    assert held([[1, 2, 3]], schema)[0].dtype == "f8"
    assert held(pd.DataFrame(np.ones((1, 3))), schema)[0].shape == (1, 3)
    sparse = sp.csr_matrix(np.eye(3))
    assert held(sparse, schema)[0] is sparse
    for bad, message in (
        (np.ones((5, 4)), r"float64 of shape \(any, 3\), found the shape \(5, 4\)"),
        (np.ones(3), r"found the shape \(3\)"),
        (np.ones((5, 3)) * 1j, "found complex128"),
        (np.full((1, 3), (1 << 53) + 1), "found int64"),
        ([["a", "b", "c"]], "found str"),
        ("x", "found builtins.str"),
    ):
        with pytest.raises(SchemaError, match=message):
            held(bad, schema)
    with pytest.raises(SchemaError, match="found float64"):
        held(exact, Schema(tensors=(Tensor("float32", (-1, 3)),)))
    assert held([[1.5, 2, 3]], Schema(tensors=(Tensor("float32", (-1, 3)),)))[0].dtype == "f4"


def test_named_tensors() -> None:
    schema = infer_schema({"a": np.zeros((2, 3)), "b": np.zeros(2)})
    found, _ = held({"a": [[1, 2, 3]], "b": np.ones(1, "f4"), "c": 3}, schema)
    assert found["a"].dtype == found["b"].dtype == "f8" and set(found) == {"a", "b"}
    with pytest.raises(SchemaError, match=r"'b' \(float64, \(any\)\)"):
        held({"a": [[1, 2, 3]]}, schema)
    with pytest.raises(SchemaError, match="a dict of arrays"):
        held(np.ones(3), schema)
    with pytest.raises(SchemaError, match="the array 'a' should be"):
        held({"a": np.ones((1, 2)), "b": np.ones(1)}, schema)


def test_params() -> None:
    known = infer_params({"t": 1.0, "k": 3, "stop": ["a"], "flag": True})
    notes: list[str] = []
    assert enforce_params(None, known, notes.append) == {"t": 1.0, "k": 3, "stop": ["a"], "flag": True}
    found = enforce_params({"t": 2, "stop": ["x", "y"], "zz": 1}, known, notes.append)
    assert found == {"t": 2.0, "k": 3, "stop": ["x", "y"], "flag": True} and type(found["t"]) is float
    assert len(notes) == 1 and "ignored: zz; it knows: t, k, stop, flag" in notes[0]
    for bad in ({"t": "x"}, {"k": 1.5}, {"stop": "a"}, {"stop": [1]}, {"flag": 1}, {"k": None}):
        with pytest.raises(SchemaError, match=f"the param '{next(iter(bad))}' should be"):
            enforce_params(bad, known, notes.append)
