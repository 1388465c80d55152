"""The schema of data, from its types: tables, arrays, sparse matrices, lists and dicts.

A library is used only where the data are its own, so nothing is imported that the caller has not imported.
"""

from __future__ import annotations

import datetime
import decimal
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from autotrack.core.errors import SchemaError

from .schema import ANY, Column, Param, Property, Schema, Tensor, Type

#: Rows of a table that are looked through for missing values and for what an object column holds: half from each end.
ROWS = 20_000

_NUMPY = {
    "b1": "boolean", "i1": "integer", "i2": "integer", "i4": "integer", "i8": "long", "u1": "integer", "u2": "integer",
    "u4": "long", "f2": "float", "f4": "float", "f8": "double",
}  # fmt: skip
_POLARS = {
    "Boolean": "boolean", "Int8": "integer", "Int16": "integer", "Int32": "integer", "Int64": "long",
    "UInt8": "integer", "UInt16": "integer", "UInt32": "long", "Float32": "float", "Float64": "double",
    "String": "string", "Utf8": "string", "Categorical": "string", "Enum": "string", "Binary": "binary",
    "Date": "datetime", "Datetime": "datetime",
}  # fmt: skip
#: From narrow to wide: a column that holds two of them has the wider type.
_WIDENING = ("integer", "long", "float", "double")


def infer_schema(data: Any) -> Schema:
    """The schema of a model's input or output. SchemaError where it is nothing that a model takes or answers.

    A table gives a column each, not required where a value is missing; an array or sparse matrix gives a tensor whose
    first dimension is free; a dict of arrays gives a tensor each, any other dict a column each; a list of dicts is a
    table, any other list one column. What has no type in MLflow (intervals, mixtures) becomes ``any``.
    """
    kind = table_kind(data)
    if kind == "pandas":
        return Schema(tuple(pandas_column(series, name) for name, series in data.items()))
    if kind == "series":
        return Schema((pandas_column(data, data.name),))
    if kind == "polars":
        return Schema(tuple(polars_column(data.get_column(name)) for name in data.columns))
    if is_array(data) and data.ndim:
        return Schema(tensors=(tensor_of(data),))
    if is_sparse(data):
        return Schema(tensors=(Tensor(dtype_name(data.dtype), (-1, *map(int, data.shape[1:]))),))
    if isinstance(data, Mapping) and data:
        if all(is_array(value) and value.ndim for value in data.values()):
            return Schema(tensors=tuple(tensor_of(value, str(name)) for name, value in data.items()))
        return Schema(tuple(_column(name, [value]) for name, value in data.items()))
    if isinstance(data, (list, tuple)):
        return Schema(_list_columns(data))
    found = type_of_value(data)
    if found is None or data is None or (isinstance(data, Mapping) and not data):
        raise SchemaError(f"a {type(data).__module__}.{type(data).__qualname__} is no model input or output known here")
    return Schema((Column(found),))


def infer_params(params: Mapping[str, Any]) -> tuple[Param, ...]:
    """Parameters of ``predict`` with their types, from their defaults (SchemaError where a default has none)."""
    return tuple(_param(str(name), value) for name, value in params.items())


def table_kind(data: Any) -> str | None:
    """``"pandas"``, ``"series"`` or ``"polars"``; None for what is no table."""
    pandas, polars = sys.modules.get("pandas"), sys.modules.get("polars")
    if pandas is not None and isinstance(data, getattr(pandas, "DataFrame", ())):
        return "pandas"
    if pandas is not None and isinstance(data, getattr(pandas, "Series", ())):
        return "series"
    return "polars" if polars is not None and isinstance(data, getattr(polars, "DataFrame", ())) else None


def is_array(data: Any) -> bool:
    """True for numpy arrays (of any subclass) and torch tensors."""
    numpy, torch = sys.modules.get("numpy"), sys.modules.get("torch")
    if numpy is not None and isinstance(data, getattr(numpy, "ndarray", ())):
        return True
    return torch is not None and isinstance(data, getattr(torch, "Tensor", ()))


def is_sparse(data: Any) -> bool:
    """True for scipy's sparse matrices and arrays."""
    sparse = sys.modules.get("scipy.sparse")
    return sparse is not None and bool(sparse.issparse(data))


def tensor_of(data: Any, name: str | None = None) -> Tensor:
    """The tensor spec of an array, its first dimension free."""
    return Tensor(dtype_name(data.dtype), (-1, *map(int, data.shape[1:])), name)


def dtype_name(dtype: Any) -> str:
    """numpy's name of a dtype, text and bytes without their size, torch's without its prefix."""
    kind = getattr(dtype, "kind", None)
    if kind in ("U", "T"):
        return "str"
    if kind == "S":
        return "bytes"
    return str(getattr(dtype, "name", None) or str(dtype).removeprefix("torch."))


def pandas_column(series: Any, name: Any) -> Column:
    """The column of a pandas Series; not required where one of the rows that are looked at is missing."""
    name = name if name is None or isinstance(name, (str, int)) else str(name)
    dtype, kind = series.dtype, getattr(series.dtype, "kind", "O")
    few = _ends(series)
    required = not bool(few.isna().any())
    scalar = numpy_scalar(dtype)
    if scalar is None and str(dtype) == "category":
        scalar = numpy_scalar(dtype.categories.dtype) or ("string" if _is_text(dtype.categories.dtype) else None)
    if scalar is None and kind == "M":
        scalar = "datetime"
    if scalar is None and _is_text(dtype):
        scalar = "string"
    if scalar is not None:
        return Column(Type(scalar), name, required)
    if kind == "O":
        return _column(name, few.tolist(), required)
    return Column(ANY, name, required)


def polars_column(series: Any) -> Column:
    """The column of a polars Series."""
    scalar = _POLARS.get(type(series.dtype).__name__) or _POLARS.get(str(series.dtype))
    required = series.null_count() == 0
    if scalar is not None:
        return Column(Type(scalar), series.name, required)
    return _column(series.name, [*series.head(ROWS // 2).to_list(), *series.tail(ROWS // 2).to_list()], required)


def numpy_scalar(dtype: Any) -> str | None:
    """The type of a numpy dtype, or of pandas' nullable and Arrow-backed forms of it; None where it has none."""
    base = getattr(dtype, "numpy_dtype", dtype)  # Int64, boolean, int64[pyarrow]
    kind, size = getattr(base, "kind", None), getattr(base, "itemsize", None)
    return _NUMPY.get(f"{kind}{size}")


def _is_text(dtype: Any) -> bool:
    """pandas' own text, be it kept by Python, by Arrow, or as pandas 3 does it."""
    return str(dtype) in ("string", "str", "string[python]", "string[pyarrow]", "large_string[pyarrow]")


def _ends(series: Any) -> Any:
    """The column's first and last rows; all of a short one."""
    if len(series) <= ROWS:
        return series
    import pandas

    return pandas.concat([series.iloc[: ROWS // 2], series.iloc[-ROWS // 2 :]])


def _column(name: Any, values: Sequence[Any], required: bool | None = None) -> Column:
    found = _unify([type_of_value(value) or ANY for value in values if not is_missing(value)])
    if required is None:
        required = not any(is_missing(value) for value in values)
    return Column(found, name if name is None or isinstance(name, int) else str(name), required)


def _list_columns(data: Sequence[Any]) -> tuple[Column, ...]:
    if not data:
        raise SchemaError("the schema of an empty list cannot be told")
    if all(issubclass(type(row), dict) for row in data):
        names = dict.fromkeys(name for row in data for name in row)
        columns = []
        for name in names:
            values = [row[name] for row in data if name in row]
            column = _column(name, values)
            columns.append(Column(column.type, column.name, column.required and len(values) == len(data)))
        return tuple(columns)
    # A list's own None says nothing about a column that may be absent: it is the whole input.
    return (Column(_column(None, data).type),)


def is_missing(value: Any) -> bool:
    """True for None, NaN, pandas' NA and NaT."""
    if value is None:
        return True
    if isinstance(value, float):
        return float.__ne__(value, value)  # a subclass's own comparison may do anything
    return type(value).__name__ in ("NAType", "NaTType")


def type_of_value(value: Any) -> Type | None:
    """The type of one value (``any`` where its parts disagree); None where MLflow has no word for it."""
    if isinstance(value, bool):
        return Type("boolean")
    if isinstance(value, int):
        return Type("long") if int.__le__(-(1 << 63), value) and int.__lt__(value, 1 << 63) else ANY
    if isinstance(value, (float, decimal.Decimal)):
        return Type("double") if isinstance(value, float) else ANY
    if isinstance(value, str):
        return Type("string")
    if isinstance(value, (bytes, bytearray)):
        return Type("binary")
    if isinstance(value, datetime.date):
        return Type("datetime")
    if value is None:
        return ANY
    if hasattr(type(value), "dtype") and hasattr(type(value), "ndim"):  # a cell's own __getattr__ is not asked
        return _type_of_numpy(value)
    if issubclass(type(value), dict):  # a Mapping's check asks the value's class
        return Type("object", fields=tuple(_property(key, [item], True) for key, item in sorted(_texts(value))))
    if isinstance(value, (list, tuple)):
        return Type("array", _unify([type_of_value(item) or ANY for item in value if not is_missing(item)]))
    return None


def _texts(value: Mapping[Any, Any]) -> Iterable[tuple[str, Any]]:
    return ((str(key), item) for key, item in value.items())


def _type_of_numpy(value: Any) -> Type | None:
    scalar = numpy_scalar(value.dtype)
    kind = getattr(value.dtype, "kind", "")
    inner = Type(scalar or {"U": "string", "S": "binary", "M": "datetime"}.get(kind, "any"))
    for _ in range(value.ndim):
        inner = Type("array", inner)
    return inner


def _property(name: str, values: Sequence[Any], everywhere: bool) -> Property:
    found = _unify([type_of_value(value) or ANY for value in values if not is_missing(value)])
    return Property(name, found, everywhere and not any(is_missing(value) for value in values))


def _unify(types: Sequence[Type]) -> Type:
    """The one type of several values: the widest number, objects' fields together; ``any`` where they disagree."""
    kinds = list(dict.fromkeys(types))
    if len(kinds) < 2:
        return kinds[0] if kinds else ANY
    names = {kind.name for kind in kinds}
    if names <= set(_WIDENING):
        return Type(max(names, key=_WIDENING.index))
    if names == {"array"}:
        return Type("array", _unify([kind.inner or ANY for kind in kinds]))
    if names == {"object"}:
        fields: dict[str, list[Property]] = {}
        for kind in kinds:
            for each in kind.fields:
                fields.setdefault(each.name, []).append(each)
        return Type(
            "object",
            fields=tuple(
                Property(
                    name,
                    _unify([each.type for each in found]),
                    len(found) == len(kinds) and all(each.required for each in found),
                )
                for name, found in sorted(fields.items())
            ),
        )
    return ANY


def _param(name: str, value: Any) -> Param:
    if isinstance(value, (list, tuple)) or (hasattr(value, "ndim") and value.ndim == 1):
        items = list(value.tolist() if hasattr(value, "tolist") else value)
        found = _unify([type_of_value(item) or ANY for item in items])
        if items and found.name == "any":
            raise SchemaError(f"the param {name!r} is a list of values of no common type: {str(items)[:80]}")
        plain = [_plain(name, item) for item in items]
        if found.name == "double":
            plain = [float(item) for item in plain]
        return Param(name, found if items else Type("string"), plain, (-1,))
    found_type = type_of_value(value)
    if found_type is None or found_type.name in ("any", "binary", "array"):
        raise SchemaError(
            f"the param {name!r} has the default {str(value)[:60]!r}, from which no type can be told; give a boolean, "
            "number, text, date, a list of them or a dict"
        )
    return Param(name, found_type, _plain(name, value))


def _plain(name: str, value: Any) -> Any:
    """A default as JSON has it."""
    if isinstance(value, datetime.date):
        return value.isoformat()
    if hasattr(value, "item"):
        value = value.item()
        return value.isoformat() if isinstance(value, datetime.date) else value
    return value
