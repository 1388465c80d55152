"""Reading a journal: live, dead, cut off anywhere or damaged.

Whatever the bytes are, reading goes on with the next record that is whole, and says how many were lost. Only a file
that is no journal at all is an error.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from autotrack.core.errors import JournalError

from ..private import Ours
from . import layout
from .frames import FrameScan
from .layout import EVENTS, EXTENT_HEADER, POINTS, SLOT, ExtentHeader, Header
from .slots import is_empty, whole_runs

MAX_BYTES = 16 << 20
_POINTS_CHUNK = 4096 * SLOT
_PAGE = 4096

#: A slot that is still empty, or not whole, this long after a later one was written will never be (a tracer and an
#: exception stopped its thread in between): readers of a live journal then pass it.
SETTLED_NS = 60 * 10**9


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a journal was read: a file offset for events, a slot number for points. The same after ``relocate``."""

    events: int = 0
    points: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """What one ``read`` found.

    ``points``: (number of the first slot, bytes of whole slots behind each other), checked: no crc need be looked at
    again. Every series that they name is in these events or in earlier ones, unless its record was damaged.
    ``cursor``: where the next read goes on. ``damaged``: records lost between the two cursors, as far as can be
    counted. ``more``: True where ``max_bytes`` ended the batch, not the journal.
    """

    events: list[dict[str, Any]]
    points: list[tuple[int, bytes]]
    cursor: Cursor
    damaged: int
    more: bool


def read_header(path: Path) -> Header:
    """The header of a journal; JournalError where the file is none, is gone or cannot be opened."""
    with JournalReader(path) as reader:
        return reader.header


class JournalReader:
    """Reads one journal, in batches of bounded size, while it is being written or later.

    A context manager; holds one descriptor. JournalError where the file is no journal or cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._descriptor = os.open(Ours(path), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError as error:
            raise JournalError(f"could not open the journal {path}: {error.strerror}") from error
        try:
            header = layout.decode_header(self._pread(0, layout.HEADER_BLOCK))
            if header is None:
                raise JournalError(f"{path} is not an autotrack journal (or its header is destroyed)")
        except BaseException:
            self.close()
            raise
        self.header = header
        self._writer = bytes.fromhex(header.writer)
        self._extents: list[ExtentHeader] = []
        self._size = 0

    def close(self) -> None:
        """Closes the file; reading afterwards is a JournalError."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> JournalReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def read(self, cursor: Cursor, *, final: bool, max_bytes: int = MAX_BYTES) -> Batch:
        """What stands behind the cursor: all of it while ``Batch.more`` is False, else about ``max_bytes`` of it.

        ``final`` says that the writer is dead: then nothing is waited for, and whatever is not whole is passed and
        counted. Otherwise reading stops at the first record that is not whole yet. At least one record is read, however
        long it is.
        """
        # Points before events: a series' record is written before its first point, so it is there when events are read.
        budget = max(max_bytes // 2, 1)
        points, slot, lost_points, points_more = self._read_points(cursor.points, final, budget)
        events, offset, lost_events, events_more = self._read_events(cursor.events, final, budget)
        if events_more:  # the series of these points may stand behind these events: points come with a later batch
            points, slot, lost_points = [], cursor.points, 0
        more = events_more or points_more
        return Batch(events, points, Cursor(offset, slot), lost_points + lost_events, more)

    # Events.

    def _read_events(self, offset: int, final: bool, budget: int) -> tuple[list[dict[str, Any]], int, int, bool]:
        self._find_extents(final)
        extents = [extent for extent in self._extents if extent.kind in (EVENTS, 0)]
        begun = self._last_begun(extents)  # before any frame is read: what comes before a begun extent is complete
        events: list[dict[str, Any]] = []
        scan = FrameScan(self._pread)
        lost = 0
        for extent in extents:
            stop = min(extent.offset + extent.length, self._size)
            if stop <= offset:
                continue
            if extent.kind == 0:
                offset, lost = stop, lost + 1  # a stretch whose header is destroyed in both copies
                continue
            closed = final or extent.offset < begun
            start = max(offset, extent.offset + EXTENT_HEADER)
            for payload, behind in scan.frames(start, stop, closed=closed):
                offset = behind
                if payload is None:
                    continue
                event = _event_of(payload)
                if event is None:
                    lost += 1
                    continue
                events.append(event)
                budget -= len(payload)
                if budget <= 0:
                    return events, offset, lost + scan.lost, True
            if not closed:
                break
        return events, offset, lost + scan.lost + scan.trailing_damage(final), False

    def _last_begun(self, extents: list[ExtentHeader]) -> int:
        for extent in reversed(extents):
            if extent.kind == EVENTS and any(self._pread(extent.offset + EXTENT_HEADER, layout.FRAME.size)):
                return extent.offset
        return 0

    # Points.

    def _read_points(self, slot: int, final: bool, budget: int) -> tuple[list[tuple[int, bytes]], int, int, bool]:
        self._find_extents(final)
        extents = self._points_extents()
        found: list[tuple[int, bytes]] = []
        lost = 0
        for first in sorted(extents):
            extent = extents[first]
            count = extent.length // SLOT - layout.HEADER_SLOTS
            if first + count <= slot:
                continue
            slot = max(slot, first)
            while slot < first + count:
                start = extent.offset + EXTENT_HEADER + (slot - first) * SLOT
                size = min(_POINTS_CHUNK, (first + count - slot) * SLOT)
                data = self._pread(start, size)
                runs, passed, damaged = _sort_out(data, final)
                found += [(slot + begin, data[begin * SLOT : end * SLOT]) for begin, end in runs]
                lost += damaged
                slot += passed
                budget -= passed * SLOT
                if passed and budget <= 0:
                    return found, slot, lost, True
                if passed * SLOT == size:
                    continue
                if not final:
                    return found, slot, lost, False
                if len(data) < size:
                    break  # the file ends here
                rest = self._next_written(start + size, extent.offset + extent.length)
                if rest is None:
                    break
                slot = first + (rest - extent.offset - EXTENT_HEADER) // SLOT  # over pages that a power cut kept back
        return found, slot, lost, False

    def _points_extents(self) -> dict[int, ExtentHeader]:
        """By first slot. Of those that share one, the one in use: a signal amid a reservation left the others."""
        extents: dict[int, ExtentHeader] = {}
        for extent in self._extents:
            if extent.kind != POINTS:
                continue
            other = extents.get(extent.first)
            if other is None or self._next_written(other.offset + EXTENT_HEADER, other.offset + other.length) is None:
                extents[extent.first] = extent
        return extents

    def _next_written(self, start: int, stop: int) -> int | None:
        """Offset of the first chunk from ``start`` on that is not all empty."""
        while start < min(stop, self._size):
            data = self._pread(start, min(_POINTS_CHUNK, stop - start))
            if data.count(0) != len(data):
                return start
            start += len(data)
        return None

    # The file.

    def _find_extents(self, final: bool) -> None:
        """Takes in extents that are new since the last time."""
        try:
            self._size = os.fstat(self._descriptor).st_size
        except OSError as error:
            raise JournalError(f"could not read the journal {self.path}: {error.strerror}") from error
        offset = self.header.page
        if self._extents:
            offset = self._extents[-1].offset + self._extents[-1].length
        while offset + EXTENT_HEADER <= self._size:
            extent = layout.decode_extent(self._writer, offset, self._pread(offset, EXTENT_HEADER))
            if extent is None:
                where = self._next_extent(offset)
                if where is None:
                    return
                extent = ExtentHeader(0, 0, offset, where - offset, 0)
            self._extents.append(extent)
            offset += extent.length

    def _next_extent(self, offset: int) -> int | None:
        """Where the next whole extent header stands, None where there is none (the usual end of a journal).

        Asked for a live journal too: an extent only ever comes after all before it were whole.
        """
        for where in range(offset + _PAGE, self._size, _PAGE):
            if layout.decode_extent(self._writer, where, self._pread(where, EXTENT_HEADER)) is not None:
                return where
        return None

    def _pread(self, offset: int, size: int) -> bytes:
        # Not a memory map: reading a map of a file that somebody cuts short is a SIGBUS.
        try:
            return os.pread(self._descriptor, size, offset)
        except OSError as error:
            raise JournalError(f"could not read the journal {self.path}: {error.strerror}") from error


def _event_of(payload: bytes) -> dict[str, Any] | None:
    try:
        text = payload.decode()
        event, end = _decode_json(text)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) and end == len(text) else None


_decode_json = json.JSONDecoder().raw_decode  # json.loads without its guessing of encodings: a third of its time


def _sort_out(data: bytes, final: bool) -> tuple[list[tuple[int, int]], int, int]:
    """Runs of whole slots to hand on, slots passed, and how many of those were damaged."""
    runs: list[tuple[int, int]] = []
    passed = damaged = 0
    for begin, end in whole_runs(data):
        if begin > passed:
            if not final and not _settled(data, begin):
                return runs, passed, damaged
            damaged += _damaged(data, passed, begin)
        runs.append((begin, end))
        passed = end
    total = len(data) // SLOT
    if final and passed < total + (len(data) % SLOT > 0):
        last = len(data.rstrip(b"\0"))
        written = -(-last // SLOT)  # a slot that is cut off counts too
        if written > passed:
            damaged += _damaged(data, passed, written)
            passed = written
    return runs, passed, damaged


def _settled(data: bytes, slot: int) -> bool:
    stamp: int = layout.POINT.unpack_from(data, slot * SLOT)[1]
    return time.time_ns() - stamp > SETTLED_NS


def _damaged(data: bytes, start: int, stop: int) -> int:
    """Slots between that hold something; an empty one was claimed and never written, so nobody was told it was."""
    return sum(not is_empty(data, slot, slot + 1) for slot in range(start, stop))
