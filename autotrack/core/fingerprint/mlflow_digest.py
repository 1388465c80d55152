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
#: Columns beyond which a table has no digest of MLflow's here.
COLUMNS = 1000


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


#: Types of cells whose hash and comparison are no code of anybody's, by identity: a class may define its own ==, too.
_QUIET = frozenset(map(id, (str, bytes, int, float, bool, complex, type(None))))


def _are_quiet(values: list[Any]) -> bool:
    """True where hashing and spelling the values runs no code of anybody's; lists in them are looked into."""
    return all(id(type(value)) in _QUIET or (type(value) is list and _are_quiet(value)) for value in values)


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
    """What pandas' ``hash_array`` makes of the values: by it where it is loaded; None where it would be needed.

    Numbers without it, as pandas 3.1: the bits (one NaN, one zero) as 64-bit integers through the finaliser of
    splitmix64 (Steele, Lea and Flood, 2014).
    """
    import numpy as np

    if values.dtype.hasobject and not _are_quiet(values.tolist()):
        return None
    pandas = sys.modules.get("pandas")
    if pandas is not None:
        hashed, error = attempt(pandas.util.hash_array, values)
        return values.size.to_bytes(8, sys.byteorder) if isinstance(error, TypeError) else hashed
    kind, size = values.dtype.kind, values.dtype.itemsize
    if kind == "c" and size <= 16:
        return _hashed(values.real) + np.uint64(23) * _hashed(values.imag)
    if kind not in "biufmM" or size > 8:
        return None
    if kind == "f":
        values = np.where(np.isnan(values), np.asarray(np.nan, values.dtype), values)
        values[values == 0] = 0
    bits = np.ascontiguousarray(values).view(f"u{size}").astype("u8")
    bits ^= bits >> np.uint64(30)
    bits *= np.uint64(0xBF58476D1CE4E5B9)
    bits ^= bits >> np.uint64(27)
    bits *= np.uint64(0x94D049BB133111EB)
    bits ^= bits >> np.uint64(31)
    return bits


def _of_frame(data: Any) -> str | None:
    """The row hashes of the numeric and the all-string columns, the number of rows, and all names.

    None for a table without rows, which MLflow refuses for some types, and for a very wide one, which takes seconds.
    """
    import numpy as np
    import pandas

    if not len(data) or data.shape[1] > COLUMNS:
        return None
    head = data.head(ROWS)
    strings = head.columns[[_all_strings(head.iloc[:, place]) for place in range(head.shape[1])]]
    numbers = head.select_dtypes(include=[np.number]).columns
    rows = pandas.util.hash_pandas_object(head[strings.union(numbers)]).values
    return _short([rows, np.int64(len(data)), *(str(name).encode() for name in data.columns)])


def _all_strings(column: Any) -> bool:
    """Whether every value's type is exactly str."""
    kind = column.dtype.kind
    return bool(kind not in "biufcmM" and all(type(value) is str for value in column))


def _short(parts: list[Any]) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    for part in parts:
        digest.update(part)
    return digest.hexdigest()[:8]
