"""Writing one process's journal.

What ``event`` or ``point`` has returned from is in the kernel's hands: it survives any death of the process. Power
loss costs what was written since the last ``sync``.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any, Literal, NamedTuple, NoReturn

from autotrack.core.errors import JournalError, JournalFull

from . import layout
from .layout import EVENTS, EXTENT_HEADER, POINTS, SLOT, Header
from .lease import process_identity
from .points import Point, PointAt, PointI8, Recorder, recorder
from .space import Extent, Space

#: Records that others stand on are written twice: a flipped byte in one would cost more than that record.
KEYSTONES = frozenset({"session", "run_start", "series"})
#: Records that may use the spare room at the end of the last extent when the disk is full.
LAST_RECORDS = frozenset({"run_end", "health"})
SPARE = 16 * 1024

_LATE_POINT_WAIT = 0.05


class _Head(NamedTuple):
    """Where the next event goes. Replaced as a whole, in one store."""

    extent: Extent
    position: int
    sequence: int


class JournalWriter:
    """One process's journal. All methods but ``abandon`` may be called from any thread.

    A signal handler or a finalizer may log too, whatever it interrupts; where that is the reservation of more room, a
    point is refused with JournalFull.
    Raises JournalFull where there is no room, JournalError where the folder cannot be written.
    """

    __slots__ = (
        "__weakref__",
        "_events_lock",
        "_grow_lock",
        "_growing",
        "_head",
        "_next_events",
        "_next_points",
        "_recorder",
        "_series",
        "_space",
        "_state",
        "_sync_lock",
        "point",
        "point_at",
        "point_i8",
        "writer",
    )

    #: ``point(series_id, step, value)``: one float point, stamped now. Takes no lock and no system call.
    #: Read the attribute at each call: it is another function in each extent, and an old one only hands on, slowly.
    #: Raises struct.error (or what ``value.__float__`` raises) where step or value does not fit, JournalFull where
    #: there is no room; nothing is written then.
    point: Point
    #: ``point_i8(series_id, step, value)``: the same for an int64 value of a series of dtype "i8".
    point_i8: PointI8
    #: ``point_at(series_id, step, value, when)``: a float point of an earlier moment (nanoseconds since the epoch).
    point_at: PointAt

    def __init__(self, folder: Path, *, meta: Mapping[str, Any] | None = None) -> None:
        self.writer = os.urandom(16).hex()
        header = Header(
            writer=self.writer,
            **process_identity()._asdict(),
            created=time.time_ns(),
            lease=False,
            page=max(layout.HEADER_BLOCK, _granularity()),
            meta=dict(meta or {}),
        )
        # Taken in this order: sync, events, grow. Reentrant, because signal handlers and finalizers log too.
        self._sync_lock = threading.RLock()
        self._events_lock = threading.RLock()
        self._grow_lock = threading.RLock()
        self._growing = False
        self._state: Literal["open", "closed", "abandoned"] = "open"
        self._series = count(1)
        self._next_events: Extent | None = None
        self._next_points: Extent | None = None
        self._space = Space.create(folder, header)
        try:
            self._head = _Head(self._reserve(EVENTS), EXTENT_HEADER, 0)
        except BaseException:
            self._space.discard()
            raise
        self._record_with(recorder(None, 0, self._overflow))

    @property
    def path(self) -> Path:
        """Where the journal is now (``relocate`` changes it)."""
        return self._space.path

    @property
    def header(self) -> Header:
        """What the file's header says of this process."""
        return self._space.header

    def event(self, record: Mapping[str, Any]) -> None:
        """Writes a record; it survives ``kill -9`` once this returns.

        Raises JournalFull (nothing is written) where there is no room, JournalError where the record is not JSON.
        A ``run_end`` or ``health`` record may use the spare room (16 KiB) that is kept for a full disk.
        """
        kind = record.get("k")
        payload = layout.encode_event(record)
        twice, last = kind in KEYSTONES, kind in LAST_RECORDS
        with self._events_lock:
            while True:
                head = self._head
                frame = layout.encode_frame(head.sequence, payload, twice=twice)
                stop = head.position + len(frame)
                if not self._has_room(head, stop, len(frame), last):
                    continue
                view = head.extent.map
                place = slice(head.position, stop)
                after = _Head(head.extent, stop, head.sequence + 1)
                # A signal handler or a finalizer that logs may have run since ``head`` was read. None can between
                # these three lines: nothing here calls Python code or allocates what the garbage collector tracks.
                if self._head is head:
                    view[place] = frame
                    self._head = after
                    return

    def series(self, run_id: str, key: str, dtype: Literal["f8", "i8"]) -> int:
        """A new metric series' id for ``point`` or ``point_i8``, after its record is written (JournalFull)."""
        number = next(self._series)
        self.event({"k": "series", "t": time.time_ns(), "r": run_id, "id": number, "key": key, "dtype": dtype})
        return number

    def sync(self) -> None:
        """Brings all that was written before to the disk itself, and has the next points extent ready in time.

        For the courier thread: it waits on the disk, without a lock that training could need. Raises OSError.
        """
        with self._sync_lock:
            if self._state != "open":
                return
            self._prepare_points()
            self._space.sync()

    def heartbeat(self) -> None:
        """Says to readers on other machines that this process lives (the file's modification time). Raises OSError."""
        if self._state == "open":
            os.utime(self._space.descriptor())

    def linked(self) -> bool:
        """False once the file was deleted (or its directory): call ``relocate`` then. A renamed one is still there."""
        return self._space.linked()

    def relocate(self, folder: Path, *, meta: Mapping[str, Any] | None = None) -> None:
        """Goes on in a new file in another folder, with all that was written so far, under the same writer id.

        ``meta``: what the new file's header says instead of the old one's.

        Offsets stay what they were, so a store that had taken in part of it takes in the rest, once. Threads that log
        meanwhile wait. Raises JournalFull or JournalError where the new file cannot be made; then nothing changed.
        """
        with self._sync_lock, self._events_lock, self._grow_lock:
            self._check_open()
            old, active = self._space, self._recorder
            used = active.seal()  # from here on no point goes to the old file: threads queue at the grow lock
            try:
                _await_late_points(active, used)
                header = old.header if meta is None else replace(old.header, meta=dict(meta))
                space = old.copy_to(folder, header)
                try:
                    events, *others = [
                        extent and space.remap(extent)
                        for extent in (self._head.extent, self._next_events, active.extent, self._next_points)
                    ]
                except OSError as error:
                    space.discard()
                    raise JournalFull(f"could not map the journal in {folder}: {error.strerror}") from error
            except BaseException:
                active.reopen()
                raise
            assert events is not None
            self._space = space
            self._head = self._head._replace(extent=events)
            self._next_events, points, self._next_points = others
            self._record_with(recorder(points, used, self._overflow))
            old.discard()

    def close(self, *, keep_lease: bool = False) -> None:
        """Syncs, gives unused room back and releases the lease; the file stays. Logging then is a JournalError.

        ``keep_lease`` leaves the lease to end with the process, for a program that still has something to write beside
        the journal: nobody takes it for dead before.
        """
        with self._sync_lock, self._events_lock, self._grow_lock:
            if self._state != "open":
                return
            self._state = "closed"
            used = self._recorder.seal()
            ends = [
                (self._head.extent, self._head.position),
                (self._recorder.extent, EXTENT_HEADER + used * SLOT),
                (self._next_events, 0),
                (self._next_points, 0),
            ]
            try:
                self._space.trim(self._unmap(ends))
                self._space.sync()
            finally:
                if not keep_lease:
                    self._space.release()

    def abandon(self) -> None:
        """For a forked child: forgets the parent's journal without touching its file, its maps or its lease.

        The writer is of no use afterwards; the child makes its own. Takes no lock (the parent's threads, which might
        have held one, are not here), so nothing else of this writer may run in the child.
        """
        self._state = "abandoned"
        self._sync_lock, self._events_lock, self._grow_lock = threading.RLock(), threading.RLock(), threading.RLock()
        self._recorder.seal()  # the count is this process's own copy; the mapped pages are shared, and stay untouched
        extents = (self._head.extent, self._recorder.extent, self._next_events, self._next_points)
        self._unmap([(extent, 0) for extent in extents])
        self._space.leave()

    # Room.

    def _has_room(self, head: _Head, stop: int, size: int, last: bool) -> bool:
        """True where the frame may go to the head's extent now; False after something changed: look again."""
        self._check_open()
        capacity = head.extent.header.length
        if stop <= capacity - SPARE:
            return True
        following = self._next_events
        if following is None:
            reentrant = self._growing
            try:
                reserved = self._reserve(EVENTS, size + SPARE)
            except JournalFull:
                if (last or reentrant) and stop <= capacity:
                    return True
                raise
            # Events go on to higher offsets only: a handler may have taken another extent meanwhile.
            if self._next_events is None and reserved.header.offset > self._head.extent.header.offset:
                self._next_events = reserved
            return False
        if stop <= capacity:
            return True
        if EXTENT_HEADER + size > following.header.length:  # made for a shorter frame: it stays empty
            following = self._reserve(EVENTS, size + SPARE)
        after = _Head(following, EXTENT_HEADER, head.sequence)
        if self._head is head:
            self._head = after
            self._next_events = None
        return False

    def _reserve(self, kind: int, need: int = 0, first: int = 0) -> Extent:
        with self._grow_lock:
            if self._growing:  # a signal handler in the midst of a reservation in this thread
                raise JournalFull("no room at hand while more is being reserved")
            self._growing = True
            try:
                return self._space.reserve(kind, first, need)
            finally:
                self._growing = False

    def _record_with(self, active: Recorder) -> None:
        self._recorder = active
        self.point = active.point
        self.point_i8 = active.point_i8
        self.point_at = active.point_at

    def _overflow(
        self, stale: Recorder, series_id: int, step: int, value: float, integer: bool, when: int | None
    ) -> None:
        """Writes a point that found its extent full, in the next one."""
        if self._recorder is stale and self._next_points is None and self._state == "open":
            self._space.check_room()
        with self._grow_lock:
            self._check_open()
            if self._recorder is stale:
                following = self._next_points
                if following is None:
                    following = self._reserve(POINTS, first=stale.first + stale.capacity)
                fresh = recorder(following, 0, self._overflow)
                # As in ``event``: a handler may have gone on to another extent; nothing can between these lines. An
                # extent with the same first slot is then left empty, which readers understand.
                if self._recorder is stale:
                    self._recorder = fresh
                    self.point = fresh.point
                    self.point_i8 = fresh.point_i8
                    self.point_at = fresh.point_at
                    self._next_points = None
        if integer:
            self.point_i8(series_id, step, int(value))
        elif when is not None:
            self.point_at(series_id, step, value, when)
        else:
            self.point(series_id, step, value)

    def _prepare_points(self) -> None:
        with self._grow_lock:
            active = self._recorder
            if self._next_points is None and active.half_full():
                try:
                    reserved = self._reserve(POINTS, first=active.first + active.capacity)
                except JournalFull:
                    return  # nothing is lost yet: the thread that needs the room will say so
                if self._recorder is active and self._next_points is None:
                    self._next_points = reserved

    def _check_open(self) -> None:
        if self._state != "open":
            _refuse(self._state, self.path)

    def _unmap(self, ends: list[tuple[Extent | None, int]]) -> int:
        """Unmaps the extents and answers where the file's used part ends; each comes with its used bytes."""
        end = self._space.end
        for extent, used in sorted(
            ((extent, used) for extent, used in ends if extent is not None),
            key=lambda pair: pair[0].header.offset,
            reverse=True,
        ):
            header = extent.header
            if header.offset + header.length == end:
                end = header.offset + used
            extent.map.close()
        return end


def _await_late_points(active: Recorder, used: int) -> None:
    """Gives threads that claimed a slot and were stopped by a tracer before they filled it the time to do so."""
    if active.extent is None:
        return
    view = active.extent.map
    limit = time.monotonic() + _LATE_POINT_WAIT
    empty = [n for n in range(used) if not any(view[EXTENT_HEADER + n * SLOT : EXTENT_HEADER + (n + 1) * SLOT])]
    while empty and time.monotonic() < limit:
        time.sleep(0.001)
        empty = [n for n in empty if not any(view[EXTENT_HEADER + n * SLOT : EXTENT_HEADER + (n + 1) * SLOT])]


def _granularity() -> int:
    import mmap

    return mmap.ALLOCATIONGRANULARITY


def _refuse(state: str, path: Path) -> NoReturn:
    raise JournalError(f"the journal {path} was {state} in this process; nothing more can be written to it")


__all__ = ["JournalFull", "JournalWriter"]
