"""Artifact files on this machine: whole or not there at all, and never outside their root.

The training process uses this module: it imports no SQL, no numpy and no fsspec.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from autotrack.core.artifact_paths import TEMPORARY, check_artifact_path
from autotrack.core.entities import ArtifactRecord, Entry
from autotrack.core.errors import ArtifactError, NotFoundError
from autotrack.core.private import Ours, make_private

BLOCK = 1 << 20
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Not blocking, so that a pipe that somebody planted does not hang us before it is seen to be one.
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def check_content(path: str, found: str, wanted: str | None) -> None:
    """ArtifactError where content that has arrived is not what was announced (None: nothing was)."""
    if wanted is not None and found != wanted.lower():
        raise ArtifactError(
            f"what arrived as the artifact {path!r} has the sha256 {found}, not {wanted[:64]}; send it again"
        )


class LocalArtifacts:
    """Artifacts under a folder. ``run_folder`` is relative to it, such as ``<experiment>/<run>``.

    Names pass ``check_artifact_path``; folders are opened one by one without following links. All methods raise
    ArtifactError where a path is refused or the disk does not do its part.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def put_file(self, run_folder: str, path: str, source: Path, *, durable: bool = True) -> ArtifactRecord:
        """Stores a copy of a file; ``size`` and ``sha256`` are of the bytes that were really stored.

        ``durable=False`` leaves out the fsyncs: the file survives the process, not a power cut.
        """
        try:
            descriptor = os.open(Ours(source), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            raise ArtifactError(f"could not read {source} to store it as {path!r} ({error.strerror})") from error
        with os.fdopen(descriptor, "rb", buffering=0) as stream:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise ArtifactError(f"{source} is not a regular file, so it cannot be stored as {path!r}")
            blocks = _blocks(stream, os.fstat(descriptor).st_size)
            return self.put_blocks(run_folder, path, blocks, durable=durable)

    def put_bytes(self, run_folder: str, path: str, data: bytes, *, durable: bool = True) -> ArtifactRecord:
        """Stores bytes as a file."""
        return self.put_blocks(run_folder, path, iter((data,)), durable=durable)

    def put_blocks(
        self, run_folder: str, path: str, blocks: Iterator[bytes], *, durable: bool = True, sha256: str | None = None
    ) -> ArtifactRecord:
        """Stores bytes as they come. Where they are not those of ``sha256``, nothing is stored (ArtifactError); nor is
        anything where ``blocks`` raises."""
        *folders, name = check_artifact_path(path)
        partial = f"{TEMPORARY}{secrets.token_hex(8)}"
        digest, size = hashlib.sha256(), 0
        with _explained("store", path), self._folder((*check_artifact_path(run_folder), *folders), make=True) as folder:
            descriptor = os.open(Ours(partial), CREATE, 0o600, dir_fd=folder)
            try:
                with os.fdopen(descriptor, "wb", buffering=0) as stream:
                    os.fchmod(descriptor, 0o600)
                    for block in blocks:
                        _write(descriptor, block)
                        digest.update(block)
                        size += len(block)
                    if durable:
                        os.fsync(stream.fileno())
                check_content(path, digest.hexdigest(), sha256)
                os.rename(partial, name, src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:
                _forget(partial, folder)
                raise
            if durable:
                os.fsync(folder)
        return ArtifactRecord(path, size, digest.hexdigest())

    def open(self, run_folder: str, path: str) -> BinaryIO:
        """The file, open for reading (NotFoundError where there is none)."""
        *folders, name = check_artifact_path(path)
        with _explained("read", path), self._folder((*check_artifact_path(run_folder), *folders)) as folder:
            descriptor = os.open(Ours(name), READ, dir_fd=folder)
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                os.close(descriptor)
                raise ArtifactError(f"the artifact {path!r} is not a file")
            return os.fdopen(descriptor, "rb")

    def list(self, run_folder: str, path: str = "") -> list[Entry]:
        """What is in a folder of a run's artifacts, by name; none where there is no such folder."""
        inside = check_artifact_path(path) if path else ()
        entries: list[Entry] = []
        try:
            with _explained("list", path), self._folder((*check_artifact_path(run_folder), *inside)) as folder:
                for name in sorted(os.listdir(folder)):  # noqa: PTH208 - a descriptor, not a path
                    info = os.stat(name, dir_fd=folder, follow_symlinks=False)
                    is_folder = stat.S_ISDIR(info.st_mode)
                    if not name.startswith(TEMPORARY) and (is_folder or stat.S_ISREG(info.st_mode)):
                        size = 0 if is_folder else info.st_size
                        entries.append(Entry("/".join((*inside, name)), size, is_folder))
        except NotFoundError:
            return []
        return entries

    def delete(self, run_folder: str, path: str = "") -> int:
        """Removes a file or a whole folder, all of the run's where ``path`` is empty; answers the bytes freed."""
        inside = check_artifact_path(path) if path else ()
        *folders, name = (*check_artifact_path(run_folder), *inside)
        with _explained("delete", path), self._folder(tuple(folders)) as folder:
            return _remove(name, folder)

    def _open_root(self, make: bool) -> int:
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
        try:
            return os.open(Ours(self.root), flags)
        except FileNotFoundError:
            if not make:
                raise
            make_private(self.root)
            return os.open(Ours(self.root), flags)

    @contextmanager
    def _folder(self, segments: tuple[str, ...], *, make: bool = False) -> Iterator[int]:
        """A descriptor of a folder under the root, made on the way if asked; no link is followed."""
        current = self._open_root(make)
        try:
            for segment in segments:
                try:
                    below = os.open(Ours(segment), FOLDER, dir_fd=current)
                except FileNotFoundError:  # most are there already: a fit puts ten files into one folder
                    if not make:
                        raise
                    _make_folder(segment, current)
                    below = os.open(Ours(segment), FOLDER, dir_fd=current)
                os.close(current)
                current = below
            yield current
        finally:
            os.close(current)


def _make_folder(name: str, folder: int) -> None:
    try:
        os.mkdir(name, 0o700, dir_fd=folder)
    except FileExistsError:
        return
    os.chmod(name, 0o700, dir_fd=folder)


def _blocks(stream: FileIO, size: int) -> Iterator[bytes]:
    """What the file held when it was opened: one that grows as fast as it is read would never end.

    Files of the kernel's (under /proc) say that they are empty: those are read to their end.
    """
    left = size or sys.maxsize
    while left > 0 and (block := stream.read(min(BLOCK, left))):
        left -= len(block)
        yield block


def _write(descriptor: int, block: bytes) -> None:
    view = memoryview(block)
    while view:
        view = view[os.write(descriptor, view) :]


def _forget(name: str, folder: int) -> None:
    try:
        os.unlink(name, dir_fd=folder)
    except OSError:
        return  # gc finds what is left


def _remove(name: str, folder: int) -> int:
    info = os.stat(name, dir_fd=folder, follow_symlinks=False)
    if not stat.S_ISDIR(info.st_mode):
        os.unlink(name, dir_fd=folder)
        return info.st_size if stat.S_ISREG(info.st_mode) else 0
    below = os.open(Ours(name), FOLDER, dir_fd=folder)
    try:
        freed = sum(_remove(inner, below) for inner in os.listdir(below))  # noqa: PTH208
    finally:
        os.close(below)
    os.rmdir(name, dir_fd=folder)
    return freed


@contextmanager
def _explained(verb: str, path: str) -> Iterator[None]:
    """The system's errors as ours, which name the artifact."""
    try:
        yield
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no artifact {path!r} to {verb}") from error
    except OSError as error:
        raise ArtifactError(f"could not {verb} the artifact {path!r} ({error.strerror})") from error
