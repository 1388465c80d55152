"""Texts of many lengths as one buffer: their extremes and 64-bit hashes, eight bytes of all texts at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

#: Texts up to this length are hashed side by side; longer ones one by one.
SIDE_BY_SIDE = 64
#: For the n-th eight bytes.
FACTORS = tuple(
    int.from_bytes(b"autotrak", "little") * (2 * n + 3) ** 17 % 2**64 | 1 for n in range(SIDE_BY_SIDE // 8 + 1)
)


class Words:
    """``count`` texts, the n-th at ``starts[n]`` of ``data`` (bytes), ``lengths[n]`` bytes long (0 for nulls)."""

    __slots__ = ("_data", "_lengths", "_longest", "_np", "_starts", "_view")

    def __init__(self, data: Any, starts: Array, lengths: Array) -> None:
        import numpy as np

        self._np = np
        self._data, self._starts, self._lengths = data, starts, lengths
        self._longest = int(lengths.max()) if len(lengths) else 0
        padded = np.frombuffer(bytes(data) + b"\0" * 8, "u1")
        self._view = np.lib.stride_tricks.as_strided(padded.view(), (len(padded) - 7, 8), (1, 1))

    def _word(self, number: int, rows: Array | None = None) -> Array:
        """The n-th eight bytes of the texts as little-endian integers, zeros behind a text's end."""
        np = self._np
        starts = self._starts if rows is None else self._starts[rows]
        lengths = self._lengths if rows is None else self._lengths[rows]
        left = np.clip(lengths - 8 * number, 0, 8)
        at = np.where(left > 0, starts + 8 * number, 0)
        words = self._view[at].view("<u8")[:, 0]
        masks = np.array([(1 << 8 * n) - 1 for n in range(9)], "<u8")
        words &= masks[left]
        return words

    def hashes(self) -> Array:
        """A hash of each text, of its bytes and length; well mixed."""
        np = self._np
        hashes = self._lengths.astype("<u8")
        hashes *= np.uint64(FACTORS[-1])
        for number in range(-(-min(self._longest, SIDE_BY_SIDE) // 8)):
            if number > 1:
                rows = np.flatnonzero(self._lengths > 8 * number)
                hashes[rows] = self._stirred(hashes[rows] ^ self._word(number, rows), number)
            else:
                hashes = self._stirred(hashes ^ self._word(number), number)
        if self._longest > SIDE_BY_SIDE:
            from blake3 import blake3

            rows = np.flatnonzero(self._lengths > SIDE_BY_SIDE)
            data, read = memoryview(self._data), int.from_bytes
            begins, sizes = self._starts[rows].tolist(), self._lengths[rows].tolist()
            hashes[rows] = [
                read(blake3(data[begin : begin + size]).digest(8), "little")
                for begin, size in zip(begins, sizes, strict=True)
            ]
        return hashes ^ (hashes >> np.uint64(31))

    def _stirred(self, words: Array, number: int) -> Array:
        words ^= words >> self._np.uint64(32)
        words *= self._np.uint64(FACTORS[number])
        return words

    def extremes(self, there: Array | None) -> tuple[bytes, bytes] | None:
        """The first and the last text in the order of bytes, cut after 64; None where all are null."""
        np = self._np
        rows = np.arange(len(self._starts)) if there is None else np.flatnonzero(there)
        if not len(rows):
            return None
        keys = self._word(0, None if there is None else rows).byteswap()
        return self._extreme(rows, keys, keys.min(), 0, min), self._extreme(rows, keys, keys.max(), 0, max)

    def _extreme(self, rows: Array, keys: Array, key: Any, number: int, choose: Any) -> bytes:
        rows = rows[keys == key]
        if len(rows) > 8 and number < SIDE_BY_SIDE // 8 - 1:
            keys = self._word(number + 1, rows).byteswap()
            return self._extreme(rows, keys, choose(keys.min(), keys.max()), number + 1, choose)
        data = memoryview(self._data)
        found: bytes = choose(
            bytes(data[begin : begin + min(size, SIDE_BY_SIDE)])
            for begin, size in zip(self._starts[rows[:1024]].tolist(), self._lengths[rows[:1024]].tolist(), strict=True)
        )
        return found
