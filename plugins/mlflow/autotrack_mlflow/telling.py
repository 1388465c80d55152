"""Runs of this store as MLflow has runs: what it takes as it is, and what is spelled otherwise there."""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .facts import CONTEXT, PARENT, RUN_NAME, USER, Dataset, Points, Run

if TYPE_CHECKING:
    from autotrack.plugin import Columns, DatasetRecord, RunRecord

#: Tags by which a run that went to a server is known again, and what of it has been sent.
OURS, SENT, STATUS, KEYS = "autotrack.run", "autotrack.sent", "autotrack.status", "autotrack.keys"
_LONGEST_KEY, _LONGEST_DIGEST = 250, 36
_UNFIT = re.compile(r"[^/\w.\- :]")
_MS = 1_000_000
_TYPES = {
    "bool": "boolean", "int8": "integer", "int16": "integer", "int32": "integer", "int64": "long", "uint8": "integer",
    "uint16": "integer", "uint32": "long", "float16": "float", "float32": "float", "float64": "double",
    "object": "string", "str": "string", "string": "string", "datetime64[ns]": "datetime",
}  # fmt: skip


@dataclass(slots=True)
class Outgoing:
    """A run as it goes to MLflow, and what of it goes otherwise than it is here."""

    record: RunRecord
    run: Run
    #: Keys of metrics: ours by MLflow's.
    metrics: Mapping[str, str]
    notes: list[str] = field(default_factory=list)


def outgoing(record: RunRecord, parent: str | None) -> Outgoing:
    """A run for MLflow. ``parent`` is the id that its parent has there."""
    notes: list[str] = []
    params = _spelled(record.params, notes, "param")
    metrics = _spelled(record.metrics, notes, "metric")
    tags = {key: record.tags[name] for key, name in _spelled(record.tags, notes, "tag").items()}
    tags[RUN_NAME] = record.name
    if record.user:
        tags.setdefault(USER, record.user)
    tags.pop(PARENT, None)
    if parent is not None:
        tags[PARENT] = parent
    status = str(record.status)
    if status == "CRASHED":
        tags[STATUS] = status
        status = "FAILED"
    changed = {key: name for keys in (params, metrics) for key, name in keys.items() if key != name}
    if changed:
        tags[KEYS] = json.dumps(changed, ensure_ascii=False, sort_keys=True)
    wide = sorted(key for key, value in record.metrics.items() if isinstance(value, int) and int(float(value)) != value)
    if wide:
        notes.append(f"metric {wide[0]!r} holds integers that MLflow, which keeps floats, rounds")
    run = Run(
        id=record.id,
        name=record.name,
        status=status,
        started=record.started // _MS,
        ended=None if record.ended is None else record.ended // _MS,
        state="",
        deleted=record.lifecycle == "deleted",
        user=record.user,
        params={key: record.params[name] for key, name in params.items()},
        tags=tags,
        datasets=tuple(map(dataset_of, record.datasets)),
    )
    return Outgoing(record, run, metrics, notes)


def _spelled(ours: Iterable[str], notes: list[str], what: str) -> dict[str, str]:
    """Ours by the key that MLflow takes for each. No two become one."""
    found: dict[str, str] = {}
    for key in sorted(ours, key=lambda key: (fitting(key) != key, key)):
        spelled = fitting(key)
        if _taken(spelled, found):
            spelled = f"{spelled.replace('/', '_')[: _LONGEST_KEY - 9]}-{_short(key)}"
        if spelled != key:
            notes.append(f"MLflow takes no {what} named {key!r:.80}: it is {spelled!r:.80} there")
        found[spelled] = key
    return found


def _taken(key: str, found: Mapping[str, str]) -> bool:
    # In a folder of MLflow's a key is a path: one is no folder of another.
    above = [key[:at] for at, letter in enumerate(key) if letter == "/"]
    return key in found or any(each in found for each in above) or any(each.startswith(f"{key}/") for each in found)


def fitting(key: str) -> str:
    """The key itself, if MLflow takes it, or the nearest that it takes."""
    text = _UNFIT.sub("_", key)
    if len(text) > _LONGEST_KEY:
        text = f"{text[: _LONGEST_KEY - 9]}-{_short(key)}"
    if posixpath.normpath(text) != text or text.startswith(("/", "..")) or text == ".":
        parts = [part if part not in (".", "..") else "_" * len(part) for part in text.split("/") if part]
        text = "/".join(parts) or "_"
    return text


def _short(key: str) -> str:
    return hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()


def points_of(columns: Columns) -> Points:
    """Points with times in milliseconds, values as floats."""
    import numpy as np

    return Points(columns.timestamps // _MS, np.asarray(columns.values, np.float64), columns.steps)


def dataset_of(record: DatasetRecord) -> Dataset:
    """A data set as MLflow has it: as its own client said it, where it did."""
    said = _document(record.mlflow)
    if said:
        tags = said.get("tags") or ({CONTEXT: record.context} if record.context else {})
        source = str(said.get("source_type") or ""), str(said.get("source") or "")
        return Dataset(record.name, record.digest, *source, said.get("schema"), said.get("profile"), tags)
    columns = [{"type": _TYPES.get(kind), "name": name, "required": True} for name, kind in record.columns.items()]
    known = columns and all(each["type"] for each in columns)
    return Dataset(
        name=record.name,
        digest=record.mlflow_digest or record.digest[:_LONGEST_DIGEST],
        source_type="local" if record.source else "code",
        source=json.dumps({"uri": record.source} if record.source else {"tags": {}}),
        schema=json.dumps({"mlflow_colspec": columns}) if known else None,
        profile=None if record.rows is None else json.dumps({"num_rows": record.rows}),
        tags={CONTEXT: record.context} if record.context else {},
    )


def _document(text: str | None) -> dict[str, Any]:
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def state_of(record: RunRecord, counts: Mapping[str, int]) -> str:
    """Changes when anything of a run does that goes to MLflow."""
    told: list[Any] = [record.name, str(record.status), record.ended, record.lifecycle, record.parent]
    told += [sorted(record.params.items()), sorted(record.tags.items()), [repr(each) for each in record.datasets]]
    told += [sorted([key, count] for key, count in counts.items())]
    told += [[file.path, file.sha256] for file in record.artifacts]
    return hashlib.sha256(json.dumps(told, ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()[:32]
