"""Values as JSON and CSV have them, made into arrays of the types that a model's signature names.

A value is taken where nothing of it can be lost: ``"2"`` and ``true`` are numbers, ``2.0`` is an integer, ``1.9`` is
none. (MLflow cuts 1.9 to 1; that is followed for models which MLflow wrote, and for no others.)
"""

from __future__ import annotations

import base64
import binascii
import datetime
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autotrack.plugin import SchemaColumn, SchemaType, attempt

from .refused import Refused, unfit

NUMBERS = {"integer": "int32", "long": "int64", "float": "float32", "double": "float64", "boolean": "bool"}
_RANGES = {"integer": (-(1 << 31), (1 << 31) - 1), "long": (-(1 << 63), (1 << 63) - 1)}


def column_of(values: Sequence[Any], column: SchemaColumn, *, cuts: bool = False) -> Any:
    """One column as an array of its type (Refused names the first value that does not fit).

    Missing values (None) are NaN in floats, NaT in datetimes and None elsewhere; where the signature requires the
    column, integers and booleans have none. ``cuts``: fractions of integers are cut off.
    """
    kind = column.type.name
    if kind in ("double", "float"):
        return _floats(values, column)
    if kind in ("long", "integer", "boolean"):
        return _whole(values, column, cuts)
    made = _MAKERS.get(kind)
    if made is None:
        return _objects(values)
    return made(values, column)


def _floats(values: Sequence[Any], column: SchemaColumn) -> Any:
    dtype = NUMBERS[column.type.name]
    if all(type(value) is float for value in values):
        return np.array(values, dtype)
    made = [math.nan if value is None else _float(value, row, column) for row, value in enumerate(values)]
    return np.array(made, dtype)


def _float(value: Any, row: int, column: SchemaColumn) -> float:
    if isinstance(value, (int, float, str)):
        found, _ = attempt(float, value)
        if found is not None and (not isinstance(value, int) or int(found) == value or abs(value) > 1 << 53):
            return float(found)
    raise _wrong(value, row, column)


def _whole(values: Sequence[Any], column: SchemaColumn, cuts: bool) -> Any:
    kind = column.type.name
    dtype = NUMBERS[kind]
    wanted: type = bool if kind == "boolean" else int
    if all(type(value) is wanted for value in values):
        made, _ = attempt(np.array, values, dtype)
        if made is not None:
            return made
    read = _boolean if kind == "boolean" else _integer
    found = [None if value is None else read(value, row, column, cuts) for row, value in enumerate(values)]
    if any(value is None for value in found):
        if column.required:
            raise unfit(f"column {column.name!r} should be {column.type}, row {found.index(None)} holds nothing")
        return _objects(found)
    return np.array(found, dtype)


def _integer(value: Any, row: int, column: SchemaColumn, cuts: bool) -> int:
    low, high = _RANGES[column.type.name]
    found: Any = None
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value) and (cuts or value == int(value))):
        found = int(value)
    elif isinstance(value, str) and len(value) < 40:
        found, _ = attempt(int, value)
    if found is None or not low <= found <= high:
        raise _wrong(value, row, column)
    return int(found)


def _boolean(value: Any, row: int, column: SchemaColumn, _cuts: bool) -> bool:
    if isinstance(value, (bool, int, float)) and value in (0, 1):
        return bool(value)
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise _wrong(value, row, column)


def _strings(values: Sequence[Any], column: SchemaColumn) -> Any:
    return _objects([value if value is None or isinstance(value, str) else _text(value, row, column)
                     for row, value in enumerate(values)])  # fmt: skip


def _text(value: Any, row: int, column: SchemaColumn) -> str:
    if isinstance(value, (bool, int, float)):
        return str(value)
    raise _wrong(value, row, column)


def _binaries(values: Sequence[Any], column: SchemaColumn) -> Any:
    return _objects([value if value is None or isinstance(value, bytes) else _bytes(value, row, column)
                     for row, value in enumerate(values)])  # fmt: skip


def _bytes(value: Any, row: int, column: SchemaColumn) -> bytes:
    if isinstance(value, str):
        try:
            return base64.b64decode(value.encode(), validate=True)
        except (binascii.Error, ValueError):
            pass
    raise _wrong(value, row, column, "base64")


def _moments(values: Sequence[Any], column: SchemaColumn) -> Any:
    return np.array([_moment(value, row, column) for row, value in enumerate(values)], "datetime64[ns]")


def _moment(value: Any, row: int, column: SchemaColumn) -> Any:
    if value is None:
        return np.datetime64("NaT")
    if isinstance(value, str):
        found, _ = attempt(datetime.datetime.fromisoformat, value)
        if found is not None:
            if found.tzinfo is not None:
                found = found.astimezone(datetime.UTC).replace(tzinfo=None)
            return np.datetime64(found, "us").astype("datetime64[ns]")
    raise _wrong(value, row, column, "an ISO 8601 date and time")


_MAKERS: dict[str, Callable[[Sequence[Any], SchemaColumn], Any]] = {
    "string": _strings,
    "binary": _binaries,
    "datetime": _moments,
}


def _objects(values: Sequence[Any]) -> Any:
    made = np.empty(len(values), object)
    made[:] = values if not any(isinstance(value, (list, tuple)) for value in values) else [None] * len(values)
    for at, value in enumerate(values):
        made[at] = value
    return made


def _wrong(value: Any, row: int, column: SchemaColumn, wanted: str = "") -> Refused:
    kind: SchemaType = column.type
    return unfit(f"column {column.name!r} should be {wanted or kind}, row {row} holds {str(value)[:60]!r}")
