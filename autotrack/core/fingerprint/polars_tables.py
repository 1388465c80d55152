"""Data frames and series of polars as columns. polars is there already: whoever calls holds one of its objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import arrow_tables
from .categories import CategoryPart, Values
from .numeric import NumericPart
from .parts import Label, Part, Table, label
from .texts import TextPart

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def frame(data: Any) -> Table:
    """The columns of a data frame."""
    found = Table("polars.DataFrame", data.height, tuple(data.shape), int(data.estimated_size()))
    for values in data.get_columns():
        found.add(label(values.name), column(label(values.name), values))
    return found


def series(data: Any) -> Table:
    """One column; one that is called "" has no name."""
    found = Table("polars.Series", len(data), (len(data),), int(data.estimated_size()))
    found.add(label(data.name), column(label(data.name), data))
    return found


def column(name: Label, values: Any) -> Part:
    """The part for a series."""
    import numpy as np
    import polars

    kind, rows = values.dtype, len(values)
    stored = _stored(kind)
    if stored is not None:
        dtype = np.dtype(stored[0])
        return NumericPart([name.token], rows, dtype, stored[1], _fetcher(values, dtype))
    if kind in (polars.Categorical, polars.Enum):
        return _category(name, values, ordered=kind == polars.Enum)
    if kind == polars.Null:
        return TextPart(name.token, rows, "null", lambda a, b: [None] * (b - a))
    logical = {polars.String: "string", polars.Binary: "binary"}.get(kind)
    if logical is not None and _arrow_is_there():
        return TextPart(name.token, rows, logical, lambda a, b: _through_arrow(values.slice(a, b - a), logical))
    if kind == polars.Binary:
        return TextPart(name.token, rows, logical, lambda a, b: _blobs(values.slice(a, b - a).to_list()))
    logical = logical or (None if kind == polars.Object else str(kind).lower())
    return TextPart(name.token, rows, logical, lambda a, b: values.slice(a, b - a).to_list())


def _stored(kind: Any) -> tuple[str, str] | None:
    """(numpy's name of the values as stored, the logical type) of what has a fixed size."""
    import polars

    if kind == polars.Boolean:
        return "?", "bool"
    if kind.is_integer() or kind.is_float():
        name = str(kind).lower()
        width = int("".join(digit for digit in name if digit.isdigit()))
        return (f"<{name[0]}{width // 8}", name) if width <= 64 else None
    if kind == polars.Datetime:
        zone = f", {kind.time_zone}" if kind.time_zone else ""
        return f"<M8[{kind.time_unit}]", f"datetime64[{kind.time_unit}{zone}]"
    if kind == polars.Duration:
        return f"<m8[{kind.time_unit}]", f"timedelta64[{kind.time_unit}]"
    if kind == polars.Date:
        return "<M8[D]", "date"
    return ("<m8[ns]", "time[ns]") if kind == polars.Time else None


def _fetcher(values: Any, dtype: np.dtype[Any]) -> Any:
    import numpy as np

    def fetch(rows: slice, columns: slice) -> tuple[Array, Array | None]:
        part = values.slice(rows.start, rows.stop - rows.start)
        if rows.step and rows.step > 1:
            part = part.gather_every(rows.step)
        mask = part.is_null().to_numpy()[None, :] if part.null_count() else None
        if dtype.kind in "mM":
            part = part.to_physical()
        if mask is not None:
            part = part.fill_null(False if dtype.kind == "b" else 0)
        block = np.ascontiguousarray(part.to_numpy())
        if dtype.kind in "mM":
            block = block.astype("<i8", copy=False).view(dtype)
        return (block.view("u1") if dtype.kind == "b" else block)[None, :], mask

    return fetch


def _category(name: Label, values: Any, *, ordered: bool) -> Part:
    """By the texts: what polars's codes stand for depends on what else the process has read."""
    import numpy as np

    known = Values(values.cat.get_categories().to_list() if ordered else values.unique().to_list(), ordered=ordered)
    texts = values.cat.get_categories().to_list() if ordered else values.unique().to_list()
    table = dict(zip(texts, known.hashes[1:].tolist(), strict=True)) | {None: 0}

    def fetch(rows: slice) -> Array:
        part = values.slice(rows.start, rows.stop - rows.start)
        if rows.step and rows.step > 1:
            part = part.gather_every(rows.step)
        found = part.to_list()
        return np.fromiter(map(table.__getitem__, found), "<u8", len(found))

    return CategoryPart(name.token, len(values), known.logical, fetch)


def _arrow_is_there() -> bool:
    """Whether pyarrow is loaded: it is not imported for this."""
    import sys

    return "pyarrow" in sys.modules


def _through_arrow(part: Any, logical: str) -> Any:
    import pyarrow as pa

    return arrow_tables.packed(part.to_arrow(), pa.large_string() if logical == "string" else pa.large_binary())


def _blobs(values: list[Any]) -> Any:
    import numpy as np

    from .texts import packed_bytes

    gone = np.array([value is None for value in values])
    return packed_bytes([value or b"" for value in values], gone if gone.any() else None)
