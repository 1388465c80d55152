"""The journal's metric slots as columns, by series, by the million; numpy is loaded only where there are many.

A slot is 32 bytes, ``<qqdI`` and a crc32: step, time in nanoseconds, the value's 64 bits, series id. The journal's
reader has checked the crc.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import numpy as np

SLOT = struct.Struct("<qqqII")
#: So many points of one series at most are handled as plain lists: an array costs more to make than to use.
FEW = 32
#: Slots up to which Python sorts them by series itself.
_BY_HAND = 2000


@dataclass(slots=True, eq=False)
class Points:
    """Points of one series, in order of arrival: equally long lists of up to ``FEW`` integers, else int64 arrays.

    Times in nanoseconds; ``bits`` are the values' 64 bits as signed integers, floats unless ``is_int``.
    """

    steps: list[int] | np.ndarray[Any, Any]
    times: list[int] | np.ndarray[Any, Any]
    bits: list[int] | np.ndarray[Any, Any]
    is_int: bool

    def __len__(self) -> int:
        return len(self.steps)

    @classmethod
    def of(cls, columns: Iterable[Any], is_int: bool) -> Self:
        """Points from three lists or int64 arrays (steps, times, bits) of any length."""
        steps, times, bits = columns
        if len(steps) <= FEW:
            steps, times, bits = (
                column if isinstance(column, list) else column.tolist() for column in (steps, times, bits)
            )
        else:
            import numpy as np

            steps, times, bits = (np.asarray(column, dtype=np.int64) for column in (steps, times, bits))
        return cls(steps, times, bits, is_int)

    def values(self) -> Any:
        """The values: a sequence of ints or floats."""
        if self.is_int:
            return self.bits
        if isinstance(self.bits, list):
            return floats(self.bits)
        return self.bits.view("<f8")

    def part(self, start: int, end: int) -> Points:
        """Those from ``start`` up to ``end``."""
        return Points.of((column[start:end] for column in (self.steps, self.times, self.bits)), self.is_int)


def joined(pieces: Sequence[Points]) -> Points:
    """Points one behind the other, all integers or all floats."""
    if len(pieces) == 1:
        return pieces[0]
    columns = ([piece.steps for piece in pieces], [piece.times for piece in pieces], [piece.bits for piece in pieces])
    if sum(len(piece) for piece in pieces) <= FEW:
        return Points.of(([item for part in parts for item in part] for parts in columns), pieces[0].is_int)
    import numpy as np

    whole = (np.concatenate([np.asarray(part, np.int64) for part in parts]) for parts in columns)
    return Points.of(whole, pieces[0].is_int)


def floats(bits: list[int]) -> tuple[float, ...]:
    """The float64 values that signed 64-bit integers stand for."""
    count = len(bits)
    if count <= FEW:
        return _DOUBLES[count].unpack(_INTEGERS[count].pack(*bits))
    return struct.unpack(f"<{count}d", struct.pack(f"<{count}q", *bits))


def bits(values: Sequence[float]) -> list[int]:
    """The signed 64-bit integers that float64 values are."""
    count = len(values)
    return list(struct.unpack(f"<{count}q", struct.pack(f"<{count}d", *values)))


_INTEGERS = [struct.Struct(f"<{count}q") for count in range(FEW + 1)]
_DOUBLES = [struct.Struct(f"<{count}d") for count in range(FEW + 1)]


class Slots:
    """Slots sorted by series."""

    def __init__(self, data: bytes) -> None:
        self._by_hand: dict[int, tuple[list[int], list[int], list[int]]] = {}
        self._sorted: _Sorted | None = None
        if len(data) // SLOT.size > _BY_HAND:
            self._sorted = _Sorted(data)
            return
        for step, time, bits, series, _ in SLOT.iter_unpack(data):
            columns = self._by_hand.get(series)
            if columns is None:
                columns = self._by_hand[series] = [], [], []
            columns[0].append(step)
            columns[1].append(time)
            columns[2].append(bits)

    def latest(self) -> list[tuple[int, int]]:
        """Each series' id and the latest of its times."""
        if self._sorted is not None:
            return self._sorted.latest()
        return [(number, max(columns[1])) for number, columns in self._by_hand.items()]

    def groups(self) -> Iterator[tuple[int, Any, Any, Any]]:
        """Each series' id and its steps, times and value bits in order of arrival, as ``Points`` takes them."""
        if self._sorted is not None:
            yield from self._sorted.groups()
            return
        for number, columns in self._by_hand.items():
            if len(columns[0]) <= FEW:
                yield number, *columns
            else:
                import numpy as np

                steps, times, bits = (np.array(column, dtype=np.int64) for column in columns)
                yield number, steps, times, bits


class _Sorted:
    """Many slots, sorted by series with numpy."""

    def __init__(self, data: bytes) -> None:
        import numpy as np

        names = [("step", "<i8"), ("time", "<i8"), ("bits", "<i8"), ("series", "<u4"), ("crc", "<u4")]
        slots = np.frombuffer(data, np.dtype(names))
        steps, times, bits, ids = (np.ascontiguousarray(slots[name]) for name in ("step", "time", "bits", "series"))
        lowest, highest = int(ids.min()), int(ids.max())
        if lowest != highest:
            # Two-byte keys make numpy's stable sort a radix sort.
            keys = (ids - np.uint32(lowest)).astype(np.uint16) if highest - lowest < 65536 else ids
            order = np.argsort(keys, kind="stable")
            ids, steps, times, bits = ids[order], steps[order], times[order], bits[order]
        starts = np.flatnonzero(np.concatenate(([True], ids[1:] != ids[:-1])))
        self._columns = steps, times, bits
        self._edges: list[int] = [*starts.tolist(), len(ids)]
        self._ids: list[int] = ids[starts].tolist()
        self._latest: list[int] = np.maximum.reduceat(times, starts).tolist()

    def latest(self) -> list[tuple[int, int]]:
        return list(zip(self._ids, self._latest, strict=True))

    def groups(self) -> Iterator[tuple[int, Any, Any, Any]]:
        steps, times, bits = self._columns
        lists: list[list[int]] | None = None
        for number, (start, end) in zip(self._ids, pairwise(self._edges), strict=True):
            if end - start > FEW:
                yield number, steps[start:end], times[start:end], bits[start:end]
                continue
            if lists is None:  # all at once: a slice of an array costs ten times a slice of a list
                lists = [column.tolist() for column in self._columns]
            yield number, lists[0][start:end], lists[1][start:end], lists[2][start:end]
