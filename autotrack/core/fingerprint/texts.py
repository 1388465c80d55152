"""Columns of strings, bytes and Python objects, in pieces of at most 4,096 rows.

Canonical form of a piece of texts: their lengths in bytes (64 bits each, -1 for a null), then the texts in UTF-8
without anything between. Of a piece with other objects: a mark, the tags of their types, lengths and spelled values.
None, NaN, NaT and pandas.NA are one null.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import layout, sketches
from .cells import NULL, TEXT, Cells
from .mixing import multipliers
from .words import Words

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

MARK = b"objects\0"


@dataclass(slots=True)
class Packed:
    """Texts side by side: ``data``, where each starts, its length (0 for a null), and the nulls or None."""

    data: Any
    starts: Array
    lengths: Array
    gone: Array | None


class TextPart:
    """One column. ``fetch(start, stop)`` gives a piece as ``Packed`` or as a list of Python objects.

    ``logical`` is the type's name, or None where the values are to tell.
    """

    count = 1

    def __init__(self, label: bytes, rows: int, logical: str | None, fetch: Callable[[int, int], Any]) -> None:
        import numpy as np
        from blake3 import blake3

        self._np, self._rows, self._logical, self._fetch = np, rows, logical, fetch
        self._factor = multipliers([label], 1)[0, 0]
        self._blake3 = blake3
        self._open: Any = None
        self._chunks: list[bytes] = []
        self._nulls = 0
        self._texts, self._others = 0, 0
        self._ends: tuple[bytes, bytes] | None = None
        self._sample: list[Array] = []
        self._step = sketches.step(rows, 1)
        self.cells = Cells()

    def take(self, start: int, stop: int, shares: Array | None) -> None:
        """Takes in a block of rows; adds each row's share to ``shares``."""
        for a, b, ends in layout.pieces(start, stop, self._rows, layout.PIECE):
            fetched = self._fetch(a, b)
            opened = self._open = self._open or self._blake3()
            packed = fetched if isinstance(fetched, Packed) else self._joined(fetched)
            hashes = self._spelled(opened, fetched) if packed is None else self._hashed(opened, packed)
            if shares is not None:
                shares[a - start : b - start] += hashes * self._factor
            first = -a % self._step
            if first < b - a:
                self._sample.append(hashes[first :: self._step])
            if ends:
                self._chunks.append(opened.digest())
                self._open = None

    def _hashed(self, opened: Any, packed: Packed) -> Array:
        """Takes in a piece of texts; answers their hashes."""
        np, gone = self._np, packed.gone
        lengths = packed.lengths
        words = Words(packed.data, packed.starts, lengths)
        hashes = words.hashes()
        missing = 0
        if gone is not None and gone.any():
            missing = int(gone.sum())
            lengths = np.where(gone, -1, lengths)
            hashes[gone] = NULL
            found = words.extremes(~gone)
        else:
            found = words.extremes(None)
        opened.update(np.ascontiguousarray(lengths, "<i8").view("u1"))
        opened.update(packed.data)
        self._nulls += missing
        self._texts += len(lengths) - missing
        if found is not None:
            self._ends = found if self._ends is None else (min(self._ends[0], found[0]), max(self._ends[1], found[1]))
        return hashes

    def _joined(self, values: list[Any]) -> Packed | None:
        """Python strings (and nulls) side by side; None where there is anything else."""
        np, gone = self._np, None
        try:
            data = "\0".join(values).encode("utf-8", "surrogatepass")
        except TypeError:
            nulls = self.cells.nulls(values)
            if nulls is None:
                return None
            gone = np.zeros(len(values), bool)
            gone[nulls] = True
            values = list(values)
            for place in nulls:
                values[place] = ""
            data = "\0".join(values).encode("utf-8", "surrogatepass")
        ends = np.flatnonzero(np.frombuffer(data, "u1") == 0)
        if len(ends) == len(values) - 1:
            starts = np.empty(len(values), np.int64)
            starts[0] = 0
            np.add(ends, 1, out=starts[1:])
            lengths = np.append(ends, len(data)) - starts
            packed = "".join(values).encode("utf-8", "surrogatepass")
            return Packed(packed, starts - np.arange(len(values)), lengths, gone)
        encoded = [str.encode(value, "utf-8", "surrogatepass") for value in values]
        return packed_bytes(encoded, gone)

    def _spelled(self, opened: Any, values: list[Any]) -> Array:
        """Takes in a piece with objects that are no strings; answers their hashes."""
        np = self._np
        tags, spelled = self.cells.spelled(values)
        packed = packed_bytes(spelled, None)
        array = np.frombuffer(tags, "u1")
        hashes = Words(packed.data, packed.starts, packed.lengths).hashes()
        hashes ^= (array.astype("<u8") - np.uint64(TEXT)) * np.uint64(0x9E3779B97F4A7C15)
        gone = array == 0
        hashes[gone] = NULL
        opened.update(MARK + tags)
        opened.update(np.ascontiguousarray(packed.lengths, "<i8").view("u1"))
        opened.update(packed.data)
        self._nulls += int(gone.sum())
        self._others += int((~gone).sum())
        return hashes

    def results(self, rows: int, step: int) -> list[dict[str, Any]]:
        """What is known of the column once the first ``rows`` have been taken in."""
        np = self._np
        sample = np.concatenate(self._sample) if self._sample else np.empty(0, "<u8")
        there = sample[sample != np.uint64(NULL)]
        whole = rows * len(there) // max(1, len(sample))
        ((distinct, _),) = sketches.looked_at(there[None, :], None, whole, ordered=False)
        low, high = (None, None)
        if self._ends is not None and not self._others:
            low, high = (end.decode("utf-8", "replace") for end in self._ends)
        return [
            {
                "dtype": self._logical or self._told(),
                "digests": self._chunks + ([] if self._open is None else [self._open.digest()]),
                "nulls": self._nulls,
                "min": low,
                "max": high,
                "distinct": distinct,
                "quantiles": (),
            }
        ]

    def _told(self) -> str:
        if self._others:
            return "object"
        return "string" if self._texts else "null"


def packed_bytes(encoded: list[bytes], gone: Array | None) -> Packed:
    """Byte strings side by side."""
    import numpy as np

    lengths = np.fromiter(map(len, encoded), np.int64, len(encoded))
    return Packed(b"".join(encoded), np.cumsum(lengths) - lengths, lengths, gone)
