"""Takes the runs of an archive into a store, each exactly once and with its own id."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from autotrack.core.errors import ArchiveError, NotFoundError, UsageError
from autotrack.core.imported import mark_imported
from autotrack.core.journal.layout import POINT, SLOT
from autotrack.core.journal.reader import Batch, Cursor
from autotrack.core.runs.names import experiment_id
from autotrack.core.sink import Intake, Sink

from . import layout
from .checking import Checked, CheckedRun, checked, refused
from .packing import Progress

#: Where a cursor stands once the last record is in.
_DONE = 1 << 40
#: Points in one transaction.
_MOST_POINTS = 200_000


@runtime_checkable
class Receiver(Sink, Intake, Protocol):
    """A store that an archive can be taken into: it takes records by a writer."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What was taken in: ids of the runs that are new, and of those that were there already and were left alone."""

    runs: tuple[str, ...]
    there: tuple[str, ...]
    artifacts: int = 0
    objects: int = 0


def unpack(store: Sink, path: Path, *, progress: Progress = lambda done, total: None) -> Imported:
    """Takes in what is not there yet. Interrupted, it goes on where it was when it is done again.

    ArchiveError where the archive is refused (nothing was taken in then); UsageError where the store takes no records.
    """
    if not isinstance(store, Receiver):
        raise UsageError(f"cannot take runs into {store.uri}: it takes no records; import into a store of autotrack's")
    # A store of this machine has a folder; to any other one files are sent, and nothing that comes back is one's own.
    home: Path | None = getattr(store, "home", None)
    with checked(path, progress=progress) as found:
        _refuse_too_much(found, path, store.artifacts)
        waiting = [
            (run, place) for run in found.runs if (place := _place(store, run.digest, _knows_run(store, run.id)))
        ]
        if home is not None:  # before the first of its files is there
            for run, _ in waiting:
                _mark(home, run.id)
        objects = _bring_objects(store, found) if waiting else 0
        if home is None:  # a server takes files of runs that it knows
            for run, place in waiting:
                _begin(store, place, _addressed(run))
        artifacts = sum(_bring_artifacts(store, found, run) for run, _ in waiting)
        new = {run.records[0]["session"] for run, _ in waiting}
        for session, (records, digest) in found.sessions.items():
            writer = _place(store, digest, _knows_session(store, session)) if session in new else None
            if writer is not None:
                _bring(store, writer, records, b"")
        for run, writer in waiting:
            _bring(store, writer, _addressed(run), run.points)
    brought = tuple(run.id for run, _ in waiting)
    there = tuple(run for run in found.manifest.runs if run not in brought)
    return Imported(brought, there, artifacts, objects)


def _refuse_too_much(found: Checked, path: Path, artifacts: Any) -> None:
    """ArchiveError where the files do not go onto this machine's disk."""
    folder: Path | None = getattr(artifacts, "root", None)
    if folder is None:
        return
    while not folder.exists():
        folder = folder.parent
    room = shutil.disk_usage(folder).free
    needed = sum(size for _, size in found.manifest.members.values())
    if needed > room:
        raise refused(path, f"it needs {needed:,} bytes and the disk of {folder} has {room:,} left")


def _begin(store: Receiver, writer: str, records: Sequence[dict[str, Any]]) -> None:
    """Has a run known, and nothing more of it."""
    if store.cursor(writer) == Cursor():
        store.apply(writer, Cursor(), Batch([records[0]], [], Cursor(1, 0), 0, True))


def _mark(root: Path, run: str) -> None:
    try:
        mark_imported(root, run)
    except OSError as error:
        raise ArchiveError(f"could not write to {root} ({error.strerror}), so nothing was taken in") from error


def _place(store: Receiver, digest: str, known: bool) -> str | None:
    """The writer's name under which these records are to be taken in; None where they are there already.

    The name comes from the records themselves, so that whoever brings the same ones goes on where the last one was.
    """
    for attempt in range(1000):
        writer = hashlib.blake2b(f"{digest} {attempt}".encode(), digest_size=16).hexdigest()
        cursor = store.cursor(writer)
        if cursor == Cursor():
            return None if known else writer
        if known:
            return None if cursor.events >= _DONE else writer
        # Brought once, and removed for good since: it comes back under another name.
    raise ArchiveError("the same runs were imported and removed a thousand times; use a fresh store")


def _knows_run(store: Sink, run: str) -> bool:
    try:
        return store.run(run).id == run
    except NotFoundError:
        return False


def _knows_session(store: Sink, session: str) -> bool:
    try:
        store.session(session)
    except NotFoundError:
        return False
    return True


def _addressed(run: CheckedRun) -> list[dict[str, Any]]:
    """The records with the run's files where this store keeps them, wherever they were before."""
    start = run.records[0]
    folder = f"artifacts/{experiment_id(start['experiment'])}/{run.id}"
    return [{**start, "artifact_uri": folder}, *run.records[1:]]


def _bring(store: Receiver, writer: str, records: Sequence[dict[str, Any]], points: bytes) -> None:
    """Stores records and points in batches: the first records with the first points, the last record at the end."""
    cursor = store.cursor(writer)
    *first, last = records
    for batch in _batches(first, last, points, cursor):
        store.apply(writer, cursor, batch)
        cursor = batch.cursor
    store.end_writer(writer)


def _batches(first: Sequence[dict[str, Any]], last: dict[str, Any], points: bytes, cursor: Cursor) -> Iterator[Batch]:
    """What is left behind a cursor, which counts records and points."""
    events = list(first[cursor.events :])
    for start, stop in _stretches(first, points, cursor.points):
        slots = [(start, points[start * SLOT : stop * SLOT])]
        yield Batch(events, slots, Cursor(len(first), stop), 0, True)
        events = []
    end = Cursor(_DONE, len(points) // SLOT)
    if cursor != end:
        yield Batch([*events, last], [], end, 0, False)


def _stretches(records: Sequence[dict[str, Any]], points: bytes, start: int) -> Iterator[tuple[int, int]]:
    """Points that go into one transaction. A store keeps the order of arrival within a series only.

    A metric that holds both floats and integers is two series, so a stretch ends where such a metric turns.
    """
    count = len(points) // SLOT
    keys = [record["key"] for record in records if record["k"] == "series"]
    mixed = {
        record["id"]: record["key"] for record in records if record["k"] == "series" and keys.count(record["key"]) > 1
    }
    if mixed:
        latest: dict[str, int] = {}
        for at, slot in enumerate(POINT.iter_unpack(points[start * SLOT :]), start):
            key = mixed.get(slot[3])
            turns = key is not None and latest.setdefault(key, slot[3]) != slot[3]
            if turns or at - start == _MOST_POINTS:
                yield start, at
                start, latest = at, {} if key is None else {key: slot[3]}
    while start < count:
        stop = min(start + _MOST_POINTS, count)
        yield start, stop
        start = stop


def _bring_objects(store: Receiver, found: Checked) -> int:
    brought = 0
    for digest in found.objects():
        if not store.objects.renew(digest):
            with found.reading(layout.content_of_object(digest)) as blocks:
                store.objects.put(b"".join(blocks))
            brought += 1
    return brought


def _bring_artifacts(store: Receiver, found: Checked, run: CheckedRun) -> int:
    storage, folder = store.artifacts, f"{experiment_id(run.records[0]['experiment'])}/{run.id}"
    for record in run.artifacts:
        with found.reading(layout.content_of_artifact(record["sha256"])) as blocks:
            storage.put_blocks(folder, record["path"], blocks, sha256=record["sha256"])
    return len(run.artifacts)
