"""Artifact files anywhere that fsspec reaches: object stores, file servers, memory."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, cast

from autotrack.core.addresses import shown
from autotrack.core.artifact_paths import TEMPORARY, UPLOADS, check_artifact_path
from autotrack.core.entities import ArtifactRecord, Entry
from autotrack.core.errors import ArtifactError, NotFoundError
from autotrack.core.private import Ours

from .local import BLOCK, check_content


class FsspecArtifacts:
    """Artifacts under a URI such as ``s3://bucket/folder``; the same methods as ``LocalArtifacts``.

    A file is uploaded under a temporary name, its size compared, and then given its name, so that no reader sees a
    part of it.
    """

    def __init__(self, uri: str) -> None:
        try:
            import fsspec
        except ImportError as error:
            raise ArtifactError(f"artifacts at {shown(uri)} need fsspec: pip install fsspec") from error
        try:
            self._fs, root = fsspec.core.url_to_fs(uri)
        except (ImportError, ValueError) as error:
            raise ArtifactError(
                f"artifacts at {shown(uri)} cannot be reached ({str(error).replace(uri, shown(uri))})"
            ) from error
        self.uri = uri
        self._root = str(root).rstrip("/")

    def put_file(self, run_folder: str, path: str, source: Path, *, durable: bool = True) -> ArtifactRecord:
        """Stores a copy of a file; ``size`` and ``sha256`` are of the bytes that were really stored."""
        try:
            with open(Ours(source), "rb") as stream:
                return self.put_blocks(run_folder, path, iter(lambda: stream.read(BLOCK), b""))
        except FileNotFoundError as error:
            raise ArtifactError(f"could not read {source} to store it as {path!r} ({error.strerror})") from error

    def put_bytes(self, run_folder: str, path: str, data: bytes, *, durable: bool = True) -> ArtifactRecord:
        """Stores bytes as a file."""
        return self.put_blocks(run_folder, path, iter((data,)))

    def put_blocks(
        self, run_folder: str, path: str, blocks: Iterator[bytes], *, durable: bool = True, sha256: str | None = None
    ) -> ArtifactRecord:
        """Stores bytes as they come. Where they are not those of ``sha256``, nothing is stored (ArtifactError); nor is
        anything where ``blocks`` raises."""
        target = self._at(run_folder, *check_artifact_path(path))
        folder = target.rpartition("/")[0]
        partial = f"{folder}/{TEMPORARY}{secrets.token_hex(8)}"
        digest, size = hashlib.sha256(), 0
        with _explained("store", path):
            self._fs.makedirs(folder, exist_ok=True)
            try:
                with self._fs.open(partial, "wb") as stream:
                    for block in blocks:
                        stream.write(block)
                        digest.update(block)
                        size += len(block)
                check_content(path, digest.hexdigest(), sha256)
                arrived = self._fs.info(partial)["size"]
                if arrived != size:
                    raise ArtifactError(
                        f"of the artifact {path!r} {arrived:,} of {size:,} bytes arrived; store it again"
                    )
                self._fs.mv(partial, target)
            except BaseException:
                if self._fs.exists(partial):
                    self._fs.rm_file(partial)
                raise
        return ArtifactRecord(path, size, digest.hexdigest())

    def open(self, run_folder: str, path: str) -> BinaryIO:
        """The file, open for reading (NotFoundError where there is none)."""
        with _explained("read", path):
            self._fs.invalidate_cache()  # what another process has stored since is in no listing
            return cast(BinaryIO, self._fs.open(self._at(run_folder, *check_artifact_path(path)), "rb"))

    def signed_url(self, run_folder: str, path: str, *, seconds: int, write: bool = False) -> str:
        """An address at which one file can be read, or written, for a while without credentials.

        ArtifactError where the storage signs none.
        """
        target = self._at(run_folder, *check_artifact_path(path))
        try:
            with _explained("sign", path):
                method = {"client_method": "put_object"} if write else {}
                return str(self._fs.sign(target, expiration=seconds, **method))
        except (NotImplementedError, TypeError) as error:
            raise ArtifactError(f"artifacts at {shown(self.uri)} have no signed addresses ({error})") from error

    def list(self, run_folder: str, path: str = "") -> list[Entry]:
        """What is in a folder of a run's artifacts, by name; none where there is no such folder."""
        folder = self._at(run_folder, *_inside(path))
        try:
            with _explained("list", path):
                self._fs.invalidate_cache()
                found: list[dict[str, Any]] = self._fs.ls(folder, detail=True)
        except NotFoundError:
            return []
        entries = []
        for item in found:
            name = str(item["name"]).rstrip("/").rpartition("/")[2]
            is_folder = item["type"] == "directory"
            of_file = str(item["name"]).strip("/") == folder.strip("/")  # what was asked for is no folder itself
            if not name.startswith(TEMPORARY) and not of_file:
                entries.append(
                    Entry(f"{path}/{name}" if path else name, 0 if is_folder else int(item["size"]), is_folder)
                )
        return sorted(entries, key=lambda entry: entry.path)

    def delete(self, run_folder: str, path: str = "") -> int:
        """Removes a file or a whole folder, all of the run's where ``path`` is empty; answers the bytes freed."""
        target = self._at(run_folder, *_inside(path))
        with _explained("delete", path):
            self._fs.invalidate_cache()
            freed = int(self._fs.du(target))
            self._fs.rm(target, recursive=True)
        return freed

    def leavings(self) -> Iterator[tuple[str, int, float]]:
        """What was on its way when whoever stored it died: paths under the root, sizes, when each was written (seconds
        since the epoch). Files without a known time are none."""
        with _explained("list", UPLOADS):
            self._fs.invalidate_cache()
            found: dict[str, dict[str, Any]] = self._fs.find(self._root, detail=True)
        for name, info in found.items():
            path = name.removeprefix(self._root).strip("/")
            written = _written(info)
            if written is not None and (
                path.rpartition("/")[2].startswith(TEMPORARY) or path.startswith(f"{UPLOADS}/")
            ):
                yield path, int(info.get("size") or 0), written

    def remove_leaving(self, path: str) -> None:
        """Removes a file that ``leavings`` named (NotFoundError)."""
        with _explained("delete", path):
            self._fs.rm_file(f"{self._root}/{path}")

    def _at(self, run_folder: str, *segments: str) -> str:
        return "/".join((self._root, *check_artifact_path(run_folder), *segments))


def _written(info: dict[str, Any]) -> float | None:
    """When a file was written, in whatever words its storage says so."""
    for word in ("LastModified", "last_modified", "mtime", "updated", "created"):
        found = info.get(word)
        if isinstance(found, datetime):
            return found.timestamp()
        if isinstance(found, int | float):
            return float(found)
    return None


def _inside(path: str) -> tuple[str, ...]:
    return check_artifact_path(path) if path else ()


@contextmanager
def _explained(verb: str, path: str) -> Iterator[None]:
    """The storage's errors as ours, which name the artifact."""
    try:
        yield
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no artifact {path!r} to {verb}") from error
    except (OSError, ValueError, RuntimeError) as error:
        raise ArtifactError(f"could not {verb} the artifact {path!r} ({error})") from error
