"""Whether what one program wrote can be what another one read: nothing comes of what came later."""

from __future__ import annotations

from collections.abc import Iterable

from autotrack.core.entities import FileRecord

from .story import CLOCK_LAG

#: Files are looked at about once a second: a file may have been opened that much later than is known (nanoseconds).
_LOOK = 1_000_000_000


def may_have_read(read: FileRecord, moment: int) -> bool:
    """True where a reading may have come after something that was there from that moment on, or later (nanoseconds)."""
    return moment <= read.first + _LOOK + CLOCK_LAG


def may_come_from(read: FileRecord, written: FileRecord) -> bool:
    """True where what was read may be what was written.

    Of one file the time of its last change tells it to the millisecond: a reader has not met what was written after
    that. (Who wrote it keeping an older time, as a copy does, has that time, too.)
    """
    if not may_have_read(read, written.first):
        return False
    if read.path != written.path or not read.mtime or not written.mtime:
        return True
    return min(written.first, written.mtime) <= read.mtime + CLOCK_LAG


class Order:
    """Who read a thing, on the way up a lineage, and who wrote it, on the way down: who comes next is held against it.

    ``asked`` are the nodes that somebody asked about: whoever wrote them or read them counts.
    """

    def __init__(self, asked: Iterable[str]) -> None:
        self._asked = frozenset(asked)
        self._read: dict[str, list[FileRecord]] = {}
        self._written: dict[str, list[FileRecord | int]] = {}

    def was_read(self, node: str, file: FileRecord) -> None:
        self._read.setdefault(node, []).append(file)

    def was_written(self, node: str, by: FileRecord | int) -> None:
        """Notes a file that was written, or the moment before which a thing was not kept."""
        self._written.setdefault(node, []).append(by)

    def may_have_written(self, node: str, by: FileRecord | int) -> bool:
        """True where one of those who read a thing may have it from there."""
        read = None if node in self._asked else self._read.get(node)
        return read is None or any(_fits(file, by) for file in read)

    def may_have_read(self, node: str, file: FileRecord) -> bool:
        """True where a reading may be of what somebody wrote."""
        written = None if node in self._asked else self._written.get(node)
        return written is None or any(_fits(file, by) for by in written)


def _fits(read: FileRecord, by: FileRecord | int) -> bool:
    return may_have_read(read, by) if isinstance(by, int) else may_come_from(read, by)


def latest(files: Iterable[FileRecord]) -> dict[str, FileRecord]:
    """By content: the reading that came last."""
    found: dict[str, FileRecord] = {}
    for file in files:
        known = found.get(file.sha256 or "")
        if file.sha256 and (known is None or known.first < file.first):
            found[file.sha256] = file
    return found
