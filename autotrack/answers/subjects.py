"""Finds out what somebody means who asks where a thing comes from: a file, a table, a run or a model."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from autotrack.core.entities import FileRecord, RunRecord
from autotrack.core.errors import AmbiguousError, NotFoundError, UsageError
from autotrack.core.model_uris import SCHEME, find_version, parse_model_uri

from .graph import Node
from .model_files import chosen, contents_of
from .nodes import data_node, file_node, model_node
from .relations import CODE, code_with

if TYPE_CHECKING:
    from autotrack.core.sink import Sink

_SHA256 = re.compile(r"[0-9a-f]{64}")
_HEX = re.compile(r"[0-9a-f]{4,64}")
#: Contents of one path, or states of one table, that are looked at: the newest ones.
_MOST = 10
#: Files of a folder that may be a model.
_MOST_FILES = 1000


@dataclass(slots=True)
class Subject:
    """What was asked about: runs, or things with the contents (sha256) that they are known by."""

    runs: list[RunRecord] = field(default_factory=list)
    things: list[tuple[Node, frozenset[str]]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    #: Code that the things are part of, with the sessions that ran it.
    code: list[tuple[Node, frozenset[str]]] = field(default_factory=list)


def find(sink: Sink, what: str, folder: Path | None) -> Subject:
    """What ``what`` stands for. Tried in this order: ``runs:/...``, ``models:/...``, a file or a model folder that is
    there (relative to ``folder``; with None no file of this machine is looked at), a sha256, the beginning of a run's
    id, that of a table's digest, a path that some session opened, the name of a table.

    NotFoundError where it is nothing of all that, AmbiguousError where a beginning is that of several.
    """
    if not what:
        raise UsageError("name a file, a table, a run or a model")
    if what.startswith("runs:/"):
        return _of_uri(sink, what)
    if what.startswith(SCHEME):
        return _of_model(sink, what, folder)
    path = None if folder is None else folder / what
    if path is not None and path.is_dir():
        return _of_folder(sink, path)
    if path is not None and path.is_file():
        return _of_file(sink, path)
    for attempt in (_of_digest, _of_run, _of_table_digest, _of_path, _of_table_name):
        found = attempt(sink, what)
        if found is not None:
            return found
    raise NotFoundError(
        f"{what[:200]!r} is no file that is there or that a run has opened, no model, no run's id, and no name or "
        "digest of a data set; `autotrack runs list` shows the runs"
    )


def _of_uri(sink: Sink, uri: str) -> Subject:
    run_id, _, path = uri.removeprefix("runs:/").strip("/").partition("/")
    run = sink.run(run_id)
    for model in run.models:
        if model.path == path:
            return Subject(things=[(model_node(run, model), contents_of(run, model))])
    for file in run.artifacts:
        if file.path == path:
            return Subject(things=[(file_node(path, file.sha256, file.size), frozenset({file.sha256}))])
    if not path:
        return Subject(runs=[run])
    there = ", ".join([*(model.path for model in run.models), *(file.path for file in run.artifacts)][:10])
    raise NotFoundError(f"run {run.id[:8]} has no model and no artifact {path!r}; it has {there or 'none'}")


def _of_model(sink: Sink, uri: str, folder: Path | None) -> Subject:
    """A registered model's version, as the run's model that it is; one that came from elsewhere by its files."""
    reference = parse_model_uri(uri)
    if reference.id is not None:
        raise UsageError(f"{uri} is a logged model; ask about the run that it came from")
    version = find_version(sink.registry, reference)
    _, run, path = (*(version.artifact_uri or "").split("/", 2), "", "")[:3]
    if path and run == version.run:
        return _of_uri(sink, f"runs:/{run}/{path}")
    place = Path(version.artifact_uri or version.source)
    if folder is None or not place.is_dir():
        raise NotFoundError(f"{version.name} version {version.version} is of {place}, and there is no such folder here")
    return _of_folder(sink, place)


def _of_folder(sink: Sink, folder: Path) -> Subject:
    contents = {digest for file in _files_below(folder) if (digest := digest_of(file)) is not None}
    runs = sink.runs_with(contents=sorted(contents)) if contents else []
    found = chosen([(run, model) for run in runs for model in run.models if contents_of(run, model)], contents)
    if not found:
        raise NotFoundError(f"no run here has made a model with the files of {folder}; name a file to ask about that")
    notes = [f"{folder} has the files of {len(found)} models, which are the same"] if len(found) > 1 else []
    return Subject(things=[(model_node(run, model), contents_of(run, model)) for run, model in found], notes=notes)


def _files_below(folder: Path) -> Iterator[Path]:
    for count, file in enumerate(sorted(folder.rglob("*"))):
        if count >= _MOST_FILES:
            raise UsageError(f"{folder} has more than {_MOST_FILES} files: it is no model; name one file of it")
        yield file


def _of_file(sink: Sink, path: Path) -> Subject:
    digest = digest_of(path)
    if digest is None:
        raise NotFoundError(f"{path} could not be read, so it is not known which content it has; may you read it?")
    real = os.path.realpath(path)
    size = path.stat().st_size
    subject = Subject(things=[(file_node(real, digest, size), frozenset({digest}))])
    if real.endswith(CODE):
        subject.code = code_with(sink, Path(real), digest)
    before = _newest([file for file in sink.files(path=real) if file.sha256 not in (digest, None)])
    for file in before:
        subject.notes.append(
            f"{path.name} had another content before: {(file.sha256 or '')[:12]}; "
            f"`autotrack lineage {file.sha256}` has what became of it"
        )
    if not subject.code and not sink.files(contents=[digest]) and not sink.runs_with(contents=[digest]):
        subject.notes.append(f"no run here has read or written {path.name} as it is now ({digest[:12]})")
    return subject


def _of_digest(sink: Sink, what: str) -> Subject | None:
    if not _SHA256.fullmatch(what):
        return None
    files = sink.files(contents=[what])
    if files:
        return Subject(things=[(file_node(files[-1].path, what, files[-1].size), frozenset({what}))])
    for run in sink.runs_with(contents=[what]):
        for artifact in run.artifacts:
            if artifact.sha256 == what:
                return Subject(things=[(file_node(artifact.path, what, artifact.size), frozenset({what}))])
    return None


def _of_run(sink: Sink, what: str) -> Subject | None:
    if not re.fullmatch(r"[0-9a-f]{1,32}", what):
        return None
    try:
        return Subject(runs=[sink.run(what)])
    except NotFoundError:
        return None


def _of_table_digest(sink: Sink, what: str) -> Subject | None:
    if not _HEX.fullmatch(what):
        return None
    runs = sink.runs(f"datasets.digest LIKE '{what}%'", max_results=_MOST * 10, lifecycle="all")
    found = {data.digest: data for run in runs for data in run.datasets if data.digest.startswith(what)}
    if len(found) > 1:
        some = ", ".join(sorted(digest[:16] for digest in found)[:5])
        raise AmbiguousError(
            f"{what!r} is the beginning of the digests of {len(found)} tables: {some}; give more of it"
        )
    return Subject(things=[(data_node(data), frozenset()) for data in found.values()]) if found else None


def _of_path(sink: Sink, what: str) -> Subject | None:
    files = [file for file in sink.files(path=what) if file.sha256 is not None]
    if not files:
        return None
    newest = _newest(files)
    things = [(file_node(file.path, file.sha256, file.size), frozenset({file.sha256 or ""})) for file in newest]
    left_out = len({file.sha256 for file in files}) - len(newest)
    notes = [f"{what} is not there now; these are the contents that it had, the newest first"]
    return Subject(things=things, notes=[*notes, *([f"{left_out} older ones are left out"] if left_out else [])])


def _of_table_name(sink: Sink, what: str) -> Subject | None:
    if "'" in what or "\\" in what or "\n" in what:
        return None
    runs = sink.runs(f"datasets.name = '{what}'", max_results=_MOST * 10, lifecycle="all")
    found = {data.digest: data for run in runs for data in run.datasets if data.name == what}
    if not found:
        return None
    newest = list(found.values())[:_MOST]
    notes = [f"{len(found)} tables are called {what!r}; the newest come first"] if len(found) > 1 else []
    return Subject(things=[(data_node(data), frozenset()) for data in newest], notes=notes)


def _newest(files: list[FileRecord]) -> list[FileRecord]:
    """The last opening of each content, newest first, a few."""
    found: dict[str, FileRecord] = {}
    for file in sorted(files, key=lambda file: -file.first):
        found.setdefault(file.sha256 or "", file)
    return list(found.values())[:_MOST]


def digest_of(path: Path) -> str | None:
    """The sha256 of a regular file; None for anything else (a pipe is not read), or where it cannot be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return None
    with os.fdopen(descriptor, "rb") as stream:
        try:
            return hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError:
            return None
