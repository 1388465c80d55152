"""The sha256 of files, worked out once: in blocks, without the interpreter's lock, and remembered across sessions.

What is remembered is kept under device, inode, size and both times, in a text file that is only ever appended to:

    autotrack file hashes 1
    <device> <inode> <size> <mtime ns> <ctime ns> <digest> <crc32 of what stands before, 8 hexadecimal digits>

Lines that do not check are passed over, so a torn write or a damaged disk costs a second look at a file and no more.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from ..locks import Lock
from ..private import Ours, make_private

BLOCK = 1 << 20
#: A file above this, or what comes after a session's total, is covered in part.
WHOLE, TOTAL = 4 << 30, 64 << 30
#: How many blocks of a large file are looked at, its first and last among them.
SAMPLED = 66
#: Marks the digest of a part, so that it never equals that of a whole.
PARTIAL = "partial:"
#: A file that changed this shortly before it was hashed can change again under the same times (nanoseconds).
RACY = 2_000_000_000
#: The file of remembered hashes is cut to half of this when it is larger.
MOST_REMEMBERED = 8 << 20
_HEADER = b"autotrack file hashes 1\n"

Identity = tuple[int, int, int, int, int]


class Stopped(Exception):
    """There was no time to hash the rest of a file."""


class NotRegular(OSError):
    """A folder, a pipe, a socket or a device: it has no content to hash."""


class Hashed(NamedTuple):
    """A file's size in bytes, its mtime in nanoseconds, its digest, and why that does not cover all of it (or None)."""

    size: int
    mtime: int
    sha256: str | None
    partial: str | None = None


class FileHashes:
    """Hashes files; ``memory`` is the file to remember hashes in, or None."""

    def __init__(self, memory: Path | None = None, *, whole: int = WHOLE, total: int = TOTAL) -> None:
        self.whole, self.total = whole, total
        #: Bytes that were read so far.
        self.read = 0
        self._memory = memory
        self._known: dict[Identity, str] | None = None
        self._unsaved: list[bytes] = []
        self._lock = Lock()

    def hash(self, path: str, stop: Callable[[], bool] = lambda: False) -> Hashed:
        """The sha256 of a regular file, from memory where it is as it was.

        Never waits for a pipe or a device. OSError where the file is gone or cannot be read (NotRegular where it is
        none); Stopped where ``stop()``, which is asked before each block, answers True.
        """
        before = os.stat(path)  # noqa: PTH116 - for each of many files, and a Path costs as much as the look
        if not stat.S_ISREG(before.st_mode):
            raise NotRegular(f"{path} is no regular file")
        if (remembered := self._remembered(before)) is not None:
            return remembered
        if stop():
            raise Stopped
        # Between the two looks it may have become a pipe: O_NONBLOCK keeps open() from waiting for its other end.
        descriptor = os.open(Ours(path), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            before = os.fstat(descriptor)
            if not stat.S_ISREG(before.st_mode):
                raise NotRegular(f"{path} is no regular file")
            # The first and the last look count: what changed in between has no single content.
            sha256, partial = self._digest(descriptor, before.st_size, stop)
            after = os.fstat(descriptor)
        finally:
            os.close(descriptor)
        if _identity(before) != _identity(after):
            return Hashed(after.st_size, after.st_mtime_ns, None, "it changed while it was hashed")
        if time.time_ns() - max(after.st_mtime_ns, after.st_ctime_ns) > RACY:
            self._remember(after, sha256)
        return Hashed(after.st_size, after.st_mtime_ns, sha256, partial)

    def _digest(self, descriptor: int, size: int, stop: Callable[[], bool]) -> tuple[str, str | None]:
        if size > self.whole or self.read + size > self.total:
            return self._sampled(descriptor, size, stop)
        digest = hashlib.sha256()
        while block := os.read(descriptor, BLOCK):
            digest.update(block)
            self.read += len(block)
            if len(block) == BLOCK and stop():
                raise Stopped
        return digest.hexdigest(), None

    def _sampled(self, descriptor: int, size: int, stop: Callable[[], bool]) -> tuple[str, str]:
        """The digest of the size and of ``SAMPLED`` blocks that stand at even distances."""
        digest = hashlib.sha256(b"%d\n" % size)
        last = max(0, size - BLOCK)
        covered = 0
        for offset in sorted({last * number // (SAMPLED - 1) for number in range(SAMPLED)}):
            block = os.pread(descriptor, BLOCK, offset)
            digest.update(b"%d %d\n" % (offset, len(block)))
            digest.update(block)
            covered += len(block)
            self.read += len(block)
            if stop():
                raise Stopped
        return PARTIAL + digest.hexdigest(), f"{min(covered, size)} of {size} bytes were looked at"

    # Memory.

    def _remembered(self, found: os.stat_result) -> Hashed | None:
        with self._lock:
            if self._known is None:
                self._known = self._load()
            digest = self._known.get(_identity(found))
        if digest is None:
            return None
        partial = None
        if digest.startswith(PARTIAL):
            if found.st_size <= self.whole and self.read + found.st_size <= self.total:
                return None
            partial = f"parts of {found.st_size} bytes were looked at"
        return Hashed(found.st_size, found.st_mtime_ns, digest, partial)

    def _remember(self, found: os.stat_result, digest: str) -> None:
        identity = _identity(found)
        with self._lock:
            if self._known is not None:
                self._known[identity] = digest
            if self._memory is not None:
                self._unsaved.append(_line(identity, digest))

    def save(self) -> None:
        """Appends what is new to the file of remembered hashes (OSError where it takes nothing)."""
        with self._lock:
            lines, self._unsaved = self._unsaved, []
        if not lines or self._memory is None:
            return
        make_private(self._memory.parent)
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        descriptor = os.open(Ours(self._memory), flags, 0o600)
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise OSError(f"{self._memory} is no regular file")
            start = b"" if found.st_size else _HEADER
            if found.st_size and os.pread(descriptor, 1, found.st_size - 1) != b"\n":
                start = b"\n"  # somebody was interrupted
            os.write(descriptor, start + b"".join(lines))
        finally:
            os.close(descriptor)

    def _load(self) -> dict[Identity, str]:
        known: dict[Identity, str] = {}
        if self._memory is None:
            return known
        try:
            content = _tail(self._memory, MOST_REMEMBERED)
        except OSError:
            return known
        for line in content.splitlines(keepends=True):
            if (entry := _parsed(line)) is not None:
                known[entry[0]] = entry[1]
        if len(content) >= MOST_REMEMBERED:
            self._shorten(known)
        return known

    def _shorten(self, known: dict[Identity, str]) -> None:
        """Writes the later half anew. What others append meanwhile may be lost: those files are looked at again."""
        assert self._memory is not None
        lines = [_line(*entry) for entry in known.items()]
        partial = self._memory.with_name(f".{self._memory.name}-{os.urandom(8).hex()}")
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            with os.fdopen(os.open(Ours(partial), flags, 0o600), "wb") as stream:
                stream.write(_HEADER + b"".join(lines[len(lines) // 2 :]))
            partial.rename(self._memory)
        except OSError:
            partial.unlink(missing_ok=True)


def _identity(found: os.stat_result) -> Identity:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _line(identity: Identity, digest: str) -> bytes:
    body = " ".join([*map(str, identity), digest]).encode()
    return b"%s %08x\n" % (body, zlib.crc32(body))


def _parsed(line: bytes) -> tuple[Identity, str] | None:
    body, _, checksum = line.rpartition(b" ")
    if checksum != b"%08x\n" % zlib.crc32(body):
        return None
    fields = body.decode("ascii", "replace").split(" ")
    try:
        device, inode, size, mtime, ctime = map(int, fields[:-1])
    except ValueError:
        return None
    return (device, inode, size, mtime, ctime), fields[-1]


def _tail(path: Path, most: int) -> bytes:
    descriptor = os.open(Ours(path), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as stream:
        size = os.fstat(descriptor).st_size
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return b""
        stream.seek(max(0, size - most))
        return stream.read(most)
