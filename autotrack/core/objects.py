"""Content kept under its own sha256: written once however many sessions and runs refer to it.

    objects/ab/cdef...     zlib-compressed where that helps; the name is the digest of the content itself

A file is there whole or not at all (temporary name, then rename), private to its owner, and checked when it is read.
When it was last put is its mtime: a clean-up takes only what nobody has put for a while.
"""

from __future__ import annotations

import hashlib
import os
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

from .errors import ArtifactError, NotFoundError
from .private import make_private

_DIGEST = re.compile(r"[0-9a-f]{64}")
_RAW, _DEFLATED = b"\x00", b"\x01"
#: Contents below this are kept as they are: compressing them saves nothing on a disk of 4 KiB blocks.
_SMALL = 512


def is_digest(text: str) -> bool:
    """True for a sha256 as 64 hexadecimal digits."""
    return _DIGEST.fullmatch(text) is not None


def unpacked(digest: str, packed: bytes) -> bytes | None:
    """The content that a file of an object holds; None where that is not the content with this sha256."""
    try:
        content = zlib.decompress(packed[1:]) if packed[:1] == _DEFLATED else packed[1:]
    except zlib.error:
        return None
    return content if hashlib.sha256(content).hexdigest() == digest else None


class Objects:
    """The objects under one folder. Any number of processes may write the same ones at once."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, content: bytes) -> str:
        """Keeps content; answers its sha256 as hexadecimal digits (OSError where the disk takes nothing)."""
        digest = hashlib.sha256(content).hexdigest()
        path = self.path(digest)
        if not self.renew(digest):
            packed = zlib.compress(content, 6) if len(content) >= _SMALL else content
            kind = _DEFLATED if len(packed) < len(content) else _RAW
            self._write(path, kind + (packed if kind == _DEFLATED else content))
        return digest

    def renew(self, digest: str) -> bool:
        """True where the content is kept: from now on as if it had just been put, if this user may touch it."""
        path = self.path(digest)
        try:
            os.utime(path)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:
            return path.exists()
        return True

    def get(self, digest: str) -> bytes:
        """The content with that sha256. NotFoundError where it is not kept, ArtifactError where it has changed."""
        path = self.path(digest)
        try:
            packed = path.read_bytes()
        except FileNotFoundError:
            raise NotFoundError(f"there is no object {digest} in {self.root}") from None
        content = unpacked(digest, packed)
        if content is None:
            raise ArtifactError(f"the object {digest} in {self.root} is not what was written: its bytes have changed")
        return content

    def read_again(self) -> Iterator[tuple[str, bytes | None]]:
        """Everything that is kept, as it is where it is kept; None for what is not as it was written."""
        for digest in self:
            try:
                packed = self.path(digest).read_bytes()
            except FileNotFoundError:
                continue  # a clean-up has just taken it
            yield digest, unpacked(digest, packed)

    def has(self, digest: str) -> bool:
        """True where the content is kept."""
        return self.path(digest).exists()

    def __iter__(self) -> Iterator[str]:
        """The digests of everything that is kept."""
        if not self.root.is_dir():
            return
        for folder in sorted(self.root.iterdir()):
            if len(folder.name) == 2 and folder.is_dir():
                for file in sorted(folder.iterdir()):
                    if _DIGEST.fullmatch(folder.name + file.name):
                        yield folder.name + file.name

    def path(self, digest: str) -> Path:
        """Where the content with that sha256 is, or would be, kept (NotFoundError for what is no sha256)."""
        if not _DIGEST.fullmatch(digest):
            raise NotFoundError(f"{digest[:80]!r} is no sha256: 64 hexadecimal digits are wanted")
        return self.root / digest[:2] / digest[2:]

    @staticmethod
    def _write(path: Path, packed: bytes) -> None:
        make_private(path.parent)
        partial = path.with_name(f".{path.name[:16]}-{os.urandom(8).hex()}")
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb", buffering=0) as stream:
                view = memoryview(packed)
                while view:
                    view = view[stream.write(view) :]
            partial.rename(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
