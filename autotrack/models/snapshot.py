"""A private copy of a model folder: each file is read once, and what was checked is what is loaded.

Somebody who can write to the folder could swap a file between a check and the loading. So the bytes go into a folder
that only this user can enter, their digests are taken on the way, and loaders see nothing but the copy.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from autotrack.core.errors import ArtifactError
from autotrack.core.private import TEMPORARY, Ours

from .manifest import FILE, FileDigest, digest_of, is_ignored, verify

BLOCK = 1 << 20
DEEPEST = 32
MOST_FILES = 100_000
#: Bytes of a model up to which its copy is made in memory, and where that is.
SMALL, _MEMORY = 16 << 20, "/dev/shm"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Not blocking, so that a pipe in the folder does not hang us before it is seen to be one.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A checked copy: ``folder`` (mode 0700) of what is in ``source``, with its files' digests by relative path.

    ``digest`` stands for the whole folder; ``sealed`` is True where a manifest was there and holds.
    """

    folder: Path
    source: Path
    files: dict[str, FileDigest]
    digest: str
    sealed: bool

    def discard(self) -> None:
        """Removes the copy."""
        shutil.rmtree(self.folder, ignore_errors=True)


def take(source: Path, expected: str | None = None) -> Snapshot:
    """A private copy of a model folder, held against its manifest and the digest that somebody else kept.

    ArtifactError where a file was changed, is missing or is too many, is a link or no file, or cannot be read or
    copied; nothing of it was parsed then.
    """
    try:
        copy = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=_place(source)))
    except OSError as error:
        raise ArtifactError(f"there is nowhere to copy the model in {source} to ({error}); set TMPDIR") from error
    try:
        files = dict(_copied(source, copy))
        manifest = (copy / FILE).read_bytes() if FILE in files else None
        sealed = verify(manifest, files, source, expected)
        return Snapshot(copy, source, files, digest_of(files), sealed)
    except OSError as error:
        shutil.rmtree(copy, ignore_errors=True)
        raise ArtifactError(f"the model in {source} cannot be read: {error.strerror} ({error.filename})") from error
    except BaseException:
        shutil.rmtree(copy, ignore_errors=True)
        raise


def _place(source: Path) -> str | None:
    """Memory for what is small, where there is a file system in it; else where temporary files go."""
    if not os.access(_MEMORY, os.W_OK | os.X_OK):
        return None
    size = sum(file.lstat().st_size for file in source.rglob("*"))
    return _MEMORY if size <= SMALL else None


def digests(source: Path) -> dict[str, FileDigest]:
    """The digests of a folder's files, without a copy."""
    return dict(_copied(source, None))


def _copied(source: Path, copy: Path | None) -> Iterator[tuple[str, FileDigest]]:
    top = os.open(source, _FOLDER & ~os.O_NOFOLLOW)  # the folder itself may be reached by a link, its files may not
    count = 0
    try:
        for found in _walk(top, "", source, copy, 0):
            count += 1
            if count > MOST_FILES:
                raise ArtifactError(f"{source} holds more than {MOST_FILES:,} files, which no model does")
            yield found
    finally:
        os.close(top)


def _walk(folder: int, inside: str, source: Path, copy: Path | None, depth: int) -> Iterator[tuple[str, FileDigest]]:
    if depth > DEEPEST:
        raise ArtifactError(f"{source}/{inside} is more than {DEEPEST} folders deep, which no model is")
    for name in sorted(os.listdir(folder)):
        path = f"{inside}{name}"
        if is_ignored(path):
            continue
        mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
        if stat.S_ISDIR(mode):
            below = os.open(Ours(name), _FOLDER, dir_fd=folder)
            try:
                if copy is not None:
                    (copy / path).mkdir(0o700)
                yield from _walk(below, f"{path}/", source, copy, depth + 1)
            finally:
                os.close(below)
        elif stat.S_ISREG(mode):
            yield path, _file(name, folder, None if copy is None else copy / path, source / path)
        else:
            what = "a link" if stat.S_ISLNK(mode) else "neither a file nor a folder"
            raise ArtifactError(f"{source / path} is {what}, so the model is not loaded; put the file itself there")


def _file(name: str, folder: int, copy: Path | None, shown: Path) -> FileDigest:
    digest, size = hashlib.sha256(), 0
    source = os.open(Ours(name), _FILE, dir_fd=folder)
    with os.fdopen(source, "rb", buffering=0) as stream:
        if not stat.S_ISREG(os.fstat(source).st_mode):
            raise ArtifactError(f"{shown} is no file any more, so the model is not loaded")
        target = (
            None if copy is None else os.open(Ours(copy), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        )
        try:
            while block := stream.read(BLOCK):
                digest.update(block)
                size += len(block)
                view = memoryview(block)
                while target is not None and view:
                    view = view[os.write(target, view) :]
        finally:
            if target is not None:
                os.close(target)
    return FileDigest(digest.hexdigest(), size)
