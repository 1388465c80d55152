"""A column whose rows are arrays (pictures, sequences): hashed row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import layout
from .mixing import multipliers
from .numeric import halved

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


class TensorPart:
    """``array`` has at least two dimensions, or is a record; the first counts the rows. Copies one row at most.

    A chunk's hash is that of its rows' BLAKE3 hashes, so each byte is hashed once. NaN are one NaN.
    """

    count = 1

    def __init__(self, label: bytes, array: Array, mask: Array | None = None) -> None:
        import numpy as np
        from blake3 import blake3

        self._np, self._blake3, self._array, self._mask = np, blake3, array, mask
        self._factor = multipliers([label], 1)[0, 0]
        self._dtype = array.dtype.newbyteorder("<")
        name = array.dtype.name if not array.dtype.names else str(self._dtype)
        self._logical = f"{name}[{', '.join(map(str, array.shape[1:]))}]"
        self._open: Any = None
        self._chunks: list[bytes] = []
        self._nulls = 0
        self._low: Any = None
        self._high: Any = None
        self._objects = array.dtype.hasobject
        self.gaps = [f"all {len(array)} rows, which are arrays of objects"] if self._objects else []

    def take(self, start: int, stop: int, shares: Array | None) -> None:
        """Takes in a block of rows; adds each row's share to ``shares``."""
        np = self._np
        if self._objects:
            return
        for a, b, ends in layout.pieces(start, stop, len(self._array)):
            self._open = self._open or self._blake3()
            digests = b"".join(self._row(number) for number in range(a, b))
            self._open.update(digests)
            if ends:
                self._chunks.append(self._open.digest())
                self._open = None
            if shares is not None:
                shares[a - start : b - start] += np.frombuffer(digests, "<u8")[::4] * self._factor

    def _row(self, number: int) -> bytes:
        """The BLAKE3 hash of one row."""
        np = self._np
        row = np.ascontiguousarray(self._array[number], self._dtype)
        kind = self._dtype.kind
        tail = b""
        if self._mask is not None and self._mask[number].any():
            away = self._mask[number]
            row, tail = np.where(away, np.zeros((), self._dtype), row), np.packbits(away).tobytes()
            self._nulls += int(away.sum())
        if kind in "fc" and row.size:
            row = self._without_nan_bits(row)
        if kind in "biuf" and row.size:
            low, high = row.min(), row.max()
            if not low == low:
                there = row[row == row]
                low, high = (there.min(), there.max()) if there.size else (self._low, self._high)
            if low is not None:
                self._low = low if self._low is None else min(self._low, low)
                self._high = high if self._high is None else max(self._high, high)
        if kind == "f" and self._dtype.itemsize > 8:
            row = halved(row)
        hasher = self._blake3(row.reshape(-1).view("u1") if row.size else b"")
        if tail:
            hasher.update(tail)
        return bytes(hasher.digest())

    def _without_nan_bits(self, row: Array) -> Array:
        np = self._np
        halves = row.reshape(-1).view(row.real.dtype)
        if not np.isnan(halves.max()):
            return row
        gone = np.isnan(halves)
        self._nulls += int(gone.sum())
        return np.where(gone, np.asarray(np.nan, halves.dtype), halves).view(row.dtype).reshape(row.shape)

    def results(self, rows: int, step: int) -> list[dict[str, Any]]:
        """Values that are missing are counted singly; there are no quantiles of arrays."""
        low, high = (None, None) if self._low is None else (self._low.item(), self._high.item())
        digests = self._chunks + ([] if self._open is None else [self._open.digest()])
        return [{"dtype": self._logical, "digests": digests, "nulls": self._nulls, "min": low, "max": high}]
