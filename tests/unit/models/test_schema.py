"""MLflow's type system: what data have which schema, and that a signature which was read is written as it was."""

import datetime
import json
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from autotrack.core.errors import SchemaError
from autotrack.models.schema import (
    ANY,
    SCALARS,
    Column,
    Param,
    Property,
    Schema,
    Tensor,
    Type,
    params_of,
    schema_of,
    type_of,
)
from autotrack.models.signature import Signature, infer_signature, signature_of

#: A column's values and what MLflow 3.17.2 says of them: type, required.
COLUMNS: dict[str, tuple[Any, str, bool]] = {
    "bool": ([True, False], "boolean", True),
    "int8": (np.array([1, 2], "i1"), "integer", True),
    "uint8": (np.array([1, 2], "u1"), "integer", True),
    "int32": (np.array([1, 2], "i4"), "integer", True),
    "uint32": (np.array([1, 2], "u4"), "long", True),
    "int64": ([1, 2], "long", True),
    "float16": (np.array([1, 2], "f2"), "float", True),
    "float32 with nan": (np.array([1, np.nan], "f4"), "float", False),
    "float64": ([1.0, 2.0], "double", True),
    "float64 with nan": ([1.0, np.nan], "double", False),
    "string with none": (["a", None], "string", False),
    "string": (pd.array(["a", "b"], "string"), "string", True),
    "object strings": (pd.Series(["a", "b"], dtype=object), "string", True),
    "bytes": ([b"a", b"b"], "binary", True),
    "datetime": (pd.to_datetime(["2020-01-01", "2021-01-01"]), "datetime", True),
    "datetime with a zone": (pd.to_datetime(["2020-01-01", None], utc=True), "datetime", False),
    "date": ([datetime.date(2020, 1, 1)] * 2, "datetime", True),
    "category of strings": (pd.Categorical(["a", "b"]), "string", True),
    "category of integers": (pd.Categorical([1, 2]), "long", True),
    "Int64": (pd.array([1, None], "Int64"), "long", False),
    "Int32": (pd.array([1, 2], "Int32"), "integer", True),
    "boolean": (pd.array([True, None], "boolean"), "boolean", False),
    "int64[pyarrow]": (pd.array([1, None], "int64[pyarrow]"), "long", False),
    "double[pyarrow]": (pd.array([1.5, 2], "double[pyarrow]"), "double", True),
    "string[pyarrow]": (pd.array(["a", None], "string[pyarrow]"), "string", False),
    "integers and floats as objects": (pd.Series([1, 2.5], dtype=object), "double", True),
    "lists": ([[1, 2], [3]], "array of long", True),
    "arrays": ([np.array([1.0]), np.array([2.0])], "array of double", True),
    "dicts": ([{"a": 1}, {"a": 2, "b": "x"}], "object (a: long, b: string?)", True),
    "nothing": ([None, None], "any", False),
    "a mixture": ([1, "a"], "any", True),
    "decimals": ([Decimal(1), Decimal(2)], "any", True),
    "uint64": (np.array([1, 2], "u8"), "any", True),
    "intervals": (pd.to_timedelta([1, 2]), "any", True),
    "complex": ([1j, 2j], "any", True),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_of_pandas(name: str) -> None:
    values, kind, required = COLUMNS[name]
    (column,) = infer_signature(pd.DataFrame({"c": values})).inputs.columns
    assert (column.name, str(column.type), column.required) == ("c", kind, required)


@pytest.mark.parametrize(
    ("values", "kind", "required"),
    [
        ([1, 2], "long", True), ([1, None], "long", False), (pl.Series([1], dtype=pl.Int8), "integer", True),
        (pl.Series([1], dtype=pl.UInt32), "long", True), (pl.Series([1.5], dtype=pl.Float32), "float", True),
        (["a", None], "string", False), ([True], "boolean", True), ([b"x"], "binary", True),
        (pl.Series(["a"], dtype=pl.Categorical), "string", True), ([datetime.datetime(2020, 1, 1)], "datetime", True),
        ([datetime.date(2020, 1, 1)], "datetime", True), ([[1, 2]], "array of long", True),
        ([{"a": 1.5}], "object (a: double)", True), ([datetime.timedelta(1)], "any", True),
    ],
)  # fmt: skip
def test_columns_of_polars(values: Any, kind: str, required: bool) -> None:
    (column,) = infer_signature(pl.DataFrame({"c": values})).inputs.columns
    assert (column.name, str(column.type), column.required) == ("c", kind, required)


def test_a_missing_value_far_down_is_seen() -> None:
    long = pd.DataFrame({"c": np.arange(100_000.0)})
    assert infer_signature(long).inputs.columns[0].required
    long.loc[99_990, "c"] = np.nan
    assert not infer_signature(long).inputs.columns[0].required


#: Anything that is no table, and the JSON that MLflow 3.17.2 writes for it.
OTHERS: list[tuple[Any, str]] = [
    (np.zeros((3, 4), "f4"), '[{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 4]}}]'),
    (np.array(["a", "bb"]), '[{"type": "tensor", "tensor-spec": {"dtype": "str", "shape": [-1]}}]'),
    (np.array(["a", None]), '[{"type": "tensor", "tensor-spec": {"dtype": "object", "shape": [-1]}}]'),
    (sp.csr_matrix(np.eye(3)), '[{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 3]}}]'),
    (
        {"a": np.zeros((2, 3)), "b": np.zeros(2)},
        '[{"name": "a", "type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 3]}}, '
        '{"name": "b", "type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1]}}]',
    ),
    (pd.DataFrame({0: [1], 1: [2.0]}), '[{"type": "long", "name": 0, "required": true}, '
     '{"type": "double", "name": 1, "required": true}]'),
    (pd.Series([1, 2], name="x"), '[{"type": "long", "name": "x", "required": true}]'),
    (pd.Series([1.0]), '[{"type": "double", "required": true}]'),
    (3, '[{"type": "long", "required": true}]'),
    ("x", '[{"type": "string", "required": true}]'),
    (b"x", '[{"type": "binary", "required": true}]'),
    (np.float64(3), '[{"type": "double", "required": true}]'),
    ([1.5, None], '[{"type": "double", "required": true}]'),
    ([[1, 2], [3]], '[{"type": "array", "items": {"type": "long"}, "required": true}]'),
    ([{"a": 1}], '[{"type": "long", "name": "a", "required": true}]'),
    ({"a": [1, 2]}, '[{"type": "array", "items": {"type": "long"}, "name": "a", "required": true}]'),
    (
        {"a": {"b": [{"c": 1}]}},
        '[{"type": "object", "properties": {"b": {"type": "array", "items": {"type": "object", "properties": '
        '{"c": {"type": "long", "required": true}}}, "required": true}}, "name": "a", "required": true}]',
    ),
]  # fmt: skip


@pytest.mark.parametrize(("data", "text"), OTHERS, ids=lambda value: type(value).__name__)
def test_other_data(data: Any, text: str) -> None:
    assert infer_signature(data).to_dict()["inputs"] == text


def test_rows_that_lack_a_key() -> None:
    columns = infer_signature([{"a": 1, "b": 2}, {"a": None}]).inputs.columns
    assert [(column.name, column.required) for column in columns] == [("a", False), ("b", False)]


def test_what_has_no_schema() -> None:
    for data in ([], object(), {}):
        with pytest.raises(SchemaError):
            infer_signature(data)


def test_params() -> None:
    signature = infer_signature(
        [1],
        None,
        {
            "t": 1.0,
            "k": 3,
            "stop": ["a"],
            "flag": True,
            "day": datetime.date(2020, 1, 1),
            "f": np.float32(2),
            "n": [1, 2.5],
        },
    )
    assert json.loads(signature.to_dict()["params"]) == [
        {"name": "t", "default": 1.0, "shape": None, "type": "double"},
        {"name": "k", "default": 3, "shape": None, "type": "long"},
        {"name": "stop", "default": ["a"], "shape": [-1], "type": "string"},
        {"name": "flag", "default": True, "shape": None, "type": "boolean"},
        {"name": "day", "default": "2020-01-01", "shape": None, "type": "datetime"},
        {"name": "f", "default": 2.0, "shape": None, "type": "float"},
        {"name": "n", "default": [1.0, 2.5], "shape": [-1], "type": "double"},
    ]
    for bad in (None, b"x", [1, "a"], object()):
        with pytest.raises(SchemaError, match="'p'"):
            infer_signature([1], None, {"p": bad})


TYPES = st.recursive(
    st.sampled_from(sorted([*SCALARS, "any", "sparkml_vector"])).map(Type),
    lambda inner: (
        st.builds(Type, st.sampled_from(["array", "map"]), inner)
        | st.lists(
            st.builds(Property, st.text(max_size=6), inner, st.booleans()), max_size=3, unique_by=lambda p: p.name
        ).map(lambda fields: Type("object", fields=tuple(fields)))
    ),
    max_leaves=6,
)
COLUMN = st.builds(Column, TYPES, st.none() | st.text(max_size=8) | st.integers(), st.booleans())
TENSOR = st.builds(
    Tensor,
    st.sampled_from(["float32", "int64", "str", "bool"]),
    st.lists(st.integers(-1, 9), min_size=1, max_size=4).map(tuple),
    st.none() | st.text(max_size=8),
)
PARAM = st.builds(Param, st.text(max_size=8), TYPES, st.integers() | st.text(max_size=5), st.none() | st.just((-1,)))
SIGNATURES = st.builds(
    Signature,
    st.none() | st.lists(COLUMN, min_size=1, max_size=4).map(lambda c: Schema(tuple(c))),
    st.none() | st.lists(TENSOR, min_size=1, max_size=4).map(lambda t: Schema(tensors=tuple(t))),
    st.lists(PARAM, max_size=3).map(tuple),
)


@settings(max_examples=150, deadline=None)
@given(SIGNATURES)
def test_what_is_written_is_read(signature: Signature) -> None:
    again = signature_of(signature.to_dict())
    assert again == signature and again.to_dict() == signature.to_dict()


def test_older_files_are_read() -> None:
    assert schema_of('[{"type": "long", "name": "a", "optional": true}]').columns == (Column(Type("long"), "a", False),)
    assert schema_of('[{"type": "long", "name": "a"}]').columns == (Column(Type("long"), "a"),)
    assert params_of('[{"name": "t", "dtype": "double", "default": 1.0, "shape": null}]')[0].type == Type("double")
    assert signature_of({}) == Signature()


@pytest.mark.parametrize(
    "text",
    [
        "", "{}", "3", "[3]", '[{"type": "gopher"}]', '[{"type": "array"}]', '[{"type": "map", "values": 3}]',
        '[{"type": "object"}]', '[{"type": "object", "properties": {"a": 3}}]', '[{"type": "tensor"}]',
        '[{"type": "tensor", "tensor-spec": {"dtype": "f4", "shape": [-2]}}]',
        '[{"type": "tensor", "tensor-spec": {"dtype": "f4", "shape": [true]}}]',
        '[{"type": "tensor", "tensor-spec": {"dtype": "f4", "shape": [1]}}, {"type": "long"}]',
        '[{"type": "long", "name": []}]', "[" * 100_000,
        '{"type": "array", "items": ' * 500 + '{"type": "long"}' + "}" * 500,
    ],
    ids=lambda text: text[:30],
)  # fmt: skip
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(SchemaError):
        schema_of(text)


def test_deep_types_are_refused() -> None:
    entry: dict[str, Any] = {"type": "long"}
    for _ in range(200):
        entry = {"type": "array", "items": entry}
    with pytest.raises(SchemaError, match="deep"):
        type_of(entry)
    assert type_of({"type": "any"}) == ANY
