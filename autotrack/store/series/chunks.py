"""Metric points as compact byte strings: steps, times and values of one chunk.

Format 1, little endian::

    format u8, is_int u8, layout u16, count u32, crc32 u32 of what follows
    COLUMNS: three columns (steps, times in microseconds, values) as in ``columns.py``
    ROWS, for a few points: all steps, all times in microseconds, all values' bits, each i64

A handful of points as plain integers costs a fiftieth of the time, and no more bytes than columns have headers.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

from autotrack.core.errors import StoreError

from .points import FEW, Points

if TYPE_CHECKING:
    from .columns import Array

FORMAT = 1
#: Below this many points the last chunk of a series is written again with the next points in it.
FULL = 8192
#: No chunk is longer than this.
LONGEST = 65536

COLUMNS, ROWS = 0, 1
HEADER = struct.Struct("<BBHII")
_ROWS = [struct.Struct(f"<{3 * count}q") for count in range(FEW + 1)]


def encode(points: Points) -> bytes:
    """One chunk (of at least one point). Times are cut to microseconds."""
    steps, times, bits = points.steps, points.times, points.bits
    if isinstance(steps, list):
        layout, body = ROWS, _ROWS[len(steps)].pack(*steps, *[time // 1000 for time in times], *bits)
    else:
        from . import columns

        layout, body = COLUMNS, columns.encode(steps, times // 1000, bits, points.is_int)  # type: ignore[operator, arg-type]
    return HEADER.pack(FORMAT, points.is_int, layout, len(steps), zlib.crc32(body)) + body


def decode(data: bytes) -> Points:
    """The points of one chunk (StoreError where it is no chunk of a known format)."""
    is_int, layout, count = _header(data)
    if layout == ROWS:
        values = _rows(data, count)
        times = [time * 1000 for time in values[count : 2 * count]]
        return Points(list(values[:count]), times, list(values[2 * count :]), is_int)
    import numpy as np

    steps, moments, bits = (np.empty(count, dtype=np.int64) for _ in range(3))
    decode_into(data, steps, moments, bits)
    return Points.of((steps, moments, bits), is_int)


def decode_into(data: bytes, steps: Array, times: Array, bits: Array) -> bool:
    """Writes a chunk's columns into int64 arrays of its length; answers whether the values are integers."""
    is_int, layout, count = _header(data)
    if layout == ROWS:
        values = _rows(data, count)
        steps[:], times[:], bits[:] = values[:count], values[count : 2 * count], values[2 * count :]
    else:
        from . import columns

        try:
            columns.decode_into(data, HEADER.size, (steps, times, bits))
        except (struct.error, ValueError, zlib.error, KeyError) as error:
            raise _damaged(error) from error
    times *= 1000
    return is_int


def is_intact(data: bytes) -> bool:
    """Whether a chunk's checksum is right. Reading does not check it: the database is trusted until asked about."""
    if len(data) < HEADER.size or data[0] != FORMAT:
        return False
    crc: int = HEADER.unpack_from(data)[4]
    return zlib.crc32(memoryview(data)[HEADER.size :]) == crc


def _rows(data: bytes, count: int) -> tuple[int, ...]:
    try:
        return _ROWS[count].unpack_from(data, HEADER.size)
    except (struct.error, IndexError) as error:
        raise _damaged(error) from error


def _damaged(error: Exception) -> StoreError:
    return StoreError(f"a metric chunk is damaged ({error}); restore the database from a backup")


def _header(data: bytes) -> tuple[bool, int, int]:
    if len(data) >= HEADER.size:
        number, is_int, layout, count, _ = HEADER.unpack_from(data)
        if number == FORMAT and layout in (COLUMNS, ROWS):
            return bool(is_int), layout, count
    found = data[0] if data else "nothing"
    raise StoreError(f"a metric chunk has format {found}, this version reads {FORMAT}: install a newer autotrack")
