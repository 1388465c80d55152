"""One column held against its type: left as it is, cast where no value can change, or refused with its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autotrack.core.errors import SchemaError
from autotrack.core.guard import attempt

from .inference import is_missing, pandas_column, polars_column
from .schema import Column, Type, fits

#: The largest integer up to which all are exact.
_EXACT = {"float": 1 << 24, "double": 1 << 53}
_PANDAS = {"integer": "int32", "long": "int64", "float": "float32", "double": "float64", "boolean": "bool"}
_NULLABLE = {"integer": "Int32", "long": "Int64", "boolean": "boolean"}
_POLARS = {"integer": "Int32", "long": "Int64", "float": "Float32", "double": "Float64"}
_WIDER = {
    ("integer", "long"), ("integer", "double"), ("integer", "float"), ("long", "double"), ("long", "float"),
    ("float", "double"),
}  # fmt: skip


def cast_pandas(series: Any, column: Column) -> Any:
    """The column as its type wants it: the very series where it fits (SchemaError where it cannot)."""
    expected = column.type
    if expected.name in ("any", "sparkml_vector", "map"):
        return series
    found = pandas_column(series, column.name).type
    if _same(found, expected):
        return series
    if (found.name, expected.name) in _WIDER:
        if expected.name in _EXACT and found.name in ("integer", "long"):
            _hold(series.dropna(), column, found)
        return _cast(series, expected.name)
    if found.name == "any" and bool(series.isna().all()):
        return _all_missing(series, column)
    if found.name in ("float", "double") and expected.name in ("integer", "long") and not column.required:
        # pandas turns integers into floats as soon as one is missing: that is undone where all are whole.
        whole, error = attempt(series.astype, _NULLABLE[expected.name])
        if error is None and bool(series.isna().any()):
            return whole
    raise _wrong(column, found, _first_other(series.tolist(), expected), str(series.dtype))


def _cast(series: Any, name: str) -> Any:
    """Numbers in a wider type: numpy's, as training saw them, but for integers of which one is missing."""
    import numpy

    if name in _NULLABLE and bool(series.isna().any()):
        return series.astype(_NULLABLE[name])
    if isinstance(series.dtype, numpy.dtype):
        return series.astype(_PANDAS[name])
    missing = {} if name in _NULLABLE else {"na_value": numpy.nan}
    return type(series)(series.to_numpy(dtype=_PANDAS[name], **missing), index=series.index, name=series.name)


def cast_polars(series: Any, column: Column) -> Any:
    """The same for a column of polars."""
    expected = column.type
    if expected.name in ("any", "sparkml_vector", "map"):
        return series
    found = polars_column(series).type
    if _same(found, expected):
        return series
    if (found.name, expected.name) in _WIDER:
        import polars

        if expected.name in _EXACT and found.name in ("integer", "long"):
            _hold(series.drop_nulls(), column, found)
        return series.cast(getattr(polars, _POLARS[expected.name]))
    if series.null_count() == len(series):
        return series
    raise _wrong(column, found, _first_other(series.to_list(), expected), str(series.dtype))


def _same(found: Type, expected: Type) -> bool:
    """True where nothing need be done; for arrays and objects also where their numbers are merely narrower."""
    return found == expected or (expected.name in ("array", "object") and fits(found, expected))


def _hold(values: Any, column: Column, found: Type) -> None:
    """Refuses integers that the float type cannot hold exactly."""
    limit = _EXACT[column.type.name]
    if len(values) and (int(values.max()) > limit or int(values.min()) < -limit):
        raise SchemaError(
            f"column {column.name!r} should be {column.type}, found {found} with values beyond {limit:,}, which "
            f"{column.type} cannot hold exactly; cast it yourself if that does not matter"
        )


def _all_missing(series: Any, column: Column) -> Any:
    if column.required:
        raise SchemaError(f"column {column.name!r} should be {column.type}, found nothing but missing values")
    name = {"float": "float32", "double": "float64", **_NULLABLE}.get(column.type.name)
    return series if name is None else series.astype(name)


def _first_other(values: list[Any], expected: Type) -> tuple[int, Any] | None:
    """The first value that is not of the type, with its row."""
    fits: dict[str, Callable[[Any], bool]] = {
        "string": lambda value: isinstance(value, str),
        "binary": lambda value: isinstance(value, bytes),
        "boolean": lambda value: isinstance(value, bool),
        "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
        "long": lambda value: isinstance(value, int) and not isinstance(value, bool),
        "float": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
        "double": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    }
    check = fits.get(expected.name)
    if check is None:
        return None
    return next(((row, value) for row, value in enumerate(values) if not is_missing(value) and not check(value)), None)


def _wrong(column: Column, found: Type, first: tuple[int, Any] | None, dtype: str) -> SchemaError:
    where = "" if first is None else f"; row {first[0]} holds {str(first[1])[:60]!r}"
    hint = ""
    if found.name == "double" and column.type.name in ("integer", "long"):
        hint = "; integers with a missing value become floats in pandas, unless the column is of type Int64"
    return SchemaError(f"column {column.name!r} should be {column.type}, found {found} ({dtype}){where}{hint}")
