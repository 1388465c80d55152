"""The journal's metric slots as columns, by series, by the million.

A slot is 32 bytes, ``<qqdI`` and a crc32: step, time in nanoseconds, the value's 64 bits, series id. The journal's
reader has checked the crc.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from .chunks import Array

SLOT = np.dtype([("step", "<i8"), ("time", "<i8"), ("bits", "<i8"), ("series", "<u4"), ("crc", "<u4")])


def by_series(data: bytes) -> Iterator[tuple[int, Array, Array, Array]]:
    """For each series its id and its steps, times and value bits as int64 arrays, in order of arrival."""
    slots = np.frombuffer(data, dtype=SLOT)
    if len(slots) == 0:
        return
    steps, times, bits, ids = (np.ascontiguousarray(slots[name]) for name in ("step", "time", "bits", "series"))
    lowest, highest = int(ids.min()), int(ids.max())
    if lowest == highest:
        yield lowest, steps, times, bits
        return
    # Two-byte keys make numpy's stable sort a radix sort.
    keys = (ids - np.uint32(lowest)).astype(np.uint16) if highest - lowest < 65536 else ids
    order = np.argsort(keys, kind="stable")
    ordered, steps, times, bits = keys[order], steps[order], times[order], bits[order]
    edges = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    for start, end in pairwise([0, *edges.tolist(), len(ordered)]):
        yield int(ids[order[start]]), steps[start:end], times[start:end], bits[start:end]
