"""The journal's file and its room: created once, grown an extent at a time, never written past what is reserved.

Room is reserved before it is mapped, so that a full disk is an error here and never a SIGBUS in somebody's training.
"""

from __future__ import annotations

import errno
import mmap
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from autotrack.core.errors import JournalError, JournalFull
from autotrack.core.private import make_private

from ..private import Ours
from . import layout, lease
from .layout import ExtentHeader, Header

#: Seconds between two tries to reserve room on a full disk: points that are lost meanwhile cost no system call.
RETRY_AFTER = 1.0

_NO_FALLOCATE = {errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS}
_COPY_CHUNK = 1 << 20


@dataclass(slots=True, eq=False)
class Extent:
    """A mapped stretch of the file. ``map`` covers its header too, so offsets in it count from the header."""

    header: ExtentHeader
    map: mmap.mmap


class Space:
    """One journal file, open, locked and growing. Not thread safe: the writer's locks guard it."""

    def __init__(self, path: Path, descriptor: int, header: Header, end: int) -> None:
        self.path = path
        self.header = header
        self.end = end
        self._descriptor = descriptor
        self._identity = _file_identity(descriptor)
        self._ordinal = 0
        self._sizes = {layout.EVENTS: layout.FIRST_EXTENT, layout.POINTS: layout.FIRST_EXTENT}
        self._retry_at = 0.0

    @classmethod
    def create(cls, folder: Path, header: Header) -> Space:
        """A new journal under ``folder``, which is made if need be (0700), file 0600, whatever the umask.

        Raises JournalFull where there is no room, JournalError where the folder cannot be written.
        """
        path = folder / f"{header.writer}{layout.SUFFIX}"
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = -1
        try:
            make_private(folder)
            descriptor = os.open(Ours(path), flags, 0o600)
            os.fchmod(descriptor, 0o600)
            header = replace(header, lease=lease.take(descriptor))  # before the header: who can read it sees the lease
            _reserve(descriptor, 0, header.page)
            os.pwrite(descriptor, layout.encode_header(header), 0)
        except BaseException as error:
            if descriptor >= 0:
                os.close(descriptor)
                path.unlink(missing_ok=True)
            if isinstance(error, OSError):
                kind = JournalFull if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) else JournalError
                raise kind(f"could not create a journal in {folder}: {error.strerror}; is it writable?") from error
            raise
        return cls(path, descriptor, header, header.page)

    def descriptor(self) -> int:
        """The file's descriptor, opened again where the program closed it under us (daemons close all they find)."""
        try:
            if _file_identity(self._descriptor) == self._identity:
                return self._descriptor
        except OSError:
            pass  # closed; and a number that is in use again is somebody else's: never touched
        fresh = os.open(Ours(self.path), os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        if _file_identity(fresh) != self._identity:
            os.close(fresh)
            raise FileNotFoundError(errno.ENOENT, "the journal was closed and replaced", str(self.path))
        lease.take(fresh)
        self._descriptor = fresh
        return fresh

    def check_room(self) -> None:
        """Raises JournalFull while a failed reservation is too fresh to try again; costs no system call."""
        if self._retry_at and time.monotonic() < self._retry_at:
            raise JournalFull(f"no room for {self.path}; trying again within a second")

    def reserve(self, kind: int, first: int = 0, need: int = 0) -> Extent:
        """A new extent at the file's end with at least ``need`` bytes to write on (JournalFull)."""
        self.check_room()
        least = -(-max(need + layout.EXTENT_HEADER, layout.FIRST_EXTENT) // layout.FIRST_EXTENT) * layout.FIRST_EXTENT
        length = max(self._sizes[kind], least)
        while True:
            try:
                extent = self._try_reserve(kind, first, length)
                break
            except OSError as error:
                if length > least and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.ENOMEM):
                    length = max(length // 2 // layout.FIRST_EXTENT * layout.FIRST_EXTENT, least)
                    continue
                self._retry_at = time.monotonic() + RETRY_AFTER
                raise JournalFull(f"no room for {length} more bytes of {self.path}: {error.strerror}") from error
        self._retry_at = 0.0
        self._sizes[kind] = min(max(length, layout.FIRST_EXTENT) * 2, layout.LARGEST_EXTENT)
        return extent

    def _try_reserve(self, kind: int, first: int, length: int) -> Extent:
        descriptor = self.descriptor()
        header = ExtentHeader(kind, self._ordinal, self.end, length, first)
        try:
            _reserve(descriptor, self.end, length)
            view = mmap.mmap(descriptor, length, offset=self.end)
            # Last, and through the file: an extent is there for readers only once all of it is usable.
            os.pwrite(descriptor, layout.encode_extent(bytes.fromhex(self.header.writer), header), self.end)
        except OSError:
            os.ftruncate(descriptor, self.end)  # what a failed reservation took is given back
            raise
        self._ordinal += 1
        self.end += length
        return Extent(header, view)

    def remap(self, extent: Extent) -> Extent:
        """The same extent, mapped from this file (a copy of the one that it was mapped from)."""
        view = mmap.mmap(self.descriptor(), extent.header.length, offset=extent.header.offset)
        return Extent(extent.header, view)

    def copy_to(self, folder: Path, header: Header) -> Space:
        """A copy of the whole file in another folder, with its own lease, growing from where this one stands.

        ``header`` is what the copy's header says; writer and page are this file's.
        """
        copy = Space.create(folder, header)
        try:
            source, target = self.descriptor(), copy.descriptor()
            _reserve(target, copy.end, max(self.end - copy.end, 1))
            for offset in range(copy.end, self.end, _COPY_CHUNK):
                chunk = os.pread(source, min(_COPY_CHUNK, self.end - offset), offset)
                if chunk.count(0) != len(chunk):
                    os.pwrite(target, chunk, offset)
            os.fdatasync(target)
        except BaseException as error:
            copy.discard()
            if isinstance(error, OSError):
                raise JournalFull(f"could not move the journal to {folder}: {error.strerror}") from error
            raise
        copy.end, copy._ordinal, copy._sizes = self.end, self._ordinal, dict(self._sizes)
        return copy

    def sync(self) -> None:
        """Brings what is written to the disk itself (power loss); releases the GIL while it waits."""
        getattr(os, "fdatasync", os.fsync)(self.descriptor())

    def linked(self) -> bool:
        """False once no directory holds the file any more: what is written to it now would be lost."""
        try:
            return os.fstat(self.descriptor()).st_nlink > 0
        except OSError:
            return False

    def trim(self, end: int) -> None:
        """Gives back what is reserved behind ``end``; nothing may be mapped there any more."""
        os.ftruncate(self.descriptor(), end)
        self.end = end

    def release(self) -> None:
        """Drops the lease, also where a forked child still holds the file open, and closes."""
        with _ignoring_closed():
            lease.drop(self.descriptor())
            os.close(self._descriptor)

    def leave(self) -> None:
        """Closes this process's descriptor only; the lease stays with whoever else has the file open."""
        with _ignoring_closed():
            if _file_identity(self._descriptor) == self._identity:
                os.close(self._descriptor)

    def discard(self) -> None:
        """Removes the file and releases it; where it cannot be removed it stays locked, so nobody takes it for dead."""
        try:
            found = self.path.stat()
            if (found.st_dev, found.st_ino) == self._identity:  # else a copy has taken its name
                self.path.unlink(missing_ok=True)
        except FileNotFoundError:
            pass
        except OSError:
            return
        self.release()


def _reserve(descriptor: int, offset: int, length: int) -> None:
    """Gives the file real blocks there, as zeros, or raises OSError (ENOSPC, EDQUOT, EFBIG)."""
    allocate = getattr(os, "posix_fallocate", None)  # macOS has none
    if allocate is not None:
        try:
            allocate(descriptor, offset, length)
            return
        except OSError as error:
            if error.errno not in _NO_FALLOCATE:
                raise
    zeros = bytes(min(length, _COPY_CHUNK))
    while length > 0:
        written = os.pwrite(descriptor, zeros[:length], offset)
        offset += written
        length -= written


def _file_identity(descriptor: int) -> tuple[int, int]:
    found = os.fstat(descriptor)
    return found.st_dev, found.st_ino


@contextmanager
def _ignoring_closed() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.EBADF, errno.ENOENT):
            raise
