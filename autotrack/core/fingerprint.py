"""What a data set is: a digest of all of it, its size and its columns. (Per-column statistics come with lineage.)"""

from __future__ import annotations

import hashlib
from typing import Any

from .errors import UsageError


def describe(data: Any) -> dict[str, Any]:
    """``kind``, ``digest`` (blake2b over every value, type, name and the order), ``rows`` and ``columns``.

    Takes numpy arrays, pandas data frames and series, scipy sparse matrices, and lists of plain values.
    """
    digest = hashlib.blake2b(digest_size=16)
    kind = type(data).__name__
    if hasattr(data, "columns") and hasattr(data, "dtypes"):
        columns = {str(name): str(dtype) for name, dtype in zip(data.columns, data.dtypes, strict=True)}
        for position, (name, dtype) in enumerate(columns.items()):
            digest.update(f"{name}\0{dtype}\0".encode("utf-8", "backslashreplace"))
            _update(digest, data.iloc[:, position].to_numpy())
        return {"kind": kind, "digest": digest.hexdigest(), "rows": len(data), "columns": columns}
    if hasattr(data, "tocsr"):
        matrix = data.tocsr()
        for part in (matrix.indptr, matrix.indices, matrix.data):
            _update(digest, part)
        columns = {"": f"{matrix.dtype}{list(matrix.shape[1:])}"}
        return {"kind": kind, "digest": digest.hexdigest(), "rows": int(matrix.shape[0]), "columns": columns}
    if hasattr(data, "to_numpy"):
        data = data.to_numpy()
    if hasattr(data, "__array__"):
        data = data.__array__()
        _update(digest, data)
        rows = int(data.shape[0]) if data.shape else 1
        return {
            "kind": kind,
            "digest": digest.hexdigest(),
            "rows": rows,
            "columns": {"": f"{data.dtype}{list(data.shape[1:])}"},
        }
    if isinstance(data, (list, tuple)):
        for value in data:
            digest.update(f"{type(value).__name__}\0{value!r}\0".encode("utf-8", "backslashreplace"))
        return {"kind": kind, "digest": digest.hexdigest(), "rows": len(data), "columns": {}}
    raise UsageError(
        f"a {kind} is no data set that can be fingerprinted; give an array, a table, a sparse matrix or a list"
    )


def _update(digest: Any, array: Any) -> None:
    """Type, shape and bytes of one array; values of object arrays one by one."""
    digest.update(f"{array.dtype.str}{array.shape}".encode())
    if array.dtype.kind == "O":
        for value in array.ravel():
            digest.update(f"{type(value).__name__}\0{value!r}\0".encode("utf-8", "backslashreplace"))
    else:
        contiguous = array if array.flags.c_contiguous else array.copy(order="C")
        digest.update(contiguous.data.cast("B") if contiguous.dtype.kind not in "mM" else contiguous.tobytes())
