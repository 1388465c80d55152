"""Sparse matrices of scipy: by their non-zero values, whatever format keeps them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from . import layout
from .mixing import multipliers
from .parts import UNNAMED, Table

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def table_of(data: Any) -> Table:
    """One unnamed column of the type ``sparse[float64, columns]``.

    Indices sorted, duplicates summed, stored zeros left out: two matrices are equal where their dense forms are. A CSR
    matrix that is so already is read where it lies; any other is converted, which copies it.
    """
    kind = f"scipy.sparse.{type(data).__name__}"
    rows = int(data.shape[0]) if len(data.shape) > 1 else 1
    width = int(data.shape[-1])
    matrix = _canonical(data)
    nbytes = int(matrix.data.nbytes + matrix.indices.nbytes + matrix.indptr.nbytes)
    table = Table(kind, rows, tuple(map(int, data.shape)), nbytes)
    table.add(UNNAMED, SparsePart(matrix, rows, width))
    return table


def _canonical(data: Any) -> Any:
    """A CSR matrix in canonical form that is not the caller's object, but may share its arrays."""
    given = data.tocsr() if data.format != "csr" else data
    csr = type(given)((given.data, given.indices, given.indptr), shape=given.shape, copy=False)
    zeros = bool((csr.data == 0).any())
    if csr.has_canonical_format and not zeros:
        return csr
    csr = csr.copy()
    csr.sum_duplicates()
    csr.eliminate_zeros()
    return csr


class SparsePart:
    """A chunk is hashed as its rows' numbers of entries, the entries' columns (64 bits each) and their values."""

    count = 1

    def __init__(self, matrix: Any, rows: int, width: int) -> None:
        import numpy as np
        from blake3 import blake3

        self._np, self._blake3, self._matrix, self._rows = np, blake3, matrix, rows
        self._pointers = matrix.indptr if len(matrix.indptr) > 1 else np.array([0, len(matrix.data)])
        self._logical = f"sparse[{matrix.dtype.name}, {width}]"
        self._cells = rows * width
        self._factor = multipliers([b"sparse"], 1)[0, 0]
        self._chunks: list[bytes] = []
        self._open: Any = None
        self._nulls = 0
        self._entries = 0
        self._low: Any = None
        self._high: Any = None

    def take(self, start: int, stop: int, shares: Array | None) -> None:
        """Takes in a block of rows; adds each row's share to ``shares``."""
        np = self._np
        for a, b, ends in layout.pieces(start, stop, self._rows, layout.FIRST):
            pointers = np.asarray(self._pointers[a : b + 1], "<i8")
            first, last = int(pointers[0]), int(pointers[-1])
            places = np.ascontiguousarray(self._matrix.indices[first:last], "<i8")
            dtype = self._matrix.dtype.newbyteorder("<")
            values = self._without_nan_bits(np.ascontiguousarray(self._matrix.data[first:last], dtype))
            opened = self._open = self._open or self._blake3()
            for array in (np.diff(pointers), places, values):
                opened.update(array.view("u1"))
            if ends:
                self._chunks.append(opened.digest())
                self._open = None
            if shares is not None:
                shares[a - start : b - start] += self._mixed(pointers - first, places, values)

    def _without_nan_bits(self, values: Array) -> Array:
        np = self._np
        if not len(values):
            return values
        self._entries += len(values)
        if values.dtype.kind in "fc":
            gone = np.isnan(values)
            if gone.any():
                self._nulls += int(gone.sum())
                values = np.where(gone, np.asarray(np.nan, values.dtype), values)
                there = values[~gone]
            else:
                there = values
        else:
            there = values
        if len(there) and values.dtype.kind != "c":
            low, high = there.min(), there.max()
            self._low = low if self._low is None else min(self._low, low)
            self._high = high if self._high is None else max(self._high, high)
        return values

    def _mixed(self, pointers: Array, places: Array, values: Array) -> Array:
        """Each row's share: its entries' hashes, of column and value, added up."""
        np = self._np
        words = values.view(f"<u{min(8, values.dtype.itemsize)}").astype("<u8").reshape(len(values), -1)
        words = words[:, 0] if words.shape[1] == 1 else words[:, 0] ^ (words[:, 1] * self._factor)
        mixed = (words ^ (words >> np.uint64(32))) * self._factor + places.view("<u8") * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
        mixed *= self._factor
        sums = np.concatenate([np.zeros(1, "<u8"), np.cumsum(mixed, dtype="<u8")])
        shares: Array = sums[pointers[1:]] - sums[pointers[:-1]]
        return shares

    def results(self, rows: int, step: int) -> list[dict[str, Any]]:
        """Extremes are over all cells, so a zero counts where there is one."""
        ends: list[Any] = [] if self._low is None else [self._low.item(), self._high.item()]
        if self._matrix.dtype.kind != "c" and self._entries < self._cells:
            ends.append(self._matrix.dtype.type(0).item())
        digests = self._chunks + ([] if self._open is None else [self._open.digest()])
        low, high = (min(ends), max(ends)) if ends else (None, None)
        return [{"dtype": self._logical, "digests": digests, "nulls": self._nulls, "min": low, "max": high}]


def is_sparse(data: Any) -> bool:
    """Whether it is a sparse matrix or array of scipy (which is not imported for the question)."""
    module = sys.modules.get("scipy.sparse")
    kinds = tuple(kind for name in ("spmatrix", "sparray") if (kind := getattr(module, name, None)) is not None)
    return issubclass(type(data), kinds) if kinds else False
