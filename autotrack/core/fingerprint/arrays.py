"""Columns of numpy arrays, of any type, shape and memory layout."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .numeric import NumericPart
from .parts import UNNAMED, Label, Part, Table, label, numbered
from .tensors import TensorPart
from .texts import Packed, TextPart

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

FIXED = "biufcmM"


def table_of(array: Array, kind: str, logical: str | None = None) -> Table:
    """One unnamed column (0 or 1 dimension, or more than 2), columns 0, 1, ... (2 dimensions), or a record's fields."""
    import numpy as np

    mask = np.ma.getmaskarray(array) if isinstance(array, np.ma.MaskedArray) else None
    plain = np.asarray(array)
    shape = plain.shape
    flat = plain.reshape(1) if not shape else plain
    table = Table(kind, flat.shape[0], shape, int(plain.nbytes))
    if flat.dtype.names and flat.ndim == 1:
        for name in flat.dtype.names:
            table.add(label(name), column(flat[name], label(name), None if mask is None else mask[name]))
    elif flat.ndim <= 2:
        labels = [UNNAMED] if flat.ndim == 1 else numbered(flat.shape[1])
        if mask is not None:
            mask = mask.reshape(flat.shape)
        fill(table, flat, labels, mask, logical)
    else:
        table.add(UNNAMED, column(flat, UNNAMED, mask, logical))
    return table


def fill(table: Table, array: Array, labels: list[Label], mask: Array | None = None, logical: str | None = None) -> None:
    """Adds the columns of an array of one or two dimensions to a table."""
    if array.dtype.kind in FIXED:
        if labels:
            table.labels += labels
            table.parts.append(numeric(array, labels, mask, logical))
        return
    for number, name in enumerate(labels):
        row = (slice(None), number) if array.ndim == 2 else slice(None)
        table.add(name, column(array[row], name, None if mask is None else mask[row], logical))


def column(array: Array, name: Label, mask: Array | None = None, logical: str | None = None) -> Part:
    """The part for an array that is one column: its first dimension counts the rows."""
    kind = array.dtype.kind
    if array.ndim > 1 or array.dtype.names:
        return TensorPart(name.token, array, mask)
    if kind in FIXED:
        return numeric(array, [name], mask, logical)
    rows = len(array)
    if kind == "V":
        return TextPart(name.token, rows, f"void{array.dtype.itemsize}", lambda a, b: _raw(array[a:b]))
    logical = logical or {"U": "string", "T": "string", "S": "binary"}.get(kind)
    if kind == "S":
        return TextPart(name.token, rows, logical, lambda a, b: _packed(array[a:b].tolist()))
    if mask is None:
        return TextPart(name.token, rows, logical, lambda a, b: array[a:b].tolist())
    return TextPart(name.token, rows, logical, lambda a, b: _without(array[a:b].tolist(), mask[a:b].tolist()))


def numeric(array: Array, names: list[Label], mask: Array | None = None, logical: str | None = None) -> NumericPart:
    """The part for numbers, truth values and times: an array of one dimension, or the columns of one of two."""
    dtype = array.dtype.newbyteorder("<")
    if logical is None:
        logical = str(dtype.str[1:].replace("M8", "datetime64").replace("m8", "timedelta64"))
        if dtype.kind not in "mM":
            logical = "longdouble" if dtype.kind == "f" and dtype.itemsize > 8 else str(array.dtype.name)
    fetch = fetcher(array, mask)
    return NumericPart([name.token for name in names], len(array), dtype, logical, fetch)


def fetcher(array: Array, mask: Array | None) -> Callable[[slice, slice], tuple[Array, Array | None]]:
    """Gets blocks of an array as ``NumericPart`` wants them; copies a block only where it does not lie so already.

    A copied block stands until the next is fetched: memory that is new each time costs more than the copying.
    """
    import numpy as np

    size, wanted = array.dtype.itemsize, array.dtype.newbyteorder("<")
    room = np.empty(0, wanted)

    def block(source: Array, rows: slice, columns: slice) -> Array:
        return source[None, rows] if source.ndim == 1 else source[rows, columns].T

    def fetch(rows: slice, columns: slice) -> tuple[Array, Array | None]:
        nonlocal room
        values = block(array, rows, columns)
        if values.strides[-1] != size or not array.dtype.isnative or not array.flags.aligned:
            if room.size < values.size:
                room = np.empty(values.size, wanted)
            copied = room[: values.size].reshape(values.shape)
            np.copyto(copied, values)
            values = copied
        if wanted.kind == "b":
            values = values.view("u1")
        return values, None if mask is None else block(mask, rows, columns)

    return fetch


def _packed(values: list[bytes]) -> Packed:
    from .texts import packed_bytes

    return packed_bytes(values, None)


def _raw(array: Array) -> Packed:
    """Opaque values of one size, as they lie."""
    import numpy as np

    size, count = array.dtype.itemsize, len(array)
    return Packed(array.tobytes(), np.arange(count) * size, np.full(count, size), None)


def _without(values: list[Any], gone: list[bool]) -> list[Any]:
    return [None if away else value for value, away in zip(values, gone, strict=True)]
