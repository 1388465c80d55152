"""Data frames, series and indexes of pandas as columns. pandas is there already: whoever calls holds one of its objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import arrays, arrow_tables
from .arrays import FIXED
from .categories import CategoryPart, Values
from .numeric import NumericPart
from .parts import Label, Part, Table, label
from .texts import TextPart

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def frame(data: Any) -> Table:
    """The columns of a data frame, after those of an index that is more than a count of rows."""
    table = Table("pandas.DataFrame", len(data), tuple(data.shape), 0)
    index(table, data.index)
    names = [label(name) for name in data.columns]
    together = _one_block(data)
    if together is not None:
        table.bytes = (table.bytes or 0) + int(together.nbytes)
        arrays.fill(table, together, names)
        return table
    for position, name in enumerate(names):
        extension(table, name, data.iloc[:, position].array)
    return table


def series(data: Any) -> Table:
    """One column."""
    table = Table("pandas.Series", len(data), tuple(data.shape), 0)
    index(table, data.index)
    extension(table, label(data.name), data.array)
    return table


def only_index(data: Any) -> Table:
    """An index as data: one column, or one for each level."""
    table = Table("pandas.Index", len(data), (len(data),), 0)
    _levels(table, data, "column")
    return table


def index(table: Table, data: Any) -> None:
    """Adds an index as columns, unless it is 0, 1, 2, ... and has no name."""
    import pandas

    if isinstance(data, pandas.RangeIndex) and data.start == 0 and data.step == 1 and data.name is None:
        return
    _levels(table, data, "index")


def _levels(table: Table, data: Any, role: str) -> None:
    import pandas

    if isinstance(data, pandas.MultiIndex):
        for level in range(data.nlevels):
            name = label(data.names[level], role)
            table.add(name, _level(name, data, level))
    elif isinstance(data, pandas.RangeIndex):
        name = label(data.name, role)
        table.add(name, _counted(name, data))
    else:
        extension(table, label(data.name, role), data.array)


def _counted(name: Label, data: Any) -> Part:
    import numpy as np

    first, by = data.start, data.step

    def fetch(rows: slice, columns: slice) -> tuple[Array, None]:
        places = np.arange(rows.start, rows.stop, rows.step or 1, dtype=np.int64)
        return (first + by * places)[None, :], None

    return NumericPart([name.token], len(data), np.dtype("<i8"), "int64", fetch)


def _level(name: Label, data: Any, level: int) -> Part:
    """One level of a MultiIndex, a block of it at a time."""
    import numpy as np

    dtype, codes = data.levels[level].dtype, data.codes[level]
    if isinstance(dtype, np.dtype) and dtype.kind in FIXED and not (len(codes) and codes.min() < 0):

        def fetch(rows: slice, columns: slice) -> tuple[Array, None]:
            values = np.asarray(data[rows].get_level_values(level), dtype.newbyteorder("<"))
            return np.ascontiguousarray(values.view("u1") if dtype.kind == "b" else values)[None, :], None

        like = arrays.numeric(np.empty(0, dtype), [name])
        return NumericPart([name.token], len(data), dtype.newbyteorder("<"), like.logical, fetch)
    return TextPart(name.token, len(data), None, lambda a, b: data[a:b].get_level_values(level).tolist())


def _one_block(data: Any) -> Array | None:
    """The array behind a frame whose columns are one array; None where it is made of several, for joining them copies."""
    manager = getattr(data, "_mgr", None)
    if getattr(manager, "nblocks", 0) != 1 or not data.shape[1]:
        return None
    import numpy as np

    dtype = data.dtypes.iloc[0]
    if not isinstance(dtype, np.dtype) or dtype.kind not in FIXED:
        return None
    together: Array = data.to_numpy(copy=False)
    return together


def extension(table: Table, name: Label, values: Any) -> None:
    """Adds the column of a pandas array, however that keeps its values."""
    part = _part(name, values)
    table.bytes = (table.bytes or 0) + int(values.nbytes)
    table.add(name, part)


def _part(name: Label, values: Any) -> Part:
    import numpy as np
    import pandas

    dtype, rows = values.dtype, len(values)
    if isinstance(dtype, pandas.CategoricalDtype):
        known = Values(values.categories.tolist(), ordered=bool(values.ordered))
        codes, hashes = values.codes, known.hashes
        part = CategoryPart(name.token, rows, known.logical, lambda span: hashes[codes[span].astype(np.intp) + 1])
        part.gaps = known.cells.gaps
        return part
    if isinstance(dtype, pandas.PeriodDtype):
        times = np.asarray(values.asi8)
        return arrays.numeric(times.view("M8[ns]"), [name], None, f"period[{dtype.freq.freqstr}]")
    if isinstance(dtype, pandas.DatetimeTZDtype):
        times = np.asarray(values.asi8)
        return arrays.numeric(times.view(f"M8[{dtype.unit}]"), [name], None, f"datetime64[{dtype.unit}, {dtype.tz}]")
    if isinstance(dtype, np.dtype):
        if dtype.kind in "mM":
            return arrays.numeric(np.asarray(values.asi8).view(dtype), [name])
        return arrays.column(values.to_numpy(copy=False), name)
    if isinstance(dtype, pandas.ArrowDtype) or (dtype.name in ("string", "str") and hasattr(values, "__arrow_array__")):
        stored = values.__arrow_array__() if _holds_arrow(values) else None
        if stored is not None:
            return arrow_tables.column(name, stored)
    if isinstance(dtype, pandas.StringDtype):
        return TextPart(name.token, rows, "string", lambda a, b: np.asarray(values[a:b], object).tolist())
    if isinstance(dtype, pandas.SparseDtype):
        return _dense_later(name, values)
    kept = getattr(dtype, "numpy_dtype", None)
    if isinstance(kept, np.dtype) and kept.kind in FIXED:
        return _nullable(name, values, kept)
    return TextPart(name.token, rows, None, lambda a, b: list(values[a:b]))


def _holds_arrow(values: Any) -> bool:
    """Whether an array is kept by Arrow (a string array of Python objects would be copied to become one)."""
    return "Arrow" in type(values).__name__


def _nullable(name: Label, values: Any, kept: np.dtype[Any]) -> Part:
    """Int64, boolean, Float64 and their like: values and a mask; a null among floats is NaN."""
    import numpy as np

    fill = np.nan if kept.kind == "f" else kept.type(0)

    def fetch(rows: slice, columns: slice) -> tuple[Array, Array | None]:
        block = values[rows]
        gone = np.asarray(block.isna())
        numbers = np.ascontiguousarray(block.to_numpy(dtype=kept, na_value=fill))
        numbers = numbers.view("u1") if kept.kind == "b" else numbers
        return numbers[None, :], gone[None, :] if gone.any() else None

    return NumericPart([name.token], len(values), kept.newbyteorder("<"), kept.name, fetch)


def _dense_later(name: Label, values: Any) -> Part:
    """A sparse column, made dense a block at a time."""
    import numpy as np

    kept = values.dtype.subtype
    if kept.kind not in FIXED:
        return TextPart(name.token, len(values), None, lambda a, b: list(values[a:b]))

    def fetch(rows: slice, columns: slice) -> tuple[Array, None]:
        block = np.ascontiguousarray(np.asarray(values[rows]), kept.newbyteorder("<"))
        return (block.view("u1") if kept.kind == "b" else block)[None, :], None

    return NumericPart([name.token], len(values), kept.newbyteorder("<"), f"sparse[{kept.name}]", fetch)
