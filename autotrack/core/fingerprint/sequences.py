"""Lists, tuples and dicts of plain values as columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from .numeric import NumericPart
from .parts import UNNAMED, Label, Part, Table, label, numbered
from .texts import TextPart

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def sequence(data: Any) -> Table:
    """A list's values as one column; of rows (lists or tuples of one length) or dicts, their columns."""
    kind, rows = type(data).__name__, len(data)
    kinds = _kinds(data)
    if kinds and all(one is list or one is tuple for one in kinds):
        widths = {len(row) for row in data}
        width = widths.pop() if len(widths) == 1 else 0
        if width and all(_scalar(one) for row in data for one in _kinds(row)):
            table = Table(kind, rows, (rows, width), None)
            for place, name in enumerate(numbered(width)):
                table.add(name, values(name, rows, lambda a, b, by=1, place=place: [r[place] for r in data[a:b:by]]))
            return table
    if kinds and all(one is dict for one in kinds) and all(type(key) is str for row in data for key in row):
        names = list(dict.fromkeys(key for row in data for key in row))
        table = Table(kind, rows, (rows, len(names)), None)
        for text in names:
            name = label(text)
            table.add(name, values(name, rows, lambda a, b, by=1, text=text: [r.get(text) for r in data[a:b:by]]))
        return table
    table = Table(kind, rows, (rows,), None)
    table.add(UNNAMED, values(UNNAMED, rows, lambda a, b, by=1: list(data[a:b:by])))
    return table


def mapping(data: dict[Any, Any], table_of: Callable[[Any], Table]) -> Table:
    """The columns of a dict of arrays, series or lists of one length."""
    found = Table("dict", 0, (), 0)
    lengths: dict[str, int] = {}
    for key, content in dict.items(data):
        name = label(key)
        inner = table_of(content)
        if len(inner.parts) != 1 or inner.parts[0].count != 1:
            raise UsageError(
                f"a dict of columns was to be fingerprinted, and {name.shown!r} is {len(inner.labels)} columns;"
                " give each of them a key, or fingerprint its parts one by one"
            )
        lengths[name.shown] = inner.rows
        found.add(name, inner.parts[0])
        found.gaps += inner.gaps
        found.bytes = None if inner.bytes is None or found.bytes is None else found.bytes + inner.bytes
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name!r} has {length:,}" for name, length in list(lengths.items())[:5])
        raise UsageError(f"a dict of columns was to be fingerprinted, and they have different lengths: {told}")
    found.rows = next(iter(lengths.values()), 0)
    found.shape = (found.rows, len(lengths))
    return found


def values(name: Label, rows: int, cut: Any) -> Part:
    """The part for Python values, which ``cut(start, stop, step)`` gets: numbers of one type as numpy keeps them."""
    import numpy as np

    everything = cut(0, rows)
    kinds = _kinds(everything)
    nothing = kinds and any(kind is type(None) for kind in kinds)
    plain = [kind for kind in kinds if kind is not type(None)]
    only = plain[0] if len(plain) == 1 else None
    dtype: np.dtype[Any] | None = None
    if only is float:
        dtype = np.dtype("<f8")
    elif only is bool:
        dtype = np.dtype("?")
    elif only is int and all(-(2**63) <= one < 2**63 for one in everything if one is not None):
        dtype = np.dtype("<i8")
    elif only is not None and issubclass(only, np.number | np.bool_) and not issubclass(only, np.timedelta64):
        dtype = np.dtype(only).newbyteorder("<")
    del everything
    if dtype is None:
        return TextPart(name.token, rows, None, cut)
    kept = dtype

    def fetch(span: slice, columns: slice) -> tuple[Array, Array | None]:
        block = cut(span.start, span.stop, span.step or 1)
        gone = None
        if nothing:
            gone = np.array([one is None for one in block], bool)
            fill = kept.type(0)
            block = [fill if one is None else one for one in block]
        array = np.array(block, kept)
        return (array.view("u1") if kept.kind == "b" else array)[None, :], None if gone is None else gone[None, :]

    return NumericPart(
        [name.token], rows, kept, "longdouble" if kept.itemsize > 8 and kept.kind == "f" else kept.name, fetch
    )


def _kinds(values: Any) -> list[type]:
    """The types that occur; told apart by identity, for a metaclass may define == and hash()."""
    return list({id(kind): kind for kind in map(type, values)}.values())


def _scalar(kind: type) -> bool:
    return (
        not issubclass(kind, (list, tuple, dict, set)) and not hasattr(kind, "__array__")
    ) or kind.__module__ == "numpy"
