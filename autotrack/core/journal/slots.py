"""Telling whole metric points from empty, torn and damaged ones, many at a time."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from zlib import crc32

from .layout import F8, POINT, SLOT

_BLOCK = 4096
_REFERENCE = (lambda body: body + crc32(body).to_bytes(4, "little"))(F8.pack(0, 0, 0.0, 0))


@lru_cache(maxsize=64)
def _expected(slots: int) -> int:
    """The crc32 over that many whole slots.

    A slot ends with its own crc32, so the checksum over it does not depend on what it says; and as a CRC is linear,
    neither does the checksum over a row of them, but only on how many they are. One call of zlib checks a whole
    block (3 GB/s where checking slot by slot takes 0.3 us each), and one damaged slot always changes the result.
    """
    return crc32(_REFERENCE * slots)


def whole(data: bytes | memoryview, start: int, stop: int) -> bool:
    """True where slots start to stop of ``data`` are all whole."""
    return crc32(data[start * SLOT : stop * SLOT]) == _expected(stop - start)


def whole_runs(data: bytes) -> Iterator[tuple[int, int]]:
    """The stretches (first slot, slot behind the last) of whole slots in ``data``, in order, as long as can be."""
    view = memoryview(data)
    pending: tuple[int, int] | None = None
    for start, stop in _whole_parts(view, len(data) // SLOT):
        if pending is not None and pending[1] == start:
            pending = pending[0], stop
            continue
        if pending is not None:
            yield pending
        pending = start, stop
    if pending is not None:
        yield pending


def _whole_parts(view: memoryview, total: int) -> Iterator[tuple[int, int]]:
    for start in range(0, total, _BLOCK):
        todo = [(start, min(start + _BLOCK, total))]
        while todo:  # halves, nearest first, until what is left is whole or one slot
            first, stop = todo.pop()
            if whole(view, first, stop):
                yield first, stop
            elif stop - first > 1:
                if is_empty(view, first, stop):
                    continue
                middle = (first + stop) // 2
                todo += [(middle, stop), (first, middle)]


def is_empty(data: bytes | memoryview, start: int, stop: int) -> bool:
    """True where slots start to stop of ``data`` are all unwritten."""
    part = bytes(data[start * SLOT : stop * SLOT])
    return part.count(0) == len(part)


def decode_points(data: bytes) -> Iterator[tuple[int, int, int, int, int]]:
    """The whole points in ``data``: (index of the slot in ``data``, step, time in ns, value bits, series id).

    ``value bits`` is the int64 value of an "i8" series; of an "f8" one it is the float64's bits as an int64
    (``struct.unpack("<d", struct.pack("<q", bits))``). Slots that are empty or damaged are left out.
    """
    for start, stop in whole_runs(data):
        points = POINT.iter_unpack(memoryview(data)[start * SLOT : stop * SLOT])
        for index, (step, stamp, bits, series, _) in enumerate(points, start):
            yield index, step, stamp, bits, series
