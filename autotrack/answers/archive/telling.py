"""A run and its session as the journal records that would have made them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from zlib import crc32

from autotrack.core.entities import DatasetRecord, FileRecord, ModelRecord, RunRecord, SessionRecord
from autotrack.core.journal.layout import F8, I8

if TYPE_CHECKING:
    from autotrack.core.sink import Sink

Record = dict[str, Any]

_DIGEST = re.compile(r"\b[0-9a-f]{64}\b")
#: Files in one record: a record is stored whole, and a session may open very many.
_FILES = 500


def run_records(run: RunRecord, series: Iterable[Record]) -> Iterator[Record]:
    """The run from its start to its end; ``series`` are the records that name its metrics."""
    same = {"t": run.started, "r": run.id}
    yield {
        "k": "run_start",
        **same,
        "name": run.name,
        "experiment": run.experiment,
        "parent": run.parent,
        "session": run.session,
        "user": run.user,
        "random_state": run.random_state,
        "tags": dict(sorted(run.tags.items())),
    }
    if run.params:
        yield {"k": "params", **same, "params": dict(sorted(run.params.items()))}
    for data in run.datasets:
        yield {"k": "dataset", **same, **_dataset(data)}
    for file in run.artifacts:
        yield {"k": "artifact", **same, "path": file.path, "size": file.size, "sha256": file.sha256}
    for model in run.models:
        yield {"k": "model", **same, **_model(model)}
    yield from series
    if run.health:
        yield {"k": "health", **same, "health": dict(run.health)}
    ended = run.ended or run.last_seen or run.started
    end = {"status": str(run.status), "ended": ended, "error": run.error, "exit_code": run.exit_code}
    yield {"k": "run_end", "t": run.last_seen or ended, "r": run.id, **end}


def _dataset(data: DatasetRecord) -> Record:
    names = "name context digest rows source kind bytes fingerprint mlflow_digest partial mlflow".split()
    return {**{name: getattr(data, name) for name in names}, "columns": dict(data.columns)}


def _model(model: ModelRecord) -> Record:
    return {name: getattr(model, name) for name in ("path", "flavor", "class_name", "size", "digest")}


def session_records(
    session: SessionRecord, files: Iterable[FileRecord], console: Iterable[tuple[int, str, str]]
) -> Iterator[Record]:
    """The session: its beginning, what each collector found, the files, what it printed."""
    same = {"t": session.started, "session": session.id}
    begun = {"k": "session", "t": session.started, "id": session.id}
    yield {**begun, **{key: value for key, value in session.data.items() if key not in begun}}
    for part, data in session.parts.items():
        yield {"k": "part", **same, "part": part, "data": dict(data)}
    every = [_file(file) for file in files]
    for at in range(0, len(every), _FILES):
        yield {"k": "files", **same, "files": every[at : at + _FILES]}
    for place, stream, text in console:
        yield {"k": "console", **same, "at": place, "stream": stream, "text": text}


def _file(file: FileRecord) -> Record:
    return {name: getattr(file, name) for name in ("path", "role", "first", "size", "mtime", "sha256", "partial")}


def packed_points(sink: Sink, run: RunRecord) -> tuple[list[Record], bytes]:
    """The records that name the metrics of a run, and all its points as journal slots."""
    records: list[Record] = []
    slots: list[bytes] = []
    known: dict[tuple[str, bool], int] = {}
    for summary in sink.metric_summaries(run.id):
        columns = sink.metric_history(run.id, summary.key)
        rows = zip(columns.steps.tolist(), columns.timestamps.tolist(), columns.values.tolist(), strict=True)
        for step, moment, value in rows:
            exact = isinstance(value, int)
            number = known.get((summary.key, exact))
            if number is None:
                number = known[summary.key, exact] = len(known)
                kind = "i8" if exact else "f8"
                same = {"k": "series", "t": run.started, "r": run.id}
                records.append({**same, "id": number, "key": summary.key, "dtype": kind})
            body = (I8 if exact else F8).pack(step, moment, value, number)
            slots.append(body + crc32(body).to_bytes(4, "little"))
    return records, b"".join(slots)


def lines_of(records: Iterable[Mapping[str, Any]]) -> bytes:
    """Records as they stand in an archive: JSON, one a line."""
    return b"".join(
        json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n" for record in records
    )


def digests_in(lines: bytes) -> set[str]:
    """Every sha256 that records name: what is an object among them is needed to understand them."""
    return set(_DIGEST.findall(lines.decode()))
