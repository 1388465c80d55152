"""Checks an archive as a whole before anything of it is taken in. Whoever wrote it is not trusted with anything."""

from __future__ import annotations

import hashlib
import io
import json
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from autotrack.core.errors import ArchiveError, AutotrackError
from autotrack.core.journal import records as grammar
from autotrack.core.journal.layout import POINT, SLOT
from autotrack.core.journal.slots import whole

from . import layout
from .packing import Progress
from .telling import digests_in

_BLOCK = 1 << 20
#: Bits of a member's flags that mean encryption, or something else that we never write.
_REFUSED_FLAGS = 0x1 | 0x20 | 0x40 | 0x2000
_LOCAL_HEADER = 30
#: The kinds of records that tell of a run, and of a session: how a run came to be so is not in an archive.
_OF_RUN = frozenset({"run_start", "params", "dataset", "artifact", "model", "series", "health", "run_end"})
_OF_SESSION = frozenset({"session", "part", "files", "console"})
_BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, NotImplementedError, RuntimeError, EOFError, ValueError)


@dataclass(slots=True)
class CheckedRun:
    """One run of an archive: its records, its points as journal slots, and a digest of both."""

    id: str
    records: list[dict[str, Any]]
    points: bytes = b""
    digest: str = ""

    @property
    def artifacts(self) -> list[dict[str, Any]]:
        return [record for record in self.records if record["k"] == "artifact"]


@dataclass(slots=True)
class Checked:
    """An archive that is sound: everything that it says is there, and is as it says."""

    archive: zipfile.ZipFile
    manifest: layout.Manifest
    runs: list[CheckedRun] = field(default_factory=list)
    #: Sessions by id: their records, and a digest of them.
    sessions: dict[str, tuple[list[dict[str, Any]], str]] = field(default_factory=dict)

    def objects(self) -> Iterator[str]:
        """Digests of the objects that it holds."""
        prefix = layout.content_of_object("")
        return (name.removeprefix(prefix) for name in self.manifest.members if name.startswith(prefix))

    @contextmanager
    def reading(self, name: str) -> Iterator[Iterator[bytes]]:
        """The blocks of a member; ArchiveError at their end where they are not what was checked."""
        with _explained(str(self.archive.filename)), self.archive.open(name) as stream:
            yield _checked_blocks(stream, name, *self.manifest.members[name])


@contextmanager
def checked(path: Path, *, progress: Progress = lambda done, total: None) -> Iterator[Checked]:
    """The archive, open and checked to the last byte. ArchiveError, naming the reason, where anything is wrong."""
    try:
        stream = path.open("rb")
    except OSError as error:
        raise ArchiveError(f"could not open the archive {path} ({error.strerror})") from error
    with stream:
        with _explained(str(path)):
            archive = zipfile.ZipFile(stream)
            _check_end(stream)
            members = _check_members(archive, path.stat().st_size)
            found = Checked(archive, _manifest(archive, members))
            _check_contents(found, progress)
        yield found


@contextmanager
def _explained(path: str) -> Iterator[None]:
    """Whatever is wrong, as one sentence that says that nothing was taken in."""
    try:
        yield
    except ArchiveError:
        raise
    except (*_BROKEN, AutotrackError, RecursionError, OverflowError, UnicodeError, MemoryError) as error:
        said = f"{error}" if isinstance(error, AutotrackError | ValueError) else f"it is damaged ({error})"
        raise refused(path, said) from error


def refused(path: object, why: str) -> ArchiveError:
    """The error for an archive of which nothing is taken in."""
    return ArchiveError(f"the archive {path} is refused, and nothing of it was taken in: {why}")


def _check_end(stream: IO[bytes]) -> None:
    """The directory's end is the file's end: what follows it would be seen by some programs and not by others."""
    stream.seek(-zipfile.sizeEndCentDir, 2)  # type: ignore[attr-defined]
    if stream.read(4) != zipfile.stringEndArchive:  # type: ignore[attr-defined]
        raise ValueError("something stands behind its end, or it has a comment")


def _check_members(archive: zipfile.ZipFile, size: int) -> dict[str, zipfile.ZipInfo]:
    """The members by name, once their names, places and sizes are seen to be harmless."""
    members: dict[str, zipfile.ZipInfo] = {}
    infos = archive.infolist()
    if len(infos) > layout.MOST_MEMBERS:
        raise ValueError(f"it has {len(infos):,} members, more than {layout.MOST_MEMBERS:,}")
    end = 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        name = info.filename
        if name != info.orig_filename or (name != layout.MANIFEST and not layout.NAME.fullmatch(name)):
            raise ValueError(f"a member is called {info.orig_filename[:80]!r}, which no archive of runs has")
        if name in members:
            raise ValueError(f"it has two members called {name}")
        mode = info.external_attr >> 16
        if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
            raise ValueError(f"{name} is no file but a link or something else")
        if info.flag_bits & _REFUSED_FLAGS or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"{name} is encrypted, or packed in a way that is not read")
        if info.header_offset < end or (not members and info.header_offset):
            raise ValueError("its members overlap, or something stands before them")
        end = info.header_offset + _LOCAL_HEADER + len(name) + info.compress_size
        _check_size(info)
        if name == layout.MANIFEST and info.file_size > layout.LARGEST_MANIFEST + layout.MANIFEST_ENTRY * len(infos):
            raise ValueError(f"its manifest says that it has {info.file_size:,} bytes, too many for its members")
        members[name] = info
    if end > size:
        raise ValueError("it is cut off")
    if sum(info.file_size for info in infos) > layout.LARGEST_ARCHIVE:
        raise ValueError(f"it says that it holds more than {layout.LARGEST_ARCHIVE >> 30} GiB")
    if sum(info.file_size for info in infos if layout.is_told(info.filename)) > layout.LARGEST_TOLD:
        raise ValueError(f"it says that it holds more than {layout.LARGEST_TOLD >> 30} GiB of records and points")
    return members


def _check_size(info: zipfile.ZipInfo) -> None:
    most = layout.largest(info.filename)
    if info.file_size > most:
        raise ValueError(f"{info.filename} says that it has {info.file_size:,} bytes, more than {most:,}")
    if info.file_size >= layout.LARGE and info.file_size > info.compress_size * layout.STEEPEST:
        raise ValueError(f"{info.filename} would grow {layout.STEEPEST} times and more when it is read")


def _manifest(archive: zipfile.ZipFile, members: Mapping[str, zipfile.ZipInfo]) -> layout.Manifest:
    if layout.MANIFEST not in members:
        raise ValueError("it has no manifest: it is no archive of runs")
    document = json.loads(archive.read(layout.MANIFEST))
    if not isinstance(document, dict) or document.get("archive") not in (layout.FORMAT, layout.WITHOUT_REPORT):
        number = document.get("archive") if isinstance(document, dict) else None
        raise ValueError(f"its format is {str(number)[:20]}, and this autotrack reads {layout.FORMAT}: use a newer one")
    runs, said = document.get("runs"), document.get("members")
    if not isinstance(runs, list) or not isinstance(said, dict) or not all(isinstance(run, str) for run in runs):
        raise ValueError("its manifest names no runs or no members")
    known: dict[str, tuple[str, int]] = {}
    for name, entry in said.items():
        info = members.get(name)
        if info is None or name == layout.MANIFEST:
            raise ValueError(f"its manifest names {name[:80]!r}, which is not there")
        if not isinstance(entry, dict) or entry.get("size") != info.file_size:
            raise ValueError(f"{name} has another size than its manifest says")
        known[name] = str(entry.get("sha256")), info.file_size
    missing = members.keys() - known.keys() - {layout.MANIFEST}
    if missing:
        raise ValueError(f"{min(missing)} is not in its manifest")
    if len(set(runs)) != len(runs) or {layout.records_of_run(run) for run in runs} != {
        name for name in known if name.startswith("runs/") and name.endswith(".jsonl")
    }:
        raise ValueError("its manifest names other runs than there are")
    return layout.Manifest(tuple(runs), known)


def _check_contents(found: Checked, progress: Progress) -> None:
    """Reads every member once; understands the records, and sees that all belongs together."""
    members = found.manifest.members
    total = sum(size for _, size in members.values())
    done = 0
    mentioned: set[str] = set()
    texts: dict[str, bytes] = {}
    for name in members:
        kept: list[bytes] | None = [] if layout.is_told(name) else None
        with found.reading(name) as blocks:
            for block in blocks:
                if kept is not None:
                    kept.append(block)
                done += len(block)
                progress(done, total)
        if kept is not None:
            texts[name] = b"".join(kept)
            if name.endswith(".jsonl"):
                mentioned |= digests_in(texts[name])
        elif name != layout.REPORT and name.rpartition("/")[2] != members[name][0]:
            raise ValueError(f"{name} is not the content that its name says")
    for run in found.manifest.runs:
        found.runs.append(_run(run, texts, members))
    _check_sessions(found, texts)
    artifacts = {record["sha256"] for run in found.runs for record in run.artifacts}
    for name in members:
        kind, _, digest = name.partition("/")
        stray = kind == "runs" and digest.partition(".")[0] not in found.manifest.runs
        if (
            stray
            or (kind == "artifacts" and digest not in artifacts)
            or (kind == "objects" and digest not in mentioned)
        ):
            raise ValueError(f"nothing in it refers to {name}")


def _checked_blocks(stream: IO[bytes], name: str, sha256: str, size: int) -> Iterator[bytes]:
    digest, seen = hashlib.sha256(), 0
    while block := stream.read(_BLOCK):
        seen += len(block)
        digest.update(block)
        if seen > size:
            break
        yield block
    if seen != size or digest.hexdigest() != sha256:
        raise ValueError(f"{name} is not what its manifest says: its bytes have changed")


def _records(text: bytes) -> Iterator[Any]:
    """The records one by one, so that each is seen to be one before the next takes room."""
    if text and not text.endswith(b"\n"):
        raise ValueError("the last record is cut off")
    for line in io.BytesIO(text):
        if len(line) > layout.LARGEST_LINE:
            raise ValueError(f"a record has {len(line):,} bytes, more than {layout.LARGEST_LINE:,}")
        record = json.loads(line.decode())
        if not isinstance(record, dict):
            raise ValueError("a record is no mapping")
        yield record


def _of(whose: str, record: dict[str, Any], field: str, kinds: frozenset[str]) -> dict[str, Any]:
    """A record, checked, if it is of that run or session and of a kind that tells of one (ValueError)."""
    found = grammar.checked(record)
    if found["k"] not in kinds:
        raise ValueError(f"a record of the kind {found['k']!r} has no place there")
    if found[field] != whose:
        raise ValueError(f"a record is of another {'run' if field == 'r' else 'session'}")
    return dict(found)


def _run(run: str, texts: Mapping[str, bytes], members: Mapping[str, tuple[str, int]]) -> CheckedRun:
    name, of_points = layout.records_of_run(run), layout.points_of_run(run)
    records = [_of(run, record, "r", _OF_RUN) for record in _records(texts[name])]
    kinds = [record["k"] for record in records]
    if len(kinds) < 2 or kinds[0] != "run_start" or kinds[-1] != "run_end" or {"run_start", "run_end"} & {*kinds[1:-1]}:
        raise ValueError(f"the records of run {run[:8]} do not begin with its start and end with its end")
    points = texts.get(of_points, b"")
    _check_points(run, records, points)
    _check_artifacts(run, records, members)
    digest = hashlib.sha256(f"{members[name][0]} {members.get(of_points, ('', 0))[0]}".encode()).hexdigest()
    return CheckedRun(run, records, points, digest)


def _check_points(run: str, records: list[dict[str, Any]], points: bytes) -> None:
    series = [record["id"] for record in records if record["k"] == "series"]
    names = {(record["key"], record["dtype"]) for record in records if record["k"] == "series"}
    if len(set(series)) != len(series) or len(names) != len(series):
        raise ValueError(f"run {run[:8]} names a metric twice")
    if len(points) % SLOT or not whole(points, 0, len(points) // SLOT):
        raise ValueError(f"the points of run {run[:8]} are damaged")
    if not {slot[3] for slot in POINT.iter_unpack(points)} <= set(series):
        raise ValueError(f"run {run[:8]} has points of a metric that it does not name")


def _check_artifacts(run: str, records: list[dict[str, Any]], members: Mapping[str, tuple[str, int]]) -> None:
    paths: set[str] = set()
    for record in records:
        if record["k"] != "artifact":
            continue
        content = members.get(layout.content_of_artifact(record["sha256"]))
        if content is None or content[1] != record["size"]:
            raise ValueError(f"the content of the artifact {record['path']!r} is not in it")
        if record["path"] in paths:
            raise ValueError(f"run {run[:8]} has two artifacts called {record['path']!r}")
        paths.add(record["path"])
    for path in paths:
        folders = path.split("/")[:-1]
        if any("/".join(folders[: n + 1]) in paths for n in range(len(folders))):
            raise ValueError(f"the artifact {path!r} lies in another artifact")


def _check_sessions(found: Checked, texts: Mapping[str, bytes]) -> None:
    wanted = {run.records[0]["session"] for run in found.runs}
    for name in texts:
        if not name.startswith("sessions/"):
            continue
        session = name.removeprefix("sessions/").removesuffix(".jsonl")
        if session not in wanted:
            raise ValueError(f"no run of it was made in the session {session[:8]}")
        records = [
            _of(session, record, "id" if record.get("k") == "session" else "session", _OF_SESSION)
            for record in _records(texts[name])
        ]
        if [record["k"] for record in records].count("session") != 1 or records[0]["k"] != "session":
            raise ValueError(f"the records of session {session[:8]} do not begin with its beginning")
        found.sessions[session] = records, found.manifest.members[name][0]
