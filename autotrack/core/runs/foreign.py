"""Runs that another tool has recorded, taken into a store: each once, however often they are brought."""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable
from zlib import crc32

from .. import keys
from ..errors import UsageError
from ..journal.layout import F8, I8, SEALED
from ..journal.reader import Batch, Cursor
from ..session.masking import MASK, mask, mask_value
from ..sink import Intake, Sink
from .names import experiment_id
from .writing import MAX_NOTES

if TYPE_CHECKING:
    from ..entities import Columns

#: Where a cursor stands once the last record is in.
_DONE = 1 << 40
_MOST_POINTS = 200_000


@dataclass(slots=True)
class ForeignRun:
    """A run of another tool. Times are nanoseconds since the epoch.

    ``id`` is 32 hexadecimal digits that are the same whenever the same run is brought. ``mark`` says how much of it is
    here: one that was brought with another mark is brought again, for what came since, and ``metrics`` then hold the
    points since alone. ``files`` are artifacts: a path in the run, and where the file is or what is in it.
    """

    id: str
    name: str
    experiment: str
    started: int
    ended: int
    mark: str
    status: str = "FINISHED"
    params: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, Columns] = field(default_factory=dict)
    files: dict[str, Path | bytes] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@runtime_checkable
class Receiver(Sink, Intake, Protocol):
    """A store that takes records of any writer."""

    root: Path


def take_in(store: Sink, run: ForeignRun) -> bool:
    """Stores a run; False where it is there with that mark already.

    Texts are kept as ``Run`` keeps them, secrets masked; what no store can hold (NUL, half a surrogate pair) is spelled
    out, as it is nobody's to correct here. Numbers are kept exactly. UsageError, and nothing of it is stored, where the
    store takes no records, a name or a key cannot be kept, or a number does not fit into 64 bits.

    Interrupted, it goes on where it was when the same is brought again.
    """
    if not isinstance(store, Receiver):
        raise UsageError(f"cannot take runs into {store.uri}: it is not a store on this machine; import into a folder")
    writer = hashlib.blake2b(f"{run.id} {run.mark}".encode(), digest_size=16).hexdigest()
    cursor = store.cursor(writer)
    if cursor.events >= _DONE:
        return False
    notes = list(run.notes)
    folder = f"artifacts/{experiment_id(keys.check_name(run.experiment, 'experiment'))}/{run.id}"
    start = _start(run, folder, notes)
    params = _texts("param", run.params, notes)
    points = _Points()
    for key, columns in run.metrics.items():
        points.add(keys.check_key(key, "metric's key"), columns)
    series = [{"k": "series", "id": number, "key": key, "dtype": dtype} for number, key, dtype in points.series]
    kept = _bring_files(store.root / folder, run.files)
    events = [start]
    events += [{"t": run.started, "r": run.id, **record} for record in (*_details(params, kept, notes), *series)]
    last = {"k": "run_end", "t": run.ended, "r": run.id, "ended": run.ended, "status": run.status}
    last |= {"error": None, "exit_code": None}
    for batch in _batches(events, last, bytes(points.slots), points.turns, cursor):
        store.apply(writer, cursor, batch, seen=run.ended)
        cursor = batch.cursor
    store.end_writer(writer, seen=run.ended)
    return True


def _start(run: ForeignRun, folder: str, notes: list[str]) -> dict[str, Any]:
    return {
        "k": "run_start",
        "t": run.started,
        "r": run.id,
        "name": mask(keys.check_name(keys.printable(run.name), "run's name")),
        "experiment": run.experiment,
        "parent": None,
        "session": None,
        "user": None,
        "artifact_uri": folder,
        "random_state": None,
        "tags": _texts("tag", run.tags, notes),
    }


def _texts(kind: str, values: Mapping[str, Any], notes: list[str]) -> dict[str, str]:
    found = {}
    for key, value in values.items():
        text = keys.printable(str(value))
        found[keys.check_key(key, f"{kind}'s key")] = shown = mask_value(key, text)
        if shown != text:
            notes.append(f"what looks like a secret is kept as {MASK} in {kind} {key!r}")
    return found


def _details(
    params: Mapping[str, str], kept: Sequence[Mapping[str, Any]], notes: Sequence[str]
) -> Iterator[dict[str, Any]]:
    if params:
        yield {"k": "params", "params": dict(params)}
    for record in kept:
        yield {"k": "artifact", **record}
    if notes:
        health: dict[str, Any] = {"notes": [mask(keys.printable(note)) for note in notes[:MAX_NOTES]]}
        if len(notes) > MAX_NOTES:
            health["notes_left_out"] = len(notes) - MAX_NOTES
        yield {"k": "health", "health": health}


def _bring_files(folder: Path, files: Mapping[str, Path | bytes]) -> list[dict[str, Any]]:
    from ..plugins.registry import artifacts

    if not files:
        return []
    storage = artifacts(os.fspath(folder.parent))
    kept = []
    for path, content in files.items():
        put = storage.put_bytes if isinstance(content, bytes) else storage.put_file
        record = put(folder.name, path, content)
        kept.append({"path": record.path, "size": record.size, "sha256": record.sha256})
    return kept


class _Points:
    """Points of all metrics as slots of a journal; a metric has a series for floats, one for wide integers, or both."""

    def __init__(self) -> None:
        self.slots = bytearray()
        #: Number, key and dtype.
        self.series: list[tuple[int, str, str]] = []
        #: Slots at which a metric goes over from the one series to the other.
        self.turns: list[int] = []

    def add(self, key: str, columns: Columns) -> None:
        numbers: dict[str, int] = {}
        before = None
        rows = zip(columns.steps.tolist(), columns.timestamps.tolist(), columns.values.tolist(), strict=True)
        for step, when, value in rows:
            try:
                dtype, exact = ("f8", value) if value.__class__ is float else keys.number(value)
                if dtype not in numbers:
                    numbers[dtype] = len(self.series) + 1
                    self.series.append((numbers[dtype], key, dtype))
                body = (F8 if dtype == "f8" else I8).pack(step, when, exact, numbers[dtype])
            except (UsageError, struct.error) as error:
                raise UsageError(f"metric {key!r:.80} cannot be kept at step {step!r:.40}: {error}") from None
            if before not in (None, dtype):
                self.turns.append(len(self.slots) // SEALED.size)
            before = dtype
            self.slots += SEALED.pack(body, crc32(body))


def _batches(
    events: list[dict[str, Any]], last: dict[str, Any], points: bytes, turns: Sequence[int], cursor: Cursor
) -> list[Batch]:
    """What is left behind a cursor that counts records and points: points in stretches, the last record at the end.

    A store keeps the order of arrival within one series of a batch only, so a stretch ends where a metric turns.
    """
    left = events[cursor.events :]
    count = len(points) // SEALED.size
    found = []
    start = cursor.points
    for end in (*(turn for turn in turns if turn > start), count):
        while start < end:
            stop = min(start + _MOST_POINTS, end)
            slots = points[start * SEALED.size : stop * SEALED.size]
            found.append(Batch(left, [(start, slots)], Cursor(len(events), stop), 0, True))
            left, start = [], stop
    found.append(Batch([*left, last], [], Cursor(_DONE, count), 0, False))
    return found


__all__ = ["ForeignRun", "take_in"]
