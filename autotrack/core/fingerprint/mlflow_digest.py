"""MLflow's own short digest of a data set, for those who look for it: 8 hex digits, as MLflow 3.17 computes them.

It covers less than a fingerprint: the first 10,000 rows, of a table only numbers and strings. The algorithm is that of
``mlflow.data`` (facts: MLflow's documentation and source; pandas' ``hash_array`` for numbers). pandas is not imported.
"""

from __future__ import annotations

import hashlib
import sys
from typing import TYPE_CHECKING, Any

from ..guard import attempt

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

ROWS = 10_000


def mlflow_digest(data: Any, target: Any = None) -> str | None:
    """The digest of a pandas data frame, or of a numpy array (with ``target``, an array) or a dict of arrays.

    None for other data, and where MLflow would fail or pandas would be needed and is not loaded.
    """
    numpy, pandas = sys.modules.get("numpy"), sys.modules.get("pandas")
    frame = getattr(pandas, "DataFrame", None)
    if frame is not None and issubclass(type(data), frame):
        return attempt(_of_frame, data)[0]
    if numpy is None:
        return None
    arrays: list[Any] = []
    for given in (data, target):
        if given is not None:
            named = issubclass(type(given), dict)
            arrays += [given[key] for key in sorted(given)] if named else [given]
    if not arrays or not all(issubclass(type(array), numpy.ndarray) for array in arrays):
        return None
    return attempt(_of_arrays, arrays)[0]


def _of_arrays(arrays: list[Array]) -> str | None:
    """The hashes of the first 10,000 values, then the shape, of each array."""
    parts: list[Any] = []
    for array in arrays:
        hashed = _hashed(array.flat[:ROWS])
        if hashed is None:
            return None
        parts += [hashed, *(size.to_bytes(8, sys.byteorder) for size in array.shape)]
    return _short(parts)


def _hashed(values: Array) -> Any:
    """What pandas' ``hash_array`` makes of the values; None where it takes pandas and that is not loaded.

    Numbers: the bits as 64-bit integers through the finaliser of splitmix64 (Steele, Lea and Flood, 2014).
    """
    import numpy as np

    kind, size = values.dtype.kind, values.dtype.itemsize
    if kind == "c" and size in (8, 16):
        return _hashed(values.real) + np.uint64(23) * _hashed(values.imag)
    if kind == "b":
        bits = values.astype("u8")
    elif kind in "mM":
        bits = values.view("i8").astype("u8", copy=True)
    elif kind in "iuf" and size <= 8:
        bits = np.ascontiguousarray(values).view(f"u{size}").astype("u8")
    else:
        pandas = sys.modules.get("pandas")
        if pandas is None:
            return None
        hashed, error = attempt(pandas.util.hash_array, values)
        if isinstance(error, TypeError):
            return values.size.to_bytes(8, sys.byteorder)
        return hashed
    bits ^= bits >> np.uint64(30)
    bits *= np.uint64(0xBF58476D1CE4E5B9)
    bits ^= bits >> np.uint64(27)
    bits *= np.uint64(0x94D049BB133111EB)
    bits ^= bits >> np.uint64(31)
    return bits


def _of_frame(data: Any) -> str:
    """The row hashes of the numeric and the all-string columns, the number of rows, and all names."""
    import numpy as np
    import pandas

    head = data.head(ROWS)
    strings = head.columns[[_all_strings(head.iloc[:, place]) for place in range(head.shape[1])]]
    numbers = head.select_dtypes(include=[np.number]).columns
    rows = pandas.util.hash_pandas_object(head[strings.union(numbers)]).values
    return _short([rows, np.int64(len(data)), *(str(name).encode() for name in data.columns)])


def _all_strings(column: Any) -> bool:
    """Whether every value's type is exactly str; so it is where there are none."""
    kind = column.dtype.kind
    return not len(column) or (kind not in "biufcmM" and all(type(value) is str for value in column))


def _short(parts: list[Any]) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    for part in parts:
        digest.update(part)
    return digest.hexdigest()[:8]
