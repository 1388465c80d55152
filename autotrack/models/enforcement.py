"""Data held against a schema before a model sees them: named columns, safe up-casts, nothing guessed.

A caller's table is never changed: where a column is to be cast, a new table is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from autotrack.core.errors import SchemaError
from autotrack.core.guard import attempt

from .columns import cast_pandas, cast_polars
from .inference import dtype_name, infer_schema, is_array, is_sparse, table_kind, type_of_value
from .schema import Param, Schema, Tensor, Type, fits

Note = Callable[[str], None]

#: Names in a message, at most.
NAMED = 8


def enforce(data: Any, schema: Schema, note: Note) -> Any:
    """The data as the schema wants them, or SchemaError that names the column, what is expected and what was found.

    Columns come in the schema's order; one that is missing is an error if it is required; those that the schema does
    not know are dropped, and ``note`` is told once. Numbers are cast only where none can change (integer to long,
    integers to double where each is exact). Lists, dicts and unnamed arrays become a table where the schema names
    columns and pandas is installed.
    """
    if schema.tensors:
        return _tensors(data, schema.tensors)
    if not schema.columns:
        return data
    kind = table_kind(data)
    if kind == "series":
        data, kind = data.to_frame(data.name if data.name is not None else schema.columns[0].name), "pandas"
    if kind is None:
        if schema.columns[0].name is None:
            return _unnamed(data, schema)
        data, kind = _as_table(data, schema), "pandas"
    if schema.columns[0].name is None:
        if len(data.columns) != len(schema.columns):
            raise SchemaError(f"the model takes {len(schema.columns)} unnamed columns, found {len(data.columns)}")
        return data
    return _named(data, schema, note, polars=kind == "polars")


def enforce_params(params: Mapping[str, Any] | None, known: Sequence[Param], note: Note) -> dict[str, Any]:
    """The parameters of one prediction: the defaults, with those given in their place.

    One that the signature does not know is ignored, and ``note`` is told; one of another type is a SchemaError.
    """
    values = {param.name: param.default for param in known}
    by_name = {param.name: param for param in known}
    unknown = sorted(str(name) for name in params or () if name not in by_name)
    if unknown:
        there = ", ".join(by_name) or "none"
        note(f"params that the model does not know are ignored: {', '.join(unknown)}; it knows: {there}")
    for name, value in (params or {}).items():
        if name in by_name:
            values[name] = _param(by_name[name], value)
    return values


def _param(param: Param, value: Any) -> Any:
    if value is None and param.default is None:
        return None
    if param.shape is not None:
        if hasattr(value, "tolist"):
            value = value.tolist()
        if not isinstance(value, (list, tuple)):
            raise SchemaError(f"the param {param.name!r} should be a list of {param.type}, found {_found(value)}")
        return [_param_value(param, item) for item in value]
    return _param_value(param, value)


def _param_value(param: Param, value: Any) -> Any:
    found, expected = type_of_value(value), param.type
    if found is not None and (found == expected or expected.name in ("any", "object", "map")):
        return value
    whole = found is not None and found.name in ("integer", "long")
    if whole and (expected.name == "long" or (expected.name == "integer" and -(1 << 31) <= int(value) < 1 << 31)):
        return int(value)
    if found is not None and expected.name in ("float", "double"):
        exact = 1 << (53 if expected.name == "double" else 24)
        if found.name in ("float", "double") or (found.name in ("integer", "long") and abs(int(value)) <= exact):
            return float(value)
    if expected.name == "datetime" and isinstance(value, str):
        import datetime

        moment, error = attempt(datetime.datetime.fromisoformat, value)
        if error is None:
            return moment
    raise SchemaError(f"the param {param.name!r} should be {expected}, found {_found(value)}")


def _found(value: Any) -> str:
    kind = type_of_value(value)
    name = str(kind) if kind is not None and kind.name != "any" else type(value).__qualname__
    return f"{name} ({str(value)[:60]!r})"


def _named(data: Any, schema: Schema, note: Note, *, polars: bool) -> Any:
    there = {name: at for at, name in reversed(list(enumerate(data.columns)))}
    missing = [column for column in schema.columns if column.required and column.name not in there]
    if missing:
        listed = ", ".join(f"{column.name!r} ({column.type})" for column in missing[:NAMED])
        more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
        raise SchemaError(
            f"the model wants {_count(len(missing), 'column')} that the data lack: {listed}{more}; "
            f"the data have: {_listed(data.columns)}"
        )
    known = {column.name for column in schema.columns}
    extra = [name for name in data.columns if name not in known]
    if extra:
        note(f"{_count(len(extra), 'column')} that the model does not know dropped: {_listed(extra)}")
    cast = cast_polars if polars else cast_pandas
    wanted = [column for column in schema.columns if column.name in there]
    columns = [data[:, there[c.name]] if polars else data.iloc[:, there[c.name]] for c in wanted]
    made = [cast(values, column) for values, column in zip(columns, wanted, strict=True)]
    names = [column.name for column in wanted]
    same = all(new is old for new, old in zip(made, columns, strict=True))
    if same and list(data.columns) == names:
        return data
    if polars:
        return data.select(names).with_columns(made)
    table = data.loc[:, ~data.columns.duplicated()][names].copy(deep=False)
    for name, new, old in zip(names, made, columns, strict=True):
        if new is not old:
            table[name] = new
    return table


def _as_table(data: Any, schema: Schema) -> Any:
    """A pandas table of what has no columns of its own: an array by position, a dict or list of dicts by name."""
    import importlib

    pandas, error = attempt(importlib.import_module, "pandas")
    if pandas is None:
        raise SchemaError(f"the model wants columns ({_listed(schema.names)}); pandas is needed for that") from error
    if is_sparse(data):
        raise SchemaError(f"the model wants columns ({_listed(schema.names)}), found a sparse matrix")
    if isinstance(data, Mapping):
        lists = any(isinstance(value, (list, tuple)) or getattr(value, "ndim", 0) for value in data.values())
        scalars = all(column.type.name not in ("array", "map", "object") for column in schema.columns)
        made, error = attempt(pandas.DataFrame, dict(data) if lists and scalars else [dict(data)])
    elif isinstance(data, (list, tuple)) and data and all(isinstance(row, Mapping) for row in data):
        made, error = attempt(pandas.DataFrame, list(data))
    elif is_array(data) or isinstance(data, (list, tuple)):
        made, error = attempt(pandas.DataFrame, data)
        if made is not None:
            if len(made.columns) != len(schema.columns):
                raise SchemaError(
                    f"the model wants {_count(len(schema.columns), 'column')} ({_listed(schema.names)}), "
                    f"found {len(made.columns)} without names"
                )
            made.columns = [column.name for column in schema.columns]
    else:
        raise SchemaError(
            f"the model wants columns ({_listed(schema.names)}), found a {type(data).__module__}."
            f"{type(data).__qualname__}"
        )
    if made is None:
        raise SchemaError(f"the model wants columns ({_listed(schema.names)}); no table can be made: {error}")
    return made


def _unnamed(data: Any, schema: Schema) -> Any:
    """A value, or a list of values, for a schema of one column without a name."""
    if len(schema.columns) > 1:
        if is_array(data) and data.ndim == 2 and data.shape[1] == len(schema.columns):
            return data
        raise SchemaError(f"the model takes {len(schema.columns)} unnamed columns, found {_shape(data)}")
    expected = schema.columns[0].type
    found, _ = attempt(infer_schema, data)
    if expected.name == "any" or found is None:
        return data
    types = [column.type for column in found.columns] or [_element(found.tensors[0])]
    if len(types) != 1 or not fits(types[0], expected):
        raise SchemaError(f"the model takes {expected}, found {', '.join(map(str, types))}")
    return data


def _element(tensor: Tensor) -> Type:
    import numpy

    from .inference import numpy_scalar

    kind, _ = attempt(numpy.dtype, tensor.dtype)
    return Type((numpy_scalar(kind) if kind is not None else None) or "any")


def _tensors(data: Any, tensors: Sequence[Tensor]) -> Any:
    if tensors[0].name is None:
        if table_kind(data) is not None:
            data = data.to_numpy()
        elif isinstance(data, (list, tuple)):
            data = _array(data, tensors[0], "the input")
        return _tensor(data, tensors[0], "the input")
    if not isinstance(data, Mapping):
        names = _listed([tensor.name for tensor in tensors])
        raise SchemaError(f"the model wants a dict of arrays ({names}), found {_shape(data)}")
    missing = [tensor for tensor in tensors if tensor.name not in data]
    if missing:
        listed = ", ".join(f"{tensor.name!r} ({tensor.dtype}, {_sizes(tensor.shape)})" for tensor in missing[:NAMED])
        raise SchemaError(f"the model wants arrays that the data lack: {listed}; the data have: {_listed(data)}")
    return {
        tensor.name: _tensor(_array(data[tensor.name], tensor, f"the array {tensor.name!r}"), tensor,
                             f"the array {tensor.name!r}")
        for tensor in tensors
    }  # fmt: skip


def _array(value: Any, tensor: Tensor, what: str) -> Any:
    """Lists, which have no dtype of their own, as an array of the dtype that is expected, if all values fit it."""
    if not isinstance(value, (list, tuple)):
        return value
    import numpy

    made, error = attempt(numpy.asarray, value)
    if made is None:
        raise SchemaError(f"{what} should be {tensor.dtype} of shape {_sizes(tensor.shape)}: {error}") from error
    wanted = _numpy_dtype(tensor.dtype)
    if wanted is None or made.dtype == wanted:
        return made
    cast, error = attempt(made.astype, wanted)
    same = cast is not None and attempt(lambda: bool(numpy.array_equal(cast.astype(made.dtype), made)))[0]
    # JSON and Python know one width of float: a list of them is meant in the model's own.
    narrower = made.dtype.kind == "f" and wanted.kind == "f"
    return cast if same or (narrower and cast is not None) else made


def _tensor(value: Any, tensor: Tensor, what: str) -> Any:
    shape = getattr(value, "shape", None)
    expected = f"{tensor.dtype} of shape {_sizes(tensor.shape)}"
    if shape is None or not hasattr(value, "dtype"):
        raise SchemaError(f"{what} should be {expected}, found {type(value).__module__}.{type(value).__qualname__}")
    fits = len(shape) == len(tensor.shape) and all(
        want in (-1, have) for want, have in zip(tensor.shape, shape, strict=True)
    )
    if not fits:
        raise SchemaError(f"{what} should be {expected}, found the shape {_sizes(shape)}")
    found = dtype_name(value.dtype)
    if found == tensor.dtype or tensor.dtype == "object":
        return value
    wanted = _numpy_dtype(tensor.dtype)
    if wanted is not None and hasattr(value, "astype"):
        import numpy

        if numpy.can_cast(value.dtype, wanted, "safe") and _exact(value, wanted):
            return value.astype(wanted)
    raise SchemaError(f"{what} should be {expected}, found {found}; cast it where no value can change")


def _exact(value: Any, wanted: Any) -> bool:
    """numpy takes any int64 for a float64; we take those that one can hold."""
    if value.dtype.kind not in "iu" or wanted.kind != "f":
        return True
    limit = 1 << {2: 11, 4: 24, 8: 53}.get(wanted.itemsize, 64)
    data = getattr(value, "data", value) if is_sparse(value) else value
    return data.size == 0 or (int(data.max()) <= limit and int(data.min()) >= -limit)


def _numpy_dtype(name: str) -> Any:
    import numpy

    return attempt(numpy.dtype, name)[0]


def _sizes(shape: Sequence[int]) -> str:
    return f"({', '.join('any' if size == -1 else str(size) for size in shape)})"


def _shape(data: Any) -> str:
    shape = getattr(data, "shape", None)
    return f"the shape {_sizes(shape)}" if isinstance(shape, tuple) else f"a {type(data).__qualname__}"


def _listed(names: Any) -> str:
    names = [repr(name) for name in names]
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "") or "none"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
