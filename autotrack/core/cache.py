"""Files that were fetched from a server or an object store, kept under their sha256 in a private folder.

    cache/<sha256>           whole, and of that content
    cache/.part-<sha256>     on its way: a fetch that was cut goes on from there

What was not used for longest goes when the cache is larger than it may be.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from .errors import ArtifactError
from .private import Ours, make_private

#: Bytes that fetched files may take in all.
MOST_BYTES = 10 << 30
BLOCK = 1 << 20
_PART = ".part-"

log = logging.getLogger("autotrack.cache")

#: Gives a file's bytes from an offset on.
Source = Callable[[int], Iterator[bytes]]


class Cache:
    """The fetched files under one folder. Any number of processes may use it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def open(self, sha256: str) -> BinaryIO | None:
        """The file of that content, open for reading; None where it is not here, or not as it was."""
        path = self.root / sha256
        try:
            descriptor = os.open(Ours(path), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return None
        file = os.fdopen(descriptor, "rb")
        if digest_of(file) == sha256:
            with suppress(OSError):
                os.utime(path)
            return file
        file.close()
        path.unlink(missing_ok=True)
        return None

    def fetch(self, sha256: str, size: int, source: Source, told: Callable[[int], None] = lambda done: None) -> None:
        """Brings a file here; what came of it before is not asked for again. ``told`` gets the bytes that are here.

        ArtifactError where what comes is not of that content: nothing of it is kept then.
        """
        make_private(self.root)
        part = self.root / f"{_PART}{sha256}"
        descriptor = os.open(Ours(part), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # another process fetches the same
            os.close(descriptor)
            part = self.root / f"{_PART}{secrets.token_hex(16)}"
            descriptor = os.open(Ours(part), os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            digest, start = hashlib.sha256(), 0
            while start < size and (block := file.read(min(BLOCK, size - start))):
                digest.update(block)
                start += len(block)
            file.seek(start)
            file.truncate()
            if start < size:
                for block in source(start):
                    file.write(block)
                    digest.update(block)
                    start += len(block)
                    told(start)
            file.flush()
            if start < size:
                raise ArtifactError(f"{start:,} of {size:,} bytes came; ask again, it goes on from there")
            if digest.hexdigest() != sha256:
                part.unlink(missing_ok=True)
                raise ArtifactError(f"what came has the sha256 {digest.hexdigest()}, not {sha256}: ask again")
            part.rename(self.root / sha256)
        self._make_room(keep=sha256)

    def _make_room(self, keep: str) -> None:
        """Removes what was not used for longest, until the rest is no more than it may be."""
        found = []
        with os.scandir(self.root) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):
                    info = entry.stat(follow_symlinks=False)
                    found.append((info.st_mtime, info.st_size, entry.name))
        total = sum(size for _, size, _ in found)
        for _, size, name in sorted(found):
            if total <= MOST_BYTES:
                return
            if name != keep:
                (self.root / name).unlink(missing_ok=True)
                total -= size


def digest_of(file: BinaryIO) -> str:
    """The sha256 of what an open file holds; it stands at its beginning again."""
    digest = hashlib.sha256()
    file.seek(0)
    while block := file.read(BLOCK):
        digest.update(block)
    file.seek(0)
    return digest.hexdigest()
