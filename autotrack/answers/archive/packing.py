"""Writes runs, and all that is needed to understand them, into one file."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import os
import secrets
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from autotrack.core.entities import ArtifactRecord, RunRecord, Status
from autotrack.core.errors import ArchiveError, ArtifactError, NotFoundError, UsageError
from autotrack.core.gaps import Gap
from autotrack.core.version import __version__

from . import layout
from .telling import digests_in, lines_of, packed_points, run_records, session_records

if TYPE_CHECKING:
    from autotrack.core.sink import Sink

_BLOCK = 1 << 20
#: Opens what a member is to hold; it may be read twice.
Opened = Callable[[], IO[bytes]]
Progress = Callable[[int, int], None]
#: The part of a session that tells what an archive brought with it.
CARRIED = "capsule"


@dataclass(frozen=True, slots=True)
class Carried:
    """What goes with a session besides what was recorded: a part that names it, and contents (or files that have them)
    by their sha256. ``names`` are the files that go by value; ``left`` says what should and does not, ``withheld`` are
    contents that do not, though the store may have them."""

    part: Mapping[str, Any] = field(default_factory=dict)
    contents: Mapping[str, bytes | Path] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    left: tuple[Gap, ...] = ()
    withheld: frozenset[str] = frozenset()


Carry = Callable[[RunRecord], Carried]


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: the file, its size, the runs in it (ids, parents before children), the files that go by
    value besides, and what does not."""

    path: Path
    size: int
    runs: tuple[str, ...]
    carried: tuple[str, ...] = ()
    left: tuple[Gap, ...] = ()


def pack(
    sink: Sink,
    runs: Iterable[RunRecord],
    path: Path,
    *,
    replace: bool = False,
    carry: Carry | None = None,
    report: bytes | None = None,
    progress: Progress = lambda done, total: None,
) -> Exported:
    """Writes runs with their children, sessions, data, artifacts and objects to ``path``, whole or not at all.

    ``carry`` finds what is to go with a run's session, ``report`` is a page of HTML for whoever opens the file by hand;
    ``progress`` is told (bytes done, bytes in all).
    UsageError where a run has not ended or the file is there already (unless ``replace``); ArtifactError where an
    artifact is gone or has changed.
    """
    every = _with_children(sink, runs)
    if not every:
        raise UsageError("no run to export was named")
    running = [run.id[:8] for run in every if run.status is Status.RUNNING]
    if running:
        raise UsageError(f"{', '.join(running[:5])} has not ended yet; export it when its status is no longer RUNNING")
    if path.exists() and not replace:
        raise UsageError(f"{path} is there already; name another file, or say that it may be replaced (--replace)")
    partial = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                packer = _Packer(sink, stream, every, carry, report, progress)
                packer.write()
                stream.flush()
                os.fsync(stream.fileno())
            partial.rename(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ArchiveError(
            f"could not write {path} ({error.strerror or error}); is there space, and may you?"
        ) from error
    runs_in = tuple(run.id for run in every)
    return Exported(
        path, path.stat().st_size, runs_in, tuple(dict.fromkeys(packer.names)), tuple(dict.fromkeys(packer.left))
    )


def _with_children(sink: Sink, runs: Iterable[RunRecord]) -> list[RunRecord]:
    found: dict[str, RunRecord] = {}
    waiting = list(runs)
    for run in waiting:
        if run.id not in found:
            found[run.id] = run
            waiting += sink.runs(children_of=run.id, max_results=1_000_000)
    return list(found.values())


class _Packer:
    """Writes the members of one archive."""

    def __init__(
        self,
        sink: Sink,
        stream: IO[bytes],
        runs: list[RunRecord],
        carry: Carry | None,
        report: bytes | None,
        progress: Progress,
    ) -> None:
        self.sink = sink
        self.stream = stream
        self.runs = runs
        self.carry = carry
        self.report = report
        self.carried: dict[str, bytes | Path] = {}
        self.withheld: set[str] = set()
        self.names: list[str] = []
        self.left: list[Gap] = []
        self.progress = progress
        self.done = 0
        self.total = sum(file.size for run in runs for file in run.artifacts)
        self.members: dict[str, dict[str, Any]] = {}

    def write(self) -> None:
        with zipfile.ZipFile(self.stream, "w", zipfile.ZIP_DEFLATED) as archive:
            mentioned: set[str] = set()
            for run in self.runs:
                series, points = packed_points(self.sink, run)
                lines = lines_of(run_records(run, series))
                mentioned |= digests_in(lines)
                self._add(archive, layout.records_of_run(run.id), _held(lines), len(lines))
                if points:
                    self._add(archive, layout.points_of_run(run.id), _held(points), len(points))
            for session, run in {run.session: run for run in reversed(self.runs) if run.session}.items():
                mentioned |= self._session(archive, session, run)
            for run in self.runs:
                for file in run.artifacts:
                    self._artifact(archive, run, file)
            for digest in sorted(mentioned - self.withheld):
                self._object(archive, digest)
            if self.report is not None:
                self._add(archive, layout.REPORT, _held(self.report), len(self.report))
            number = layout.FORMAT if self.report is not None else layout.WITHOUT_REPORT
            manifest = {"archive": number, "by": f"autotrack {__version__}"}
            document = {**manifest, "runs": [run.id for run in self.runs], "members": self.members}
            archive.writestr(_info(layout.MANIFEST), json.dumps(document, indent=1, sort_keys=True))

    def _session(self, archive: zipfile.ZipFile, session_id: str, run: RunRecord) -> set[str]:
        try:
            session = self.sink.session(session_id)
        except NotFoundError:
            return set()
        if self.carry is not None:
            found = self.carry(run)
            self.carried.update(found.contents)
            self.withheld |= found.withheld
            self.names += found.names
            self.left += found.left
            parts = {name: part for name, part in session.parts.items() if name != CARRIED}
            session = dataclasses.replace(session, parts=parts | ({CARRIED: found.part} if found.part else {}))
        lines = lines_of(
            session_records(session, self.sink.files(sessions=[session_id]), self.sink.console(session_id))
        )
        self._add(archive, layout.records_of_session(session_id), _held(lines), len(lines))
        return digests_in(lines)

    def _object(self, archive: zipfile.ZipFile, digest: str) -> None:
        name, brought = layout.content_of_object(digest), self.carried.get(digest)
        if isinstance(brought, Path):
            if self._add(archive, name, lambda: brought.open("rb"), brought.stat().st_size) != digest:
                raise ArtifactError(f"{brought} was changed while it was packed; export again")
            return
        try:
            content = self.sink.objects.get(digest) if brought is None else brought
        except NotFoundError:
            return  # a sha256 of something that is no object: a file's, say
        self._add(archive, name, _held(content), len(content))

    def _artifact(self, archive: zipfile.ZipFile, run: RunRecord, file: ArtifactRecord) -> None:
        name = layout.content_of_artifact(file.sha256)
        if name not in self.members:
            digest = self._add(archive, name, lambda: self.sink.artifacts.open(run.files, file.path), file.size)
            if digest != file.sha256:
                raise ArtifactError(
                    f"the artifact {file.path!r} of run {run.id[:8]} is not what was kept: its bytes have changed; "
                    "a run whose files have changed cannot be exported"
                )
        self.done += file.size
        self.progress(self.done, self.total)

    def _add(self, archive: zipfile.ZipFile, name: str, opened: Opened, size: int) -> str:
        """Writes one member; answers its sha256."""
        if size > layout.largest(name):
            raise ArchiveError(f"{name} has {size:,} bytes, too many for an archive; leave out what makes it so large")
        digest, written = hashlib.sha256(), 0
        info = _info(name)
        if size >= layout.LARGE and _is_steep(opened, size):
            info.compress_type = zipfile.ZIP_STORED
        info.file_size = size
        with opened() as stream, archive.open(info, "w", force_zip64=size > 1 << 31) as member:
            for block in _blocks(stream):
                member.write(block)
                digest.update(block)
                written += len(block)
        self.members[name] = {"sha256": digest.hexdigest(), "size": written}
        return digest.hexdigest()


def _is_steep(opened: Opened, size: int) -> bool:
    """Whether packing makes so much less of it that an archive with it would be refused, with some room to spare. Of
    what does not pack so well a small part is read, until it has come to more than that."""
    most = 2 * size // layout.STEEPEST
    packer, packed = zlib.compressobj(), 0
    with opened() as stream:
        for block in _blocks(stream):
            packed += len(packer.compress(block))
            if packed > most:
                return False
    return packed + len(packer.flush()) <= most


def _held(content: bytes) -> Opened:
    return lambda: io.BytesIO(content)


def _info(name: str) -> zipfile.ZipInfo:
    """A member without a time, readable by its owner."""
    info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    info.compress_type = zipfile.ZIP_DEFLATED
    info.create_system = 3
    info.external_attr = (stat.S_IFREG | 0o600) << 16
    return info


def _blocks(stream: IO[bytes]) -> Iterator[bytes]:
    while block := stream.read(_BLOCK):
        yield block
