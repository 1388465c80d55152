"""What a journal's records say: one grammar, for every store that takes them in and for archives.

``checked`` builds a record anew from the fields that are known, each of the type that ``record_types`` has, so nothing
else reaches a store. What a database, a file name or a reader could not bear is refused here and nowhere later.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, cast, get_args

from .. import keys
from ..errors import UsageError
from . import record_types as kinds
from .fields import (
    artifact_path,
    check_document,
    columns,
    document,
    exit_code,
    identity,
    integer,
    items,
    numbers,
    optional_digest,
    optional_id,
    optional_integer,
    optional_spelled,
    optional_text,
    shown,
    size,
    spelled,
    status,
    text,
    texts,
)

Record = Mapping[str, Any]

#: The experiment of a run that names none.
DEFAULT_EXPERIMENT = "default"
_CONTENT = re.compile(r"(partial:)?[0-9a-f]{64}")
_PART = re.compile(r"[a-z_]{1,40}")


def checked(record: Record) -> Record:
    """The record as the class of its kind describes it. UsageError, whatever the record is, says what is wrong."""
    kind = record.get("k")
    read = _KINDS.get(kind) if isinstance(kind, str) else None
    if read is None:
        raise UsageError(f"{shown(kind)} is no kind of records")
    return read(record)


def _run_start(record: Record) -> kinds.RunStart:
    run = identity(record, "r")
    parent = optional_id(record, "parent")
    if parent == run:
        raise UsageError("a run is not its own parent")
    return {
        "k": "run_start",
        "t": integer(record, "t"),
        "r": run,
        "name": text(record, "name"),
        "experiment": optional_text(record, "experiment") or DEFAULT_EXPERIMENT,
        "parent": parent,
        "session": optional_id(record, "session"),
        "user": optional_text(record, "user"),
        "artifact_uri": _artifact_uri(record, run),
        "random_state": optional_digest(record, "random_state"),
        "tags": texts(record, "tags"),
    }


def _artifact_uri(record: Record, run: str) -> str | None:
    """Where a run's files are: inside its store and its own, for what is deleted or loaded with the run lies there."""
    uri = optional_text(record, "artifact_uri")
    if uri is None:
        return None
    folders = artifact_path(record, "artifact_uri").split("/")
    if len(folders) != 3 or folders[0] != "artifacts" or folders[2] != run:
        raise UsageError(f"artifact_uri is {shown(uri)}, not artifacts/<folder>/{run}")
    return uri


def _params(record: Record) -> kinds.Params:
    return {
        "k": "params",
        "t": integer(record, "t"),
        "r": identity(record, "r"),
        "params": texts(record, "params", needed=True),
    }


def _tags(record: Record) -> kinds.Tags:
    return {
        "k": "tags",
        "t": integer(record, "t"),
        "r": identity(record, "r"),
        "tags": texts(record, "tags", needed=True),
    }


def _untag(record: Record) -> kinds.Untag:
    gone = [keys.check_key(key, "tag's key") for key in items(record, "keys")]
    return {"k": "untag", "t": integer(record, "t"), "r": identity(record, "r"), "keys": gone}


def _rename(record: Record) -> kinds.Rename:
    return {"k": "rename", "t": integer(record, "t"), "r": identity(record, "r"), "name": text(record, "name")}


def _series(record: Record) -> kinds.Series:
    number, dtype = integer(record, "id"), record.get("dtype")
    if not 0 <= number < 1 << 32 or dtype not in ("f8", "i8"):
        raise UsageError("a series has a number of 32 bits and the type f8 or i8")
    key = keys.check_key(record.get("key"), "metric's key")
    return {
        "k": "series",
        "t": integer(record, "t"),
        "r": identity(record, "r"),
        "id": number,
        "key": key,
        "dtype": "i8" if dtype == "i8" else "f8",
    }


def _artifact(record: Record) -> kinds.Artifact:
    path = artifact_path(record, "path")
    digest = optional_digest(record, "sha256")
    if digest is None:
        raise UsageError(f"the artifact {shown(path)} has no sha256")
    fields = integer(record, "t"), identity(record, "r"), size(record, "size")
    return {"k": "artifact", "t": fields[0], "r": fields[1], "path": path, "size": fields[2], "sha256": digest}


def _dataset(record: Record) -> kinds.Dataset:
    return {
        "k": "dataset",
        "t": integer(record, "t"),
        "r": identity(record, "r"),
        "name": text(record, "name"),
        "context": optional_text(record, "context") or "",
        "digest": optional_text(record, "digest") or "",
        "rows": optional_integer(record, "rows"),
        "bytes": optional_integer(record, "bytes"),
        "columns": columns(record, "columns"),
        "source": optional_text(record, "source"),
        "kind": optional_text(record, "kind"),
        "fingerprint": optional_digest(record, "fingerprint"),
        "mlflow_digest": optional_text(record, "mlflow_digest"),
        "partial": optional_text(record, "partial"),
        "mlflow": optional_text(record, "mlflow"),
    }


def _model(record: Record) -> kinds.Model:
    return {
        "k": "model",
        "t": integer(record, "t"),
        "r": identity(record, "r"),
        "path": artifact_path(record, "path"),
        "flavor": text(record, "flavor"),
        "class_name": text(record, "class_name"),
        "size": 0 if record.get("size") is None else size(record, "size"),
        "digest": optional_digest(record, "digest"),
    }


def _health(record: Record) -> kinds.Health:
    return {"k": "health", "t": integer(record, "t"), "r": identity(record, "r"), "health": document(record, "health")}


def _run_end(record: Record) -> kinds.RunEnd:
    moment = integer(record, "t")
    end: kinds.RunEnd = {
        "k": "run_end",
        "t": moment,
        "r": identity(record, "r"),
        "status": status(record),
        "ended": moment if record.get("ended") is None else integer(record, "ended"),
        "error": optional_spelled(record, "error"),
        "exit_code": exit_code(record),
    }
    if record.get("guessed") is True:
        end["guessed"] = True
    return end


def _children(record: Record) -> kinds.Children:
    run = identity(record, "r")
    runs = [_child(child, run) for child in items(record, "runs")]
    return {"k": "children", "t": integer(record, "t"), "r": run, "runs": runs}


def _child(child: object, parent: str) -> kinds.Child:
    if not isinstance(child, Mapping):
        raise UsageError("a child run is no mapping")
    run = identity(child, "id")
    if run == parent:
        raise UsageError("a run is not its own parent")
    return {
        "id": run,
        "name": text(child, "name"),
        "started": integer(child, "started"),
        "ended": integer(child, "ended"),
        "status": status(child),
        "params": texts(child, "params"),
        "tags": texts(child, "tags"),
        "metrics": numbers(child, "metrics"),
    }


def _session(record: Record) -> Record:
    """The beginning of a session: the rest of it is whatever the program that began it knew of itself."""
    integer(record, "t")
    identity(record, "id")
    check_document(record)
    return {key: value for key, value in record.items() if key != "r"}


def _part(record: Record) -> kinds.Part:
    part = text(record, "part")
    if not _PART.fullmatch(part):
        raise UsageError(f"{shown(part)} is no name of a part")
    fields = integer(record, "t"), identity(record, "session"), document(record, "data")
    return {"k": "part", "t": fields[0], "session": fields[1], "part": part, "data": fields[2]}


def _files(record: Record) -> kinds.Files:
    files = [_file(file) for file in items(record, "files")]
    return {"k": "files", "t": integer(record, "t"), "session": identity(record, "session"), "files": files}


def _file(file: object) -> kinds.File:
    if not isinstance(file, Mapping):
        raise UsageError("a file is no mapping")
    role, content = file.get("role"), optional_text(file, "sha256")
    if role not in ("read", "written"):
        raise UsageError(f"a file was {shown(role)}, not read or written")
    if content is not None and not _CONTENT.fullmatch(content):
        raise UsageError(f"{shown(content)} is no sha256")
    return {
        "path": spelled(file, "path"),
        "role": "read" if role == "read" else "written",
        "first": integer(file, "first"),
        "size": optional_integer(file, "size"),
        "mtime": optional_integer(file, "mtime"),
        "sha256": content,
        "partial": optional_spelled(file, "partial"),
    }


def _console(record: Record) -> kinds.Console:
    stream = record.get("stream")
    if stream not in get_args(kinds.Stream):
        raise UsageError(f"the stream {shown(stream)} is neither stdout nor stderr, nor autotrack's own note")
    return {
        "k": "console",
        "t": integer(record, "t"),
        "session": identity(record, "session"),
        "at": size(record, "at"),
        "stream": cast(kinds.Stream, stream),
        "text": spelled(record, "text"),
    }


_KINDS: Mapping[str, Callable[[Record], Record]] = {
    "run_start": _run_start,
    "params": _params,
    "tags": _tags,
    "untag": _untag,
    "rename": _rename,
    "series": _series,
    "artifact": _artifact,
    "dataset": _dataset,
    "model": _model,
    "health": _health,
    "run_end": _run_end,
    "children": _children,
    "session": _session,
    "part": _part,
    "files": _files,
    "console": _console,
}
