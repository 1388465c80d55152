"""Runs that another tool has recorded, taken into a store: each once, however often they are brought."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, runtime_checkable
from zlib import crc32

from .. import keys
from ..errors import NotFoundError, StoreError, UsageError
from ..journal.layout import F8, I8, SEALED
from ..journal.reader import Batch, Cursor
from ..journal.records import checked
from ..session.masking import MASK, mask, mask_value
from ..sink import Artifacts, Intake, Sink
from .names import experiment_id
from .writing import MAX_NOTES

if TYPE_CHECKING:
    from ..entities import Columns, DatasetRecord, ForeignExperiment, ModelRecord, RunRecord

#: Where a cursor stands once the last record is in.
_DONE = 1 << 40
_MOST_POINTS = 200_000
_BLOCK = 1 << 20


@dataclass(slots=True)
class ForeignRun:
    """A run of another tool. Times are nanoseconds since the epoch.

    ``id`` is 32 hexadecimal digits that are the same whenever the same run is brought. ``mark`` says how much of it is
    here: one that was brought with another mark is brought again, for what came since, and ``metrics`` then hold the
    points since alone. ``files`` are artifacts: a path in the run, and where the file is, what is in it, or what opens
    it.

    ``ended`` is None for a run that goes on; ``heard`` is when it was last known to, by default its start.
    """

    id: str
    name: str
    experiment: str
    started: int
    ended: int | None
    mark: str
    status: str = "FINISHED"
    heard: int | None = None
    parent: str | None = None
    user: str | None = None
    deleted: bool = False
    params: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, Columns] = field(default_factory=dict)
    files: Mapping[str, Path | bytes | Callable[[], BinaryIO]] = field(default_factory=dict)
    datasets: Sequence[DatasetRecord] = ()
    models: Sequence[ModelRecord] = ()
    notes: list[str] = field(default_factory=list)


@runtime_checkable
class Receiver(Sink, Intake, Protocol):
    """A store that takes records of any writer."""

    root: Path

    def adopt_experiment(self, experiment: ForeignExperiment) -> str:
        """The id of the experiment of that name, which is made, with that id if it is free, where there is none.

        Of one that is there, tags that it lacks are set; nothing else changes.
        """

    def mark_deleted(self, run_ids: Sequence[str]) -> None:
        """Deletes those runs softly, and no others: children stay. What is deleted already, or not there, stays so."""


def receiver(store: Sink) -> Receiver:
    """The store itself, if it takes runs of others (UsageError)."""
    if not isinstance(store, Receiver):
        raise UsageError(
            f"cannot take runs into {store.uri} from here: do it on the server's machine, into the folder or the "
            "database that it serves (--store /data/runs, --store postgresql://...)"
        )
    return store


def is_taken(store: Sink, run_id: str, mark: str) -> bool:
    """True where the run is in the store with that mark, whole."""
    known = receiver(store).cursor(_writer(run_id, mark)).events >= _DONE
    return known and _known(store, run_id) is not None


def _writer(run_id: str, mark: str) -> str:
    return hashlib.blake2b(f"{run_id} {mark}".encode(), digest_size=16).hexdigest()


def _known(store: Sink, run_id: str) -> RunRecord | None:
    try:
        found = store.run(run_id)
    except NotFoundError:
        return None
    return found if found.id == run_id else None


def take_in(store: Sink, run: ForeignRun) -> bool:
    """Stores a run; False where it is there with that mark already.

    Texts are kept as ``Run`` keeps them, secrets masked; what no store can hold (NUL, half a surrogate pair) is spelled
    out, as it is nobody's to correct here. Numbers are kept exactly. UsageError, and nothing of it is stored, where the
    store takes no records, a name or a key cannot be kept, or a number does not fit into 64 bits; StoreError where the
    store refuses a record after all.

    Interrupted, it goes on where it was when the same is brought again.
    """
    place = receiver(store)
    there = _known(store, run.id)
    writer = _writer(run.id, run.mark)
    cursor = place.cursor(writer)
    if cursor.events >= _DONE and there is None:  # removed for good since: the same comes back under another name
        writer = _writer(run.id, f"{run.mark} again")
        cursor = place.cursor(writer)
    if cursor.events >= _DONE:
        return False
    notes = list(run.notes)
    folder = f"artifacts/{experiment_id(keys.check_name(run.experiment, 'experiment'))}/{run.id}"
    if there is not None and there.artifact_uri:
        folder = there.artifact_uri
    start = _start(run, folder, there, notes)
    params = _texts("param", run.params, notes)
    points = _Points()
    for key, columns in run.metrics.items():
        points.add(keys.check_key(key, "metric's key"), columns)
    told = {"t": run.started, "r": run.id}
    series = [{"k": "series", "id": number, "key": key, "dtype": dtype} for number, key, dtype in points.series]
    things = [dict(checked({**told, **record})) for record in (*_things(run), *series)]
    kept = _bring_files(place.artifacts, folder.removeprefix("artifacts/"), run.files)
    events = [start, *({**told, **record} for record in _details(params, kept, notes)), *things]
    last = _last(run)
    heard = max(run.started, run.heard or 0) if run.ended is None else run.ended
    refused: list[str] = []
    if run.deleted and cursor.events == 0:  # before all of it is there: whoever comes back then looks at nothing
        place.apply(writer, cursor, Batch(events, [], Cursor(len(events), cursor.points), 0, True), seen=heard)
        cursor = Cursor(len(events), cursor.points)
    if run.deleted:
        place.mark_deleted([run.id])
    for batch in _batches(events, last, bytes(points.slots), points.turns, cursor):
        done = place.apply(writer, cursor, batch, seen=heard)
        cursor = batch.cursor
        refused += done.reasons if done.refused else ()
    if last is not None:
        place.end_writer(writer, seen=heard)
    if refused:
        raise StoreError(f"{store.uri} did not take everything of run {run.id}: {'; '.join(refused)}")
    return True


def _last(run: ForeignRun) -> dict[str, Any] | None:
    if run.ended is None:
        return None
    last = {"k": "run_end", "t": run.ended, "r": run.id, "ended": run.ended, "status": run.status}
    return dict(checked({**last, "error": None, "exit_code": None}))


def _start(run: ForeignRun, folder: str, there: RunRecord | None, notes: list[str]) -> dict[str, Any]:
    record = {
        "k": "run_start",
        "t": run.started,
        "r": run.id,
        "name": mask(keys.check_name(keys.printable(run.name), "run's name")),
        "experiment": run.experiment,
        "parent": run.parent,
        "session": None,
        "user": run.user,
        "artifact_uri": folder,
        "random_state": None,
        "tags": _texts("tag", run.tags, notes),
    }
    if there is not None and there.session is not None:  # it was made here, and comes back
        record |= {"session": there.session, "random_state": there.random_state}
    return dict(checked(record))


def _things(run: ForeignRun) -> Iterator[dict[str, Any]]:
    """Records of what a run read and made; addresses may hold passwords."""
    for dataset in run.datasets:
        fields = {name: getattr(dataset, name) for name in dataset.__slots__}
        source, said = fields["source"], fields["mlflow"]
        yield {"k": "dataset", **fields, "source": source and mask(source), "mlflow": said and mask(said)}
    for model in run.models:
        yield {"k": "model", **{name: getattr(model, name) for name in model.__slots__}}


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


def _bring_files(
    storage: Artifacts, folder: str, files: Mapping[str, Path | bytes | Callable[[], BinaryIO]]
) -> list[dict[str, Any]]:
    kept = []
    for path, content in files.items():
        if isinstance(content, Path):
            record = storage.put_file(folder, path, content)
        elif isinstance(content, bytes):
            record = storage.put_bytes(folder, path, content)
        else:
            with content() as stream:
                record = storage.put_blocks(folder, path, iter(partial(stream.read, _BLOCK), b""))
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
    events: list[dict[str, Any]], last: dict[str, Any] | None, points: bytes, turns: Sequence[int], cursor: Cursor
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
    found.append(Batch([*left, last] if last else left, [], Cursor(_DONE, count), 0, False))
    return found
