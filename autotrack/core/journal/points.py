"""Writing metric points into one mapped extent, without a lock.

A point's slot is claimed by advancing an ``itertools.count`` and filled by one ``pack_into``. CPython looks at
signals, and hands the GIL to another thread, only when a call returns or a loop jumps back. Between the ``for`` that
claims and the call that fills there is neither, so no other thread and no KeyboardInterrupt comes in between: slots
fill in order and none stays empty. (Under ``sys.settrace`` it can still happen: readers survive an empty slot.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from time import time_ns
from zlib import crc32

from .layout import F8, HEADER_SLOTS, I8, SEALED, SLOT
from .space import Extent

Point = Callable[[int, int, float], None]
PointI8 = Callable[[int, int, int], None]
#: Series, step, value, and when it was (nanoseconds since the epoch).
PointAt = Callable[[int, int, float, int], None]


@dataclass(slots=True, eq=False)
class Recorder:
    """Takes points into one extent.

    ``point``, ``point_i8`` and ``point_at`` write one slot, or call ``overflow`` where the extent is full or sealed.
    ``seal()`` ends writing there and answers how many slots are used; ``reopen()`` takes that back.
    """

    extent: Extent | None
    first: int
    capacity: int
    point: Point
    point_i8: PointI8
    point_at: PointAt
    seal: Callable[[], int]
    reopen: Callable[[], None]

    def half_full(self) -> bool:
        """True once the slot in the middle is written (always, where there is no extent yet)."""
        if self.extent is None:
            return False
        middle = (HEADER_SLOTS + self.capacity // 2) * SLOT
        return any(self.extent.map[middle : middle + SLOT])


#: What to do with a point that finds no room: the recorder that has none, series, step, value, whether it is an
#: integer, and its time where it is not now.
Overflow = Callable[[Recorder, int, int, float, bool, int | None], None]


def recorder(extent: Extent | None, used: int, overflow: Overflow) -> Recorder:
    """A recorder for an extent of which ``used`` slots are taken; without an extent it is full from the start."""
    view = extent.map if extent else bytearray()
    total = extent.header.length // SLOT if extent else 0
    limit = total
    sealed_at: int | None = None
    claims = count(HEADER_SLOTS + used)
    pack_f8, pack_i8, fill = F8.pack, I8.pack, SEALED.pack_into

    def point(series_id: int, step: int, value: float) -> None:
        body = pack_f8(step, time_ns(), value, series_id)  # before the claim: what does not fit claims nothing
        check = crc32(body)
        for slot in claims:
            if slot < limit:
                fill(view, slot << 5, body, check)
                return
            break
        overflow(result, series_id, step, value, False, None)

    def point_i8(series_id: int, step: int, value: int) -> None:
        body = pack_i8(step, time_ns(), value, series_id)
        check = crc32(body)
        for slot in claims:
            if slot < limit:
                fill(view, slot << 5, body, check)
                return
            break
        overflow(result, series_id, step, value, True, None)

    def point_at(series_id: int, step: int, value: float, when: int) -> None:
        body = pack_f8(step, when, value, series_id)
        check = crc32(body)
        for slot in claims:
            if slot < limit:
                fill(view, slot << 5, body, check)
                return
            break
        overflow(result, series_id, step, value, False, when)

    def seal() -> int:
        nonlocal limit, sealed_at
        if sealed_at is None:
            limit = 0  # claims from now on find no room, so the next claim says how far it got
            for claimed in claims:
                sealed_at = min(claimed, total)
                break
        return max((sealed_at or 0) - HEADER_SLOTS, 0)

    def reopen() -> None:
        nonlocal limit, claims, sealed_at
        if sealed_at is not None:
            claims = count(sealed_at)
            limit, sealed_at = total, None

    first = extent.header.first if extent else 0
    result = Recorder(extent, first, max(total - HEADER_SLOTS, 0), point, point_i8, point_at, seal, reopen)
    return result
