"""Some rows of a data set, spread over all of it, as columns: what a profile is made of. No random numbers are drawn.

A library is used only where the data are its own, so nothing is imported that the caller has not imported.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autotrack.core.guard import attempt

from .inference import is_array, is_sparse, table_kind

#: Values and rows of a sample, about: of wide tables as many rows as the first allows, but between the other two.
MOST_VALUES, MOST_ROWS, LEAST_ROWS = 1 << 16, 4096, 256

#: The fraction of the golden ratio.
_GOLDEN = (5**0.5 - 1) / 2

#: A column by its name: an array of one dimension, or a list of Python objects.
Columns = dict[str, Any]


def size_of(data: Any) -> tuple[int, int] | None:
    """Rows and columns of a table, array, sparse matrix, dict of columns or list; None for what has none."""
    kind = table_kind(data)
    if kind == "series":
        return len(data), 1
    if kind is not None or is_array(data) or is_sparse(data):
        shape = tuple(map(int, data.shape))
        return (shape[0], shape[1] if len(shape) == 2 else 1) if 1 <= len(shape) <= 2 else None
    if isinstance(data, Mapping):
        parts = list(data.values())
        if not parts or not all(is_array(part) and part.ndim == 1 for part in parts):
            return None
        return len(parts[0]), len(parts)
    if isinstance(data, list) and data:
        return len(data), len(data[0]) if isinstance(data[0], (list, tuple)) else 1
    return None


def distance(rows: int, columns: int, most: int = MOST_ROWS) -> int:
    """From each row that is looked at to the next."""
    wanted = min(most, max(LEAST_ROWS, MOST_VALUES // max(1, columns)))
    return max(1, round(rows / wanted))


def spread(rows: int, step: int) -> Any:
    """The places of one row out of each ``step``, int64 in rising order. At equal distances rows that repeat, as hours
    do, would be met at the same hours only; so the place within the step moves on by the golden ratio, whose multiples
    fill a range evenly (Weyl, Über die Gleichverteilung von Zahlen mod. Eins, 1916)."""
    import numpy

    begin = numpy.arange(0, rows, step)
    within = numpy.arange(len(begin)) * _GOLDEN % 1.0
    places: Any = begin + (within * numpy.minimum(step, rows - begin)).astype(numpy.int64)
    return places


def some(data: Any, step: int) -> Any:
    """One row out of each ``step`` (``spread``), as the same kind of data; a copy."""
    if isinstance(data, Mapping):
        return {name: some(part, step) for name, part in data.items()}
    if is_sparse(data) and data.format not in ("csr", "csc"):
        return _rows(data.tocsr(), step).asformat(data.format)
    few = _rows(data, step)
    if isinstance(few, list):
        return [list(row) if isinstance(row, list) else dict(row) if isinstance(row, Mapping) else row for row in few]
    return few.clone() if hasattr(few, "clone") else few.copy()


def columns_of(data: Any, alone: str = "0", step: int = 1) -> Columns | None:
    """The columns of one row out of each ``step`` by their names, those of an array called 0, 1, ...; ``alone`` is the
    name of one that has none. None where the data are no columns of single values (pictures, tensors on a device)."""
    if size_of(data) is None or (is_sparse(data) and data.format not in ("csr", "csc")):
        return None
    if isinstance(data, Mapping):
        parts = {str(name): _of_array(_rows(part, step), alone) for name, part in data.items()}
        return {name: part[alone] for name, part in parts.items() if part is not None}
    few = _rows(data, step)
    kind = table_kind(data)
    if kind == "pandas":
        return _of_pandas(few)
    if kind == "series":
        return {alone if data.name is None else str(data.name): _of_series(few)}
    if kind == "polars":
        return {name: _of_polars(few.get_column(name)) for name in few.columns}
    if is_sparse(data):
        return _of_array(few.toarray(), alone)
    return _of_array(few, alone) if is_array(data) else _of_list(few, alone)


def _rows(data: Any, step: int) -> Any:
    """One row out of each ``step``; the data themselves where that is all."""
    if step == 1:
        return data
    kind = table_kind(data)
    places = spread(len(data) if isinstance(data, list) else data.shape[0], step)
    if kind in ("pandas", "series"):
        return data.iloc[places]
    return [data[at] for at in places.tolist()] if isinstance(data, list) else data[places]


def _of_pandas(few: Any) -> Columns:
    import numpy

    names = [str(name) for name in few.columns]
    kinds = set(few.dtypes)
    (kind,) = kinds if len(kinds) == 1 else (None,)
    if isinstance(kind, numpy.dtype) and kind.kind in "biuf":
        return dict(zip(names, few.to_numpy().T, strict=True))
    return {name: _of_series(few.iloc[:, at]) for at, name in enumerate(names)}


def _of_series(series: Any) -> Any:
    import numpy

    kind = series.dtype
    if isinstance(kind, numpy.dtype):
        return series.to_numpy()
    if getattr(kind, "kind", "O") in "biuf" and not hasattr(kind, "categories"):
        made, _ = attempt(series.to_numpy, dtype=float, na_value=numpy.nan)
        if made is not None:
            return made
    return series.tolist()


def _of_polars(series: Any) -> Any:
    import polars

    kind = series.dtype
    if kind.is_numeric() or kind == polars.Boolean:
        return series.cast(polars.Float64).to_numpy()
    return series.to_list()


def _of_array(few: Any, alone: str) -> Columns | None:
    import numpy

    if hasattr(few, "detach"):
        if few.device.type != "cpu":
            return None
        few = few.detach().numpy()
    if isinstance(few, numpy.ma.MaskedArray):
        few = numpy.ma.filled(few.astype(float), numpy.nan) if few.dtype.kind in "biuf" else numpy.ma.filled(few)
    few = numpy.asarray(few)
    if few.dtype.names:
        return None
    return {alone: few} if few.ndim == 1 else {str(at): few[:, at] for at in range(few.shape[1])}


def _of_list(few: list[Any], alone: str) -> Columns | None:
    if isinstance(few[0], (list, tuple)):
        width = len(few[0])
        if not all(isinstance(row, (list, tuple)) and len(row) == width for row in few):
            return None
        return {str(at): [row[at] for row in few] for at in range(width)}
    if isinstance(few[0], Mapping):
        names = dict.fromkeys(str(name) for row in few if isinstance(row, Mapping) for name in row)
        return {name: [row.get(name) if isinstance(row, Mapping) else None for row in few] for name in names}
    return {alone: few}
