"""Files of runs on a server: sent whole or in parts, fetched into a private cache, of the sha256 announced."""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from autotrack.core.artifact_paths import check_artifact_path
from autotrack.core.cache import BLOCK, Cache, digest_of
from autotrack.core.entities import ArtifactRecord, Entry
from autotrack.core.errors import ArtifactError, NotFoundError, StoreError, UsageError
from autotrack.core.journal.named_files import Place, Progress
from autotrack.core.private import TEMPORARY, Ours

from .connection import Connection

#: Bytes up to which a file is sent as one request, and of each part of a larger one. Part of the protocol: an upload
#: that was begun goes on only in parts of the same size.
PART = 8 << 20
#: Seconds that a server may take to put the parts of a large file together.
JOINING = 900.0

_API = ("api", "v1", "runs")
_MODELS = ("api", "v1", "logged-models")


class RemoteArtifacts:
    """The files of a server's runs (``core.sink.Artifacts``). ``place`` is this machine's folder for that server.

    ``progress`` is told of each file that goes or comes, where somebody waits for it.
    """

    def __init__(self, connection: Connection, place: Path, progress: Progress | None = None) -> None:
        self._connection = connection
        self._place = place
        self._cache = Cache(place / "cache")
        self.progress = progress

    # Sending.

    def put_artifact(
        self,
        run: str,
        record: ArtifactRecord,
        file: BinaryIO,
        *,
        deadline: float | None = None,
        progress: Progress | None = None,
    ) -> bool:
        """Sends a file of a run that is ``record``; False where the deadline (``time.monotonic()``) came first: it goes
        on where it was the next time. ArtifactError where the file is another by now."""
        size = os.fstat(file.fileno()).st_size
        if size != record.size:
            raise ArtifactError(f"the artifact {record.path!r} has {size:,} bytes by now, not {record.size:,}")
        if size > PART:
            return self._send_parts(run, record, file, deadline, progress or self.progress)
        data = file.read()
        if hashlib.sha256(data).hexdigest() != record.sha256:
            raise ArtifactError(f"the artifact {record.path!r} is not what was kept: its bytes have changed")
        self._send_bytes(run, record.path, data, record.sha256, deadline)
        return True

    def _send_bytes(self, run: str, path: str, data: bytes, sha256: str, deadline: float | None = None) -> None:
        self._connection.json("PUT", *_file(run, path), query={"sha256": sha256}, body=data, deadline=deadline)

    def _send_parts(
        self, run: str, record: ArtifactRecord, file: BinaryIO, deadline: float | None, progress: Progress | None
    ) -> bool:
        wanted = {"path": record.path, "size": record.size, "sha256": record.sha256, "part": PART}
        begun = self._connection.send("POST", *_API, run, "uploads", document=wanted, deadline=deadline)
        if begun.get("done"):
            return True
        upload, here = str(begun["upload"]), set(begun["parts"])
        for number in range(-(-record.size // PART)):
            if number not in here:
                if deadline is not None and time.monotonic() > deadline:
                    return False
                file.seek(number * PART)
                data = file.read(PART)
                self._connection.json(
                    "PUT",
                    *(*_API, run, "uploads", upload, str(number)),
                    query={"sha256": hashlib.sha256(data).hexdigest()},
                    body=data,
                )
            if progress is not None:
                progress(record.path, min(record.size, (number + 1) * PART), record.size)
        if deadline is not None and time.monotonic() > deadline:
            return False
        self._connection.send("POST", *_API, run, "uploads", upload, document=wanted, patience=JOINING)
        return True

    def put_file(self, run_folder: str, path: str, source: Path, *, durable: bool = True) -> ArtifactRecord:
        """Sends a copy of a file; ``size`` and ``sha256`` are of the bytes that the server has stored."""
        try:
            with open(Ours(source), "rb") as file:
                record = ArtifactRecord(path, os.fstat(file.fileno()).st_size, digest_of(file))
                self.put_artifact(_run(run_folder), record, file)
        except OSError as error:
            raise ArtifactError(f"could not read {source} to store it as {path!r} ({error.strerror})") from error
        return record

    def put_bytes(self, run_folder: str, path: str, data: bytes, *, durable: bool = True) -> ArtifactRecord:
        """Sends bytes as a file."""
        return self.put_blocks(run_folder, path, iter((data,)))

    def put_blocks(
        self, run_folder: str, path: str, blocks: Iterator[bytes], *, durable: bool = True, sha256: str | None = None
    ) -> ArtifactRecord:
        """Sends bytes as they come, if they are those of ``sha256`` (ArtifactError)."""
        check_artifact_path(path)
        digest, size = hashlib.sha256(), 0
        with tempfile.TemporaryFile(prefix=TEMPORARY) as file:
            for block in blocks:
                file.write(block)
                digest.update(block)
                size += len(block)
            file.flush()
            file.seek(0)
            record = ArtifactRecord(path, size, digest.hexdigest())
            if sha256 is not None and record.sha256 != sha256.lower():
                raise ArtifactError(f"what came as the artifact {path!r} has the sha256 {record.sha256}, not {sha256}")
            self.put_artifact(_run(run_folder), record, file)
        return record

    def delete(self, run_folder: str, path: str = "") -> int:
        """Removes a file or a folder of a run; what it frees, the server knows."""
        if not path:
            raise UsageError("the files of a run on a server go with the run: `autotrack gc` there")
        self._connection.send("DELETE", *_file(_run(run_folder), path))
        return 0

    # Fetching.

    def open(self, run_folder: str, path: str) -> BinaryIO:
        """The file, fetched where it is not in the cache, open for reading (NotFoundError where there is none)."""
        model = _logged(run_folder, path)
        if model is not None:
            return self._unrecorded((*_MODELS, model[0], "artifacts", *check_artifact_path(model[1])))
        run = _run(run_folder)
        with self._connection.open("HEAD", *_file(run, path)) as response:
            tag = response.headers.get("ETag", "").strip('"')
            size = int(response.headers.get("Content-Length", "0"))
        if len(tag) != 64:
            return self._unrecorded(_file(run, path))
        found = self._cache.open(tag) or self._own(run, path, tag, size)
        if found is None:
            self._fetch(run, path, tag, size)
            found = self._cache.open(tag)
        if found is None:
            raise ArtifactError(f"the artifact {path!r} was fetched, and is not as it came; is the disk full?")
        return found

    def _own(self, run: str, path: str, sha256: str, size: int) -> BinaryIO | None:
        """The file where this machine itself has written it, if it is that one still."""
        file = Place(self._place).open(run, path)
        if file is None:
            return None
        if os.fstat(file.fileno()).st_size == size and digest_of(file) == sha256:
            return file
        file.close()
        return None

    def _fetch(self, run: str, path: str, sha256: str, size: int) -> None:
        def source(start: int) -> Iterator[bytes]:
            headers = {"Range": f"bytes={start}-", "If-Range": f'"{sha256}"'} if start else {}
            with self._connection.open("GET", *_file(run, path), headers=headers) as response:
                if start and response.status != 206:
                    raise ArtifactError(f"the artifact {path!r} has changed while it was fetched; ask again")
                yield from self._connection.reading(response, BLOCK)

        progress = self.progress
        told: Callable[[int], None] = (lambda done: progress(path, done, size)) if progress else lambda done: None
        try:
            self._cache.fetch(sha256, size, source, told)
        except OSError as error:
            raise ArtifactError(
                f"could not fetch the artifact {path!r} into {self._place} ({error.strerror}); is there space?"
            ) from error

    def _unrecorded(self, route: tuple[str, ...]) -> BinaryIO:
        """A file that no record says the sha256 of: it is not kept here."""
        file = tempfile.TemporaryFile(prefix=TEMPORARY)  # noqa: SIM115 - whoever asked closes it
        with self._connection.open("GET", *route) as response:
            for block in self._connection.reading(response, BLOCK):
                file.write(block)
        file.seek(0)
        return file

    def list(self, run_folder: str, path: str = "") -> list[Entry]:
        """What is in a folder of a run's files, by name; none where there is no such folder."""
        model = _logged(run_folder, path)
        base, path = ((*_API, _run(run_folder)), path) if model is None else ((*_MODELS, model[0]), model[1])
        above = "" if model is None or model[0] in run_folder.split("/") else f"{model[0]}/"
        try:
            found = self._connection.get(*base, "artifacts", query={"path": path})["files"]
            return [Entry(f"{above}{each['path']}", int(each["size"]), bool(each["is_folder"])) for each in found]
        except NotFoundError:
            return []
        except (TypeError, KeyError, ValueError) as error:
            raise StoreError(f"{self._connection.shown} answered with no list of files ({error})") from None


def _logged(folder: str, path: str) -> tuple[str, str] | None:
    """The id of a logged model and a path in it, where a folder ``<experiment>/models`` or one below is meant."""
    segments = [*check_artifact_path(folder), *(check_artifact_path(path) if path else ())]
    return (segments[2], "/".join(segments[3:])) if len(segments) > 2 and segments[1] == "models" else None


def _run(run_folder: str) -> str:
    return check_artifact_path(run_folder)[-1]


def _file(run: str, path: str) -> tuple[str, ...]:
    return (*_API, run, "artifacts", *check_artifact_path(path))
