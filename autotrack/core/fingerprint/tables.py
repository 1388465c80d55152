"""Which kind of data set an object is, and its columns. Libraries are looked up among the loaded ones, never imported."""

from __future__ import annotations

import sys
from typing import Any

from ..errors import UsageError
from ..guard import attempt
from .parts import UNNAMED, Table, label

ACCEPTED = (
    "an array, a table or series (numpy, pandas, polars, pyarrow), a sparse matrix, a tensor, a list or a dict of columns"
)


def table_of(data: Any) -> Table:
    """The data set's columns. UsageError for what is none; iterators are not touched."""
    kind = type(data)
    if _is(data, "pandas", "DataFrame", "Series", "Index"):
        from . import pandas_tables

        if _is(data, "pandas", "DataFrame"):
            return pandas_tables.frame(data)
        return pandas_tables.series(data) if _is(data, "pandas", "Series") else pandas_tables.only_index(data)
    if _is(data, "polars", "DataFrame", "Series"):
        from . import polars_tables

        return polars_tables.frame(data) if _is(data, "polars", "DataFrame") else polars_tables.series(data)
    if _is(data, "polars", "LazyFrame"):
        raise UsageError("a polars.LazyFrame is a plan and no data yet; fingerprint what its collect() gives")
    if _is(data, "pyarrow", "Table", "RecordBatch", "Array", "ChunkedArray"):
        from . import arrow_tables

        return arrow_tables.table(data) if _is(data, "pyarrow", "Table", "RecordBatch") else arrow_tables.array(data)
    if _is(data, "numpy", "ndarray"):
        from . import arrays

        return arrays.table_of(data, f"numpy.{kind.__name__}")
    from .sparse import is_sparse

    if is_sparse(data):
        from . import sparse

        return sparse.table_of(data)
    if _is(data, "torch", "Tensor"):
        return _tensor(data)
    if issubclass(kind, (list, tuple)):
        from . import sequences

        return sequences.sequence(data)
    if issubclass(kind, dict) and len(data):
        from . import sequences

        return sequences.mapping(data, table_of)
    if hasattr(kind, "__array__") and not _is(data, "numpy", "generic"):
        return _array_like(data)
    raise UsageError(f"a {kind.__name__} is no data set that can be fingerprinted; give {ACCEPTED}")


def _is(data: Any, module: str, *names: str) -> bool:
    """Whether the object is of one of these classes, if their library is loaded."""
    loaded = sys.modules.get(module)
    classes = (getattr(loaded, name, None) for name in names)
    return loaded is not None and any(isinstance(kind, type) and issubclass(type(data), kind) for kind in classes)


def _tensor(data: Any) -> Table:
    """A torch tensor on the CPU shares its memory with an array; one elsewhere is not copied here."""
    import numpy as np
    import torch

    from . import arrays

    shape = tuple(int(size) for size in data.shape)
    name = str(data.dtype).removeprefix("torch.")
    if data.device.type != "cpu" or data.layout != torch.strided or data.is_quantized:
        where = f"on {data.device}" if data.device.type != "cpu" else "sparse or quantised"
        return _unread("torch.Tensor", shape, name, f"the values of a tensor {where} were not read")
    plain = data.detach().resolve_conj().resolve_neg()
    array, error = attempt(plain.numpy)
    if array is None:
        # Types that numpy has not got (bfloat16, float8): their bits.
        integers = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
        array, error = attempt(lambda: plain.view(integers[data.element_size()]).numpy())
    if array is None:
        return _unread("torch.Tensor", shape, name, f"the values of a tensor could not be read ({error!r})")
    logical = None if str(np.asarray(array).dtype) == name else name
    return arrays.table_of(array, "torch.Tensor", logical)


def _array_like(data: Any) -> Table:
    """What says that it can be an array (``__array__``): asked once."""
    import numpy as np

    from . import arrays

    kind = f"{type(data).__module__}.{type(data).__qualname__}"
    array, error = attempt(np.asarray, data)
    if array is None:
        return _unread(kind, (), "unknown", f"a {kind} could not be read as an array ({type(error).__name__})")
    if array.dtype.kind == "O" and not array.shape:
        raise UsageError(f"a {kind} is no data set that can be fingerprinted; give {ACCEPTED}")
    return arrays.table_of(array, kind)


def _unread(kind: str, shape: tuple[int, ...], dtype: str, gap: str) -> Table:
    """A data set of which only the outside is known."""
    from .texts import TextPart

    table = Table(kind, shape[0] if shape else 1, shape, None, gaps=[gap])
    table.add(UNNAMED, TextPart(label(None).token, 0, f"{dtype}{list(shape[1:])}", lambda a, b: []))
    table.rows = 0 if not shape else table.rows
    return table
