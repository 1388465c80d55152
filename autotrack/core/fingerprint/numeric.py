"""Columns of one fixed-size type, a group at a time: hashes, nulls, extremes and the rows' shares in one reading.

Canonical bytes: little-endian, one column after the other. Every NaN is the one NaN (a null among floats is one), every
NaT the one NaT. Other nulls are zeros, and their places in the chunk stand behind its values. -0.0 is not 0.0: they
divide to different infinities.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import layout, sketches
from .mixing import mix_into, multipliers
from .prints import Plain

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]
    #: fetch(rows, columns) -> values of shape (columns, rows), neighbouring rows side by side, and the nulls or None.
    Fetch = Callable[[slice, slice], tuple[Array, Array | None]]

#: Bytes of the group's values that are worked on at a time.
CACHED = 1 << 19
NAT = -(2**63)


class NumericPart:
    """Columns of dtype ``dtype`` (kinds b, i, u, f, c, m, M). ``fetch`` gets at their values, wherever they are kept."""

    def __init__(self, labels: list[bytes], rows: int, dtype: np.dtype[Any], logical: str, fetch: Fetch) -> None:
        import numpy as np
        from blake3 import blake3

        self.count, self.logical = len(labels), logical
        self._np, self._blake3, self._fetch = np, blake3, fetch
        self._rows, self._dtype, self._kind, self._size = rows, dtype, dtype.kind, dtype.itemsize
        self._wide = dtype.kind == "f" and dtype.itemsize > 8
        self._factors = multipliers(labels, max(1, dtype.itemsize // 8))
        self._chunks: list[list[bytes]] = [[] for _ in labels]
        self._open: list[Any] = [None] * self.count
        self._gone: list[list[Array]] = [[] for _ in labels]
        self._nulls = np.zeros(self.count, np.int64)
        self._seen = np.zeros(self.count, bool)
        self._room = np.empty(0, "<u8")
        self._low: Any = None
        self._high: Any = None

    def take(self, start: int, stop: int, shares: Array | None) -> None:
        """Takes in a block of rows; adds each row's share to ``shares``."""
        height = stop - start
        if height * self._size * self.count > CACHED:
            height = max(layout.FIRST, 1 << max(1, CACHED // (self._size * self.count)).bit_length() - 1)
        group = max(1, CACHED // (height * self._size))
        for first in range(start, stop, height):
            end = min(stop, first + height)
            for left in range(0, self.count, group):
                columns = slice(left, min(self.count, left + group))
                self._take(first, end, columns, None if shares is None else shares[first - start : end - start])

    def _take(self, start: int, stop: int, columns: slice, shares: Array | None) -> None:
        np = self._np
        values, mask = self._fetch(slice(start, stop), columns)
        values, mask = self._measured(values, mask, columns)
        if self._wide:
            values = halved(values)
        if shares is not None:
            words = values.size * max(1, values.dtype.itemsize // 8)
            if self._room.size < words:
                self._room = np.empty(words, "<u8")
            mix_into(shares, values, self._factors[columns], mask, self._room)
        raw, size = values.view("u1"), values.dtype.itemsize
        pieces = [(a, b, (a - start) * size, (b - start) * size, ends) for a, b, ends in self._pieces(start, stop)]
        blake3, position = self._blake3, columns.start
        for row in raw:
            opened, gone = self._open[position], self._gone[position]
            for a, b, left, right, ends in pieces:
                if mask is not None:
                    gone += self._places(mask[position - columns.start, a - start : b - start], a)
                if opened is None and ends and not gone:
                    self._chunks[position].append(blake3(row[left:right]).digest())
                    continue
                opened = opened or blake3()
                opened.update(row[left:right])
                if ends:
                    for places in gone:
                        opened.update(places.view("u1"))
                    gone.clear()
                    self._chunks[position].append(opened.digest())
                    opened = None
            self._open[position] = opened
            position += 1

    def _pieces(self, start: int, stop: int) -> list[tuple[int, int, bool]]:
        return list(layout.pieces(start, stop, self._rows))

    def _places(self, mask: Array, start: int) -> list[Array]:
        """Where in their chunk the nulls of a piece are; nothing where it has none."""
        places = self._np.flatnonzero(mask).astype("<i8")
        return [places + start % layout.chunk_size(start)] if len(places) else []

    def _measured(self, values: Array, mask: Array | None, columns: slice) -> tuple[Array, Array | None]:
        """Canonical values, and their mask if it is to be hashed; counts nulls and moves the extremes."""
        np, kind = self._np, self._kind
        if mask is not None and not mask.any():
            mask = None
        if kind == "c":
            return self._complex(values, mask, columns), None
        if kind in "fmM":
            missing = np.array(NAT, "<i8") if kind != "f" else np.array(np.nan, values.dtype)
            values = values if kind == "f" else values.view("<i8")
            if mask is not None:
                values = np.where(mask, missing, values)
            low = values.min(axis=1)
            if not (np.isnan(low) if kind == "f" else low == missing).any():
                self._extremes(columns, low, values.max(axis=1))
                return values, None
            gone = np.isnan(values) if kind == "f" else values == missing
            self._extremes_between(columns, values, gone)
            return (np.where(gone, missing, values) if kind == "f" else values), None
        if mask is None:
            self._extremes(columns, values.min(axis=1), values.max(axis=1))
            return values, None
        self._extremes_between(columns, values, mask)
        return np.where(mask, values.dtype.type(0), values), mask

    def _complex(self, values: Array, mask: Array | None, columns: slice) -> Array:
        """NaN in either half is the one NaN in that half; a null is a NaN in both. Complex numbers have no extremes."""
        np = self._np
        halves = values.view(values.real.dtype).reshape(*values.shape, 2)
        if mask is not None:
            halves = np.where(mask[:, :, None], np.asarray(np.nan, halves.dtype), halves)
        gone = np.isnan(halves)
        if gone.any():
            self._nulls[columns] += gone.any(axis=2).sum(axis=1)
            halves = np.where(gone, np.asarray(np.nan, halves.dtype), halves)
        return np.ascontiguousarray(halves).reshape(len(values), -1).view(values.dtype)

    def _extremes(self, columns: slice, low: Array, high: Array) -> None:
        np, seen = self._np, self._seen[columns]
        if self._low is None:
            self._low, self._high = np.empty(self.count, low.dtype), np.empty(self.count, low.dtype)
        lows, highs = self._low[columns], self._high[columns]
        np.copyto(lows, low, where=~seen | (low < lows))
        np.copyto(highs, high, where=~seen | (high > highs))
        seen[:] = True

    def _extremes_between(self, columns: slice, values: Array, gone: Array) -> None:
        """The same past nulls, which are counted."""
        self._nulls[columns] += gone.sum(axis=1)
        for position, row, away in zip(range(columns.start, columns.stop), values, gone, strict=True):
            there = row[~away]
            if len(there):
                self._extremes(slice(position, position + 1), there.min(keepdims=True), there.max(keepdims=True))

    def results(self, rows: int, step: int) -> list[dict[str, Any]]:
        """What is known of each column once the first ``rows`` have been taken in."""
        found = []
        ordered = self._kind != "c"
        for left in range(0, self.count, 256):
            columns = slice(left, min(self.count, left + 256))
            values, mask = self._fetch(slice(0, rows, step), columns)
            looked_at = sketches.looked_at(values.copy(), mask, rows, ordered=ordered and self._kind != "b")
            for position, (distinct, quantiles) in zip(range(left, columns.stop), looked_at, strict=True):
                seen = bool(self._seen[position])
                found.append(
                    {
                        "dtype": self.logical,
                        "digests": self._chunks[position] + self._left_open(position),
                        "nulls": int(self._nulls[position]),
                        "min": self._plain(self._low[position]) if seen else None,
                        "max": self._plain(self._high[position]) if seen else None,
                        "distinct": distinct,
                        "quantiles": tuple(self._plain(value) for value in quantiles),
                    }
                )
        return found

    def _left_open(self, position: int) -> list[bytes]:
        opened = self._open[position]
        return [] if opened is None else [opened.digest()]

    def _plain(self, value: Any) -> Plain:
        """A Python number; a time as ISO text."""
        if self._kind in "mM" and not self.logical.startswith("period"):
            return str(value.view(self._dtype))
        if self._kind == "b":
            return bool(value)
        return float(value) if self._kind == "f" else int(value.view("i8") if self._kind in "mM" else value)


def halved(values: Array) -> Array:
    """Long doubles as pairs of doubles that sum to them (complex128): their own bytes hold padding of any content."""
    import numpy as np

    high = values.astype("f8")
    low = np.where(np.isfinite(values), values - high, 0).astype("f8")
    return np.stack([high, low], axis=-1).view("c16")[..., 0]
