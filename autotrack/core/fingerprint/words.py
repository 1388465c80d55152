"""Texts of many lengths as one buffer: their extremes and 64-bit hashes, eight bytes of all texts at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

#: Texts up to this length are hashed side by side; longer ones one by one.
SIDE_BY_SIDE = 256
#: An extreme is shown up to this length, a multiple of 8.
SHOWN = 64
#: Odd numbers, one for each eight bytes, and one for the length.
FACTORS = tuple(pow(0x9E3779B97F4A7C15, n + 1, 2**64) for n in range(SIDE_BY_SIDE // 8 + 1))


class Words:
    """``count`` texts, the n-th at ``starts[n]`` of ``data`` (bytes), ``lengths[n]`` bytes long (0 for nulls)."""

    __slots__ = ("_data", "_first", "_lengths", "_longest", "_masks", "_np", "_shortest", "_starts", "_view")

    def __init__(self, data: Any, starts: Array, lengths: Array) -> None:
        import numpy as np

        self._np = np
        self._data, self._starts, self._lengths = data, starts, lengths
        self._longest, self._shortest = int(lengths.max()), int(lengths.min())
        padded = bytes(data) + b"\0" * 8
        # Every eight bytes that there are, as integers that overlap: a text's may begin anywhere.
        self._view = np.ndarray((len(padded) - 7,), "<u8", padded, strides=(1,))
        self._masks = np.array([(1 << 8 * n) - 1 for n in range(9)], "<u8")
        self._first: Array | None = None

    def _word(self, number: int, rows: Array | None = None) -> Array:
        """The n-th eight bytes of the texts as little-endian integers, zeros behind a text's end."""
        np = self._np
        starts = self._starts if rows is None else self._starts[rows]
        words: Array
        if self._shortest >= 8 * number + 8:
            words = self._view[starts + 8 * number] if number else self._view[starts]
            return words
        lengths = self._lengths if rows is None else self._lengths[rows]
        left = np.minimum(np.maximum(lengths - 8 * number, 0), 8)
        words = self._view[np.minimum(starts + 8 * number, len(self._view) - 1)]
        words &= self._masks[left]
        return words

    def _first_words(self) -> Array:
        if self._first is None:
            self._first = self._word(0)
        return self._first

    def hashes(self) -> Array:
        """A hash of each text, of its bytes and length; well mixed."""
        np = self._np
        hashes = self._lengths.astype("<u8")
        hashes *= np.uint64(FACTORS[-1])
        for number in range(-(-min(self._longest, SIDE_BY_SIDE) // 8)):
            factor = np.uint64(FACTORS[number])
            if self._shortest > 8 * number or number == 0:
                hashes ^= self._word(number) if number else self._first_words()
                hashes ^= hashes >> np.uint64(32)
                hashes *= factor
                continue
            rows = np.flatnonzero(self._lengths > 8 * number)
            words = hashes[rows] ^ self._word(number, rows)
            words ^= words >> np.uint64(32)
            words *= factor
            hashes[rows] = words
        if self._longest > SIDE_BY_SIDE:
            from blake3 import blake3

            rows = np.flatnonzero(self._lengths > SIDE_BY_SIDE)
            data, read = memoryview(self._data), int.from_bytes
            begins, sizes = self._starts[rows].tolist(), self._lengths[rows].tolist()
            hashes[rows] = [
                read(blake3(data[begin : begin + size]).digest(8), "little")
                for begin, size in zip(begins, sizes, strict=True)
            ]
        hashes ^= hashes >> np.uint64(31)
        return hashes

    def extremes(self, there: Array | None) -> tuple[bytes, bytes] | None:
        """The first and the last text in the order of bytes, cut after 64; None where all are null."""
        np = self._np
        keys = self._first_words().byteswap()
        rows = np.arange(len(keys)) if there is None else np.flatnonzero(there)
        if not len(rows):
            return None
        keys = keys if there is None else keys[rows]
        return self._extreme(rows, keys, 0, min), self._extreme(rows, keys, 0, max)

    def _extreme(self, rows: Array, keys: Array, number: int, choose: Any) -> bytes:
        rows = rows[keys == (keys.min() if choose is min else keys.max())]
        if len(rows) > 4 and number < SHOWN // 8 - 1:
            return self._extreme(rows, self._word(number + 1, rows).byteswap(), number + 1, choose)
        # Those that are left are equal up to here: but for zeros at their ends, any of them will do.
        data, rows = memoryview(self._data), rows[:4]
        begins, sizes = self._starts[rows].tolist(), self._lengths[rows].tolist()
        found: bytes = choose(
            bytes(data[begin : begin + min(size, SHOWN)]) for begin, size in zip(begins, sizes, strict=True)
        )
        return found
