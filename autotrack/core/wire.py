"""Entities as JSON and back: what a server answers with is what its client reads, written once.

A dataclass is an object with its fields' names, a tuple a list, an enum its value. The numbers that JSON has no name
for are the strings ``"NaN"``, ``"Infinity"`` and ``"-Infinity"``; integers are exact, and 1.0 is not 1. A field that a
reader does not know is ignored, one that a writer has left out has its default, so old and new understand each other.

The points of a metric are bytes: a line of JSON (``format``, ``count``, ``values``), LF, then as many little-endian
int64 steps, int64 nanoseconds, and values: float64 (``values`` "f8"), int64 ("i8"), or ("mixed") 8 bytes each that are
an int64 where the byte behind all of them, one a point, is 1, and a float64 where it is 0.
"""

from __future__ import annotations

import dataclasses
import json
import math
import types
from collections.abc import Callable, Mapping
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from .entities import Columns
from .errors import StoreError

if TYPE_CHECKING:
    import numpy as np

T = TypeVar("T")

COLUMNS = "application/x-autotrack-columns"
COLUMNS_FORMAT = 1

_NUMBERS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_PLAIN = (str, int, bool, type(None))


def plain(value: object) -> Any:
    """Any value that JSON has a form for, in that form; what is no such value stays as it is."""
    if isinstance(value, float):
        return number(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return encoded(value)
    return value


def number(value: float) -> float | str:
    """A float, or the word for one that JSON has no name for."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def encoded(entity: Any) -> dict[str, Any]:
    """An entity as an object of JSON."""
    return {
        name: getattr(entity, name) if write is None else write(getattr(entity, name))
        for name, write in _writers(entity.__class__)
    }


def decoded(kind: type[T], document: object) -> T:
    """The entity in an object of JSON (StoreError where it is none of that kind)."""
    try:
        found: T = _reader(cast(Any, kind))(document)
    except (TypeError, ValueError, LookupError) as error:
        raise StoreError(
            f"what came is no {kind.__name__} ({error}); is the server of another version, or no server of autotrack?"
        ) from None
    return found


@lru_cache(maxsize=256)
def _writers(kind: Any) -> tuple[tuple[str, Callable[[Any], Any] | None], ...]:
    hints = get_type_hints(kind)
    return tuple((field.name, _writer(hints[field.name])) for field in dataclasses.fields(kind))


def _writer(hint: Any) -> Callable[[Any], Any] | None:
    """None where the value is in JSON's form already."""
    if hint in _PLAIN:
        return None
    arguments, origin = get_args(hint), get_origin(hint)
    if origin in (Union, types.UnionType):
        return None if all(each in _PLAIN for each in arguments) else plain
    if origin is not None and arguments[1:] == (str,):
        return dict
    if origin is not None and set(get_args(arguments[-1])) == {float, int}:
        return _numbers
    return plain


def _numbers(values: Mapping[str, float | int]) -> dict[str, float | int | str]:
    return {key: number(value) if isinstance(value, float) else value for key, value in values.items()}


@lru_cache(maxsize=256)
def _reader(hint: Any) -> Callable[[Any], Any]:
    if hint is Any or hint is object:
        return lambda value: value
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return _entity(hint)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint
    if hint is float:
        return _float
    if hint in _PLAIN:
        return _exactly(hint)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _one_of(arguments)
    if origin in (tuple, list):
        item = _reader(arguments[0])
        return lambda value: origin(item(each) for each in _is(list, value))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        item = _reader(arguments[1])
        return lambda value: {key: item(each) for key, each in _is(dict, value).items()}
    raise TypeError(f"{hint} has no form in JSON")


def _entity(kind: Any) -> Callable[[Any], Any]:
    hints = get_type_hints(kind)
    readers = {field.name: _reader(hints[field.name]) for field in dataclasses.fields(kind)}

    def read(value: Any) -> Any:
        document = _is(dict, value)
        return kind(**{name: reader(document[name]) for name, reader in readers.items() if name in document})

    return read


def _one_of(hints: tuple[Any, ...]) -> Callable[[Any], Any]:
    if set(hints) == {int, float}:
        return lambda value: value if type(value) is int else _float(value)
    readers = [_reader(hint) for hint in hints if hint is not types.NoneType]
    if len(readers) > 1 or types.NoneType not in hints:
        if set(hints) - {types.NoneType} == {int, float}:
            return lambda value: value if value is None or type(value) is int else _float(value)
        raise TypeError(f"{hints} have no form in JSON that tells them apart")
    return lambda value: None if value is None else readers[0](value)


def _float(value: Any) -> float:
    if isinstance(value, str):
        return _NUMBERS[value]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{value!r:.40} is no number")
    return float(value)


def _exactly(kind: type) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if type(value) is not kind:
            raise TypeError(f"{value!r:.40} is no {kind.__name__}")
        return value

    return read


def _is(kind: type[T], value: Any) -> T:
    if not isinstance(value, kind):
        raise TypeError(f"{value!r:.40} is no {kind.__name__}")
    return value


# The points of a metric.


def columns_packed(columns: Columns, about: Mapping[str, Any] | None = None) -> bytes:
    """A metric's points as bytes; ``about`` is said beside them, in their first line."""
    import numpy as np

    values, flags = columns.values, b""
    kind = {"f": "f8", "i": "i8"}.get(values.dtype.kind, "mixed")
    if kind == "mixed":
        whole = np.fromiter((isinstance(value, int) for value in values), np.uint8, len(values))
        bits = np.empty(len(values), "<i8")
        bits[whole == 1] = values[whole == 1].astype("<i8")
        bits[whole == 0] = values[whole == 0].astype("<f8").view("<i8")
        values, flags = bits, whole.tobytes()
    head = {"format": COLUMNS_FORMAT, "count": len(values), "values": kind, **(about or {})}
    arrays = (columns.steps.astype("<i8"), columns.timestamps.astype("<i8"))
    last = values.astype("<f8" if kind == "f8" else "<i8")
    line = json.dumps(head, separators=(",", ":"), allow_nan=False).encode() + b"\n"
    return b"".join((line, *(array.tobytes() for array in arrays), last.tobytes(), flags))


def columns_unpacked(data: bytes) -> tuple[Columns, dict[str, Any]]:
    """The points in such bytes, and what is said beside them (StoreError where they are none)."""
    import numpy as np

    line, _, rest = data.partition(b"\n")
    try:
        head = _is(dict, json.loads(line))
        if head["format"] != COLUMNS_FORMAT:
            raise ValueError(f"format {head['format']!r:.20}")
        count, kind = _is(int, head["count"]), head["values"]
        wide = count * (25 if kind == "mixed" else 24)
        if count < 0 or len(rest) != wide or kind not in ("f8", "i8", "mixed"):
            raise ValueError(f"{len(rest)} bytes where {wide} are said")
    except (ValueError, TypeError, LookupError) as error:
        raise StoreError(f"what came are no points of a metric ({error})") from None

    def column(at: int, dtype: str) -> np.ndarray[Any, Any]:
        return np.frombuffer(rest, dtype, count, at * 8 * count)

    if kind != "mixed":
        values = column(2, f"<{kind}")
    else:
        whole, bits = np.frombuffer(rest, np.uint8, count, 24 * count), column(2, "<i8")
        values = np.empty(count, object)
        values[:] = [
            bit if flag else real
            for bit, flag, real in zip(bits.tolist(), whole, bits.view("<f8").tolist(), strict=True)
        ]
    return Columns(column(0, "<i8"), column(1, "<i8"), values), head
