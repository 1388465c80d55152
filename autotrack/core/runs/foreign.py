"""Runs that another tool has recorded, taken into a store: each once, however often they are brought."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable
from zlib import crc32

from .. import keys
from ..errors import UsageError
from ..journal.layout import F8, SEALED
from ..journal.reader import Batch, Cursor
from ..session.masking import mask_value
from ..sink import Intake, Sink
from .names import experiment_id

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
    """Stores a run; False where it is there with that mark already. UsageError where the store takes no records.

    Interrupted, it goes on where it was when the same is brought again.
    """
    if not isinstance(store, Receiver):
        raise UsageError(f"cannot take runs into {store.uri}: it is not a store on this machine; import into a folder")
    writer = hashlib.blake2b(f"{run.id} {run.mark}".encode(), digest_size=16).hexdigest()
    cursor = store.cursor(writer)
    if cursor.events >= _DONE:
        return False
    folder = f"artifacts/{experiment_id(run.experiment)}/{run.id}"
    kept = _bring_files(store.root / folder, run.files)
    events = [_start(run, folder), *_details(run, kept)]
    numbers = {key: number for number, key in enumerate(run.metrics, 1)}
    events += [
        {"k": "series", "t": run.started, "r": run.id, "id": number, "key": key, "dtype": "f8"}
        for key, number in numbers.items()
    ]
    points = b"".join(_slots(columns, numbers[key]) for key, columns in run.metrics.items())
    last = {"k": "run_end", "t": run.ended, "r": run.id, "ended": run.ended, "status": run.status}
    last |= {"error": None, "exit_code": None}
    for batch in _batches(events, last, points, cursor):
        store.apply(writer, cursor, batch, seen=run.ended)
        cursor = batch.cursor
    store.end_writer(writer, seen=run.ended)
    return True


def _start(run: ForeignRun, folder: str) -> dict[str, Any]:
    return {
        "k": "run_start",
        "t": run.started,
        "r": run.id,
        "name": keys.check_name(run.name, "run's name"),
        "experiment": run.experiment,
        "parent": None,
        "session": None,
        "user": None,
        "artifact_uri": folder,
        "random_state": None,
        "tags": run.tags,
    }


def _details(run: ForeignRun, kept: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if run.params:
        texts = {key: mask_value(key, keys.param_text(value, key)) for key, value in run.params.items()}
        found.append({"k": "params", "params": texts})
    found += [{"k": "artifact", **record} for record in kept]
    if run.notes:
        found.append({"k": "health", "health": {"notes": run.notes}})
    return [{"t": run.started, "r": run.id, **record} for record in found]


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


def _slots(columns: Columns, number: int) -> bytes:
    found = bytearray()
    rows = zip(columns.steps.tolist(), columns.timestamps.tolist(), columns.values.tolist(), strict=True)
    for step, when, value in rows:
        body = F8.pack(step, when, value, number)
        found += SEALED.pack(body, crc32(body))
    return bytes(found)


def _batches(events: list[dict[str, Any]], last: dict[str, Any], points: bytes, cursor: Cursor) -> list[Batch]:
    """What is left behind a cursor that counts records and points: points in stretches, the last record at the end."""
    left = events[cursor.events :]
    count = len(points) // SEALED.size
    found = []
    for start in range(cursor.points, count, _MOST_POINTS):
        stop = min(start + _MOST_POINTS, count)
        slots = points[start * SEALED.size : stop * SEALED.size]
        found.append(Batch(left, [(start, slots)], Cursor(len(events), stop), 0, True))
        left = []
    found.append(Batch([*left, last], [], Cursor(_DONE, count), 0, False))
    return found


__all__ = ["ForeignRun", "take_in"]
