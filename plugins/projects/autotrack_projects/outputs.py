"""What a step made, as a parameter of another: ``runs:/<id>/<path>``, fetched where the other wants a file."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from autotrack.plugin import NotFoundError, ProjectError, Sink, UsageError, check_artifact_path

from .fetching import fetch, is_fetched
from .parameters import Parameter
from .reusing import content_of

if TYPE_CHECKING:
    from autotrack.plugin import RunRecord

_SCHEME = "runs:/"
_BLOCK = 1 << 20


class Step(Protocol):
    """A run of a project, as far as its outputs go."""

    run_id: str
    name: str

    def wait(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Output:
    """A file or folder that a step keeps. As text it is the URI of it, once the step has ended; ProjectError where it
    has failed."""

    step: Any
    path: str

    def __str__(self) -> str:
        if not self.step.wait():
            raise ProjectError(f"{self.step.name} failed, so there is no {self.path} of it")
        return f"{_SCHEME}{self.step.run_id}/{self.path}"

    def __fspath__(self) -> str:
        return str(self)


def fetched(
    declared: Mapping[str, Parameter], given: Mapping[str, str], store: Callable[[], Sink], folder: Path
) -> tuple[dict[str, str], dict[str, str]]:
    """The values with files of runs, and of addresses elsewhere, put into ``folder`` where a path is wanted, and the
    contents that stand for each such value."""
    values, contents = dict(given), {}
    for name, value in given.items():
        if not value.startswith(_SCHEME):
            if name in declared and declared[name].type == "path" and is_fetched(value):
                values[name] = str(fetch(value, folder / name, name))
                contents[name] = content_of(values[name]) or value
            continue
        run_id, _, path = value.removeprefix(_SCHEME).partition("/")
        sink = store()
        record = sink.run(run_id)
        files = _files(record, path.strip("/"), value)
        contents[name] = ",".join(f"{inner}={sha256}" for inner, sha256 in sorted(files.items()))
        if name in declared and declared[name].type == "path":
            values[name] = str(_put(sink, record, path.strip("/"), files, folder / name))
    return values, contents


def _files(record: RunRecord, path: str, uri: str) -> dict[str, str]:
    """sha256 of the file, or of those in the folder, by the path below it."""
    if not path:
        raise UsageError(f"{uri} names no file; it should be runs:/<run id>/<path>")
    check_artifact_path(path)
    found = {
        file.path.removeprefix(path).lstrip("/"): file.sha256
        for file in record.artifacts
        if file.path == path or file.path.startswith(f"{path}/")
    }
    if not found:
        there = ", ".join(file.path for file in record.artifacts[:10]) or "none"
        raise NotFoundError(f"run {record.id[:8]} has kept no {path!r}; it has {there}")
    return found


def _put(sink: Sink, record: RunRecord, path: str, files: Mapping[str, str], folder: Path) -> Path:
    target = folder / Path(path).name
    for inner in files:
        place = target / inner if inner else target
        place.parent.mkdir(parents=True, exist_ok=True)
        with sink.artifacts.open(record.files, f"{path}/{inner}" if inner else path) as source, place.open("wb") as out:
            shutil.copyfileobj(source, out, _BLOCK)
    return target
