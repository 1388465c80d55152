"""Hashes of single rows, vectorised: 64 bits a row, for comparisons only. Whether data are equal, BLAKE3 decides.

A value's share of its row is ``(w ^ w >> 32) * k`` with an odd ``k`` that the column's label determines, so columns may
be in any order; a row's shares are added up modulo 2**64.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

#: The share of a null among values that have no bits for it.
NULL = 0x5D0C9A3B7E21F468


def multipliers(labels: list[bytes], words: int) -> Array:
    """Odd 64-bit numbers of shape (labels, words); a label that comes again gets others."""
    import numpy as np
    from blake3 import blake3

    seen: dict[bytes, int] = {}
    drawn = bytearray()
    for label in labels:
        again = seen[label] = seen.get(label, -1) + 1
        drawn += blake3(b"%d\0%b" % (again, label)).digest(8 * words)
    return np.frombuffer(bytes(drawn), "<u8").reshape(len(labels), words) | np.uint64(1)


def mix_into(shares: Array, values: Array, factors: Array, mask: Array | None, room: Array) -> None:
    """Adds each row's share to ``shares`` (uint64). ``values`` has shape (columns, rows), ``factors`` (columns, words).

    ``room`` is a uint64 array to work in, one word for each of the values' words.
    """
    import numpy as np

    size = values.dtype.itemsize
    if size >= 8:
        words = values.view("<u8")
        if size > 8:
            words = words.reshape(len(values), -1, size // 8)
    else:
        words = values.view(f"<u{size}").astype("<u8")
    scratch = np.right_shift(words, np.uint64(32), out=room[: words.size].reshape(words.shape))
    np.bitwise_xor(words, scratch, out=scratch)
    if mask is not None:
        scratch[mask] = np.uint64(NULL)
    if size > 8:
        for word in range(size // 8):
            shares += (scratch[:, :, word] * factors[:, word : word + 1]).sum(axis=0, dtype=np.uint64)
        return
    np.multiply(scratch, factors, out=scratch)
    if len(scratch) == 1:
        np.add(shares, scratch[0], out=shares)
    else:
        np.add(shares, np.add.reduce(scratch, axis=0, dtype=np.uint64), out=shares)


def finished(shares: Array) -> Array:
    """Row hashes of shares: all bits of a share move all bits of its hash."""
    import numpy as np

    hashes = shares ^ (shares >> np.uint64(29))
    hashes *= np.uint64(0xBF58476D1CE4E5B9)
    hashes ^= hashes >> np.uint64(32)
    return hashes


class Multiset:
    """A hash of many rows that does not depend on their order: two sums modulo 2**64."""

    def __init__(self) -> None:
        self._sum = 0
        self._products = 0

    def add(self, shares: Array) -> None:
        """Takes in the shares of some rows."""
        import numpy as np

        self._sum += int(np.add.reduce(shares))
        self._products += int(np.dot(shares, shares >> np.uint64(31)))

    @property
    def hex(self) -> str:
        return f"{self._sum % 2**64:016x}{self._products % 2**64:016x}"
