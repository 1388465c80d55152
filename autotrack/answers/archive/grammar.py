"""Which records may stand in an archive. Each is built anew from the fields that are known, so nothing else gets in."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from autotrack.core import keys
from autotrack.core.artifact_paths import check_artifact_path
from autotrack.core.entities import Status

Record = dict[str, Any]
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PARTIAL = re.compile(r"(partial:)?[0-9a-f]{64}")
_PART = re.compile(r"[a-z_]{1,40}")


def run_record(record: Mapping[str, Any], run: str) -> Record:
    """A record of that run, checked. ValueError (or an error of ours that is one) says what is wrong with it."""
    kind = _text(record, "k")
    if kind not in _RUN:
        raise ValueError(f"a record of the kind {kind[:40]!r} has no place in a run")
    if record.get("r") != run:
        raise ValueError("a record is of another run")
    return {"k": kind, "t": _integer(record, "t"), "r": run, **_RUN[kind](record)}


def session_record(record: Mapping[str, Any], session: str) -> Record:
    """A record of that session, checked (ValueError)."""
    kind = _text(record, "k")
    if kind not in _SESSION:
        raise ValueError(f"a record of the kind {kind[:40]!r} has no place in a session")
    if record.get("id" if kind == "session" else "session") != session:
        raise ValueError("a record is of another session")
    whose = "id" if kind == "session" else "session"
    return {"k": kind, "t": _integer(record, "t"), whose: session, **_SESSION[kind](record)}


def _run_start(record: Mapping[str, Any]) -> Record:
    parent, session = (_optional_text(record, name) for name in ("parent", "session"))
    for identity in (parent, session):
        if identity is not None and not keys.is_run_id(identity):
            raise ValueError(f"{identity[:40]!r} is no id")
    return {
        "name": keys.check_name(record.get("name"), "run's name"),
        "experiment": keys.check_name(record.get("experiment"), "experiment's name"),
        "parent": parent,
        "session": session,
        "user": _optional_text(record, "user"),
        "random_state": _optional_digest(record, "random_state"),
        "tags": _texts(record, "tags"),
    }


def _params(record: Mapping[str, Any]) -> Record:
    return {"params": _texts(record, "params")}


def _dataset(record: Mapping[str, Any]) -> Record:
    optional = ("source", "kind", "mlflow_digest", "partial")
    return {
        "name": _text(record, "name"),
        "context": _text(record, "context"),
        "digest": _text(record, "digest"),
        "columns": _texts(record, "columns"),
        "fingerprint": _optional_digest(record, "fingerprint"),
        **{name: _optional_integer(record, name) for name in ("rows", "bytes")},
        **{name: _optional_text(record, name) for name in optional},
    }


def _artifact(record: Mapping[str, Any]) -> Record:
    path = _text(record, "path")
    check_artifact_path(path)
    digest = _optional_digest(record, "sha256")
    if digest is None:
        raise ValueError(f"the artifact {path!r} has no sha256")
    return {"path": path, "size": _size(record), "sha256": digest}


def _model(record: Mapping[str, Any]) -> Record:
    path = _text(record, "path")
    check_artifact_path(path)
    words = {name: _text(record, name) for name in ("flavor", "class_name")}
    return {"path": path, **words, "size": _size(record), "digest": _optional_digest(record, "digest")}


def _series(record: Mapping[str, Any]) -> Record:
    number, dtype = _integer(record, "id"), _text(record, "dtype")
    if not 0 <= number < 1 << 32 or dtype not in ("f8", "i8"):
        raise ValueError("a series has a number of 32 bits and the type f8 or i8")
    return {"id": number, "key": keys.check_key(record.get("key"), "metric's key"), "dtype": dtype}


def _health(record: Mapping[str, Any]) -> Record:
    return {"health": _mapping(record, "health")}


def _run_end(record: Mapping[str, Any]) -> Record:
    status = _text(record, "status")
    if status not in Status.__members__ or status == Status.RUNNING:
        raise ValueError(f"{status[:40]!r} is not how a run ends")
    fields = {"status": status, "ended": _integer(record, "ended")}
    return {**fields, "error": _optional_text(record, "error"), "exit_code": _optional_integer(record, "exit_code")}


def _session(record: Mapping[str, Any]) -> Record:
    return {key: value for key, value in record.items() if key not in ("k", "t", "id")}


def _session_part(record: Mapping[str, Any]) -> Record:
    part = _text(record, "part")
    if not _PART.fullmatch(part):
        raise ValueError(f"{part[:40]!r} is no name of a part")
    return {"part": part, "data": _mapping(record, "data")}


def _files(record: Mapping[str, Any]) -> Record:
    found = record.get("files")
    if not isinstance(found, Sequence) or isinstance(found, str):
        raise ValueError("a record of files has no list of them")
    return {"files": [_file(file) for file in found]}


def _file(file: object) -> Record:
    if not isinstance(file, Mapping):
        raise ValueError("a file is no mapping")
    role, content = _text(file, "role"), _optional_text(file, "sha256")
    if role not in ("read", "written"):
        raise ValueError(f"a file was {role[:40]!r}, not read or written")
    if content is not None and not _PARTIAL.fullmatch(content):
        raise ValueError(f"{content[:40]!r} is no sha256")
    numbers = {name: _optional_integer(file, name) for name in ("size", "mtime")}
    fields = {"path": _text(file, "path"), "role": role, "first": _integer(file, "first"), "sha256": content}
    return {**fields, **numbers, "partial": _optional_text(file, "partial")}


def _console(record: Mapping[str, Any]) -> Record:
    stream = _text(record, "stream")
    if stream not in ("stdout", "stderr"):
        raise ValueError(f"{stream[:40]!r} is no stream")
    return {"at": _integer(record, "at"), "stream": stream, "text": _text(record, "text")}


_RUN: Mapping[str, Callable[[Mapping[str, Any]], Record]] = {
    "run_start": _run_start,
    "params": _params,
    "dataset": _dataset,
    "artifact": _artifact,
    "model": _model,
    "series": _series,
    "health": _health,
    "run_end": _run_end,
}
_SESSION: Mapping[str, Callable[[Mapping[str, Any]], Record]] = {
    "session": _session,
    "part": _session_part,
    "files": _files,
    "console": _console,
}


def _text(record: Mapping[str, Any], name: str) -> str:
    value = record.get(name)
    if not isinstance(value, str):
        raise ValueError(f"{name} is no text")
    return value


def _optional_text(record: Mapping[str, Any], name: str) -> str | None:
    return None if record.get(name) is None else _text(record, name)


def _optional_digest(record: Mapping[str, Any], name: str) -> str | None:
    value = _optional_text(record, name)
    if value is not None and not _SHA256.fullmatch(value):
        raise ValueError(f"{name} is {value[:40]!r}, which is no sha256")
    return value


def _integer(record: Mapping[str, Any], name: str) -> int:
    value = record.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not -(1 << 63) <= value < 1 << 63:
        raise ValueError(f"{name} is no integer of 64 bits")
    return value


def _optional_integer(record: Mapping[str, Any], name: str) -> int | None:
    return None if record.get(name) is None else _integer(record, name)


def _size(record: Mapping[str, Any]) -> int:
    size = _integer(record, "size")
    if size < 0:
        raise ValueError("a size is negative")
    return size


def _mapping(record: Mapping[str, Any], name: str) -> Record:
    value = record.get(name)
    if not isinstance(value, dict):
        raise ValueError(f"{name} is no mapping")
    return value


def _texts(record: Mapping[str, Any], name: str) -> dict[str, str]:
    found = _mapping(record, name)
    for key, value in found.items():
        if not isinstance(value, str):
            raise ValueError(f"{name} holds something that is no text: {key[:40]!r}")
    return found


def check_texts(value: object) -> None:
    """ValueError where any text inside a JSON value cannot be kept: NUL, or half a surrogate pair."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            keys.check_text(each, "text in a record")
        elif isinstance(each, dict):
            waiting += each.keys()
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each
