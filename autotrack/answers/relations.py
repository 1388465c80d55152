"""How runs hang together but for what they read and wrote: by their code, by tags, by params that name other runs."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotrack.core.entities import RunRecord
from autotrack.core.errors import NotFoundError
from autotrack.core.guard import attempt

from . import hunks
from .code import paths_in
from .graph import Node
from .nodes import code_node
from .repository import Repository
from .steps import REUSED_TAG

if TYPE_CHECKING:
    from autotrack.core.sink import Sink

#: The tag of a run that is another one, made again: what that one's id begins it.
AGAIN_TAG = "autotrack.rebuild_of"
#: Endings of files that may be a program's code.
CODE = (".py", ".pyx", ".ipynb", ".sh", ".r", ".R", ".toml", ".yaml", ".yml", ".cfg", ".ini")
#: Those of files that may have been imported.
_MODULES = (".py", ".pyc", ".pyd", ".so", ".pyx", ".ipynb")
_NAMED = re.compile(r"runs:/([0-9a-f]{32})(?:/([^'\",\]]*))?")
#: Runs whose code is looked through for a file, commits of theirs that git is asked about, and runs of one workflow.
_MOST_RUNS, _MOST_COMMITS, _MOST_STEPS = 1000, 50, 2000
#: Folders into which what a run takes of another one is put for it (plugin ``projects``).
_HANDED = "/autotrack-inputs-"


def is_handed(path: str) -> bool:
    """True for the copy of an output that was put somewhere for a run which took it."""
    return _HANDED in path


def renamed(node: Node, path: str) -> Node:
    """A file by another of its names."""
    sha256 = str(node.detail.get("sha256") or "")
    return replace(node, label=f"{path}  {sha256[:12]}", detail={**node.detail, "path": path})


class Relations:
    """What tags, params and sessions say, each asked for once."""

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self._code: dict[str, Node | None] = {}
        self._sources: dict[str, set[str]] = {}
        self._steps: dict[str, list[RunRecord]] = {}

    def code(self, run: RunRecord) -> Node | None:
        """The code that made a run."""
        if run.session is None or REUSED_TAG in run.tags:
            return None
        if run.session not in self._code:
            part = _code_of(self.sink, run.session)
            self._code[run.session] = code_node(part) if part is not None else None
        return self._code[run.session]

    def code_among(self, run: RunRecord, paths: Collection[str]) -> set[str]:
        """Those of some absolute paths that the code of a run is known to consist of."""
        if run.session is None or not any(path.endswith(_MODULES) for path in paths):
            return set()
        if run.session not in self._sources:
            self._sources[run.session] = paths_in(_code_of(self.sink, run.session) or {})
        return self._sources[run.session] & set(paths)

    def before(self, run: RunRecord, read: Collection[str | None]) -> Iterator[tuple[RunRecord, str]]:
        """Earlier runs with how this one hangs on them; one of whose files it read is known by that already."""
        named = {run.tags[REUSED_TAG]: "reused"} if REUSED_TAG in run.tags else {}
        for earlier, path in _named_by(run):
            named.setdefault(earlier, "took" if REUSED_TAG not in run.tags else "")
            if named[earlier] == "took" and self._has_read(earlier, path, read):
                named[earlier] = ""
        for earlier, how in named.items():
            found = self._run(earlier) if how and earlier != run.id else None
            if found is not None:
                yield found, how

    def behind(self, run: RunRecord) -> Iterator[tuple[RunRecord, str]]:
        """Later runs with how they hang on this one: those that it stands for, and steps of its workflow."""
        for later in self.sink.runs(f"tags.\"{REUSED_TAG}\" = '{run.id}'", max_results=_MOST_STEPS):
            yield later, "reused"
        for step in self._siblings(run):
            if step.id != run.id and REUSED_TAG not in step.tags and any(run.id == each for each, _ in _named_by(step)):
                yield step, "took"

    def _has_read(self, earlier: str, path: str, read: Collection[str | None]) -> bool:
        found = self._run(earlier)
        below = f"{path.rstrip('/')}/"
        files = found.artifacts if found is not None else ()
        return any(file.sha256 in read for file in files if file.path == path or file.path.startswith(below))

    def _siblings(self, run: RunRecord) -> list[RunRecord]:
        if run.parent is None:
            return []
        if run.parent not in self._steps:
            self._steps[run.parent] = self.sink.runs(children_of=run.parent, max_results=_MOST_STEPS)
        return self._steps[run.parent]

    def _run(self, run_id: str) -> RunRecord | None:
        try:
            return self.sink.run(run_id)
        except NotFoundError:
            return None


def code_with(sink: Sink, file: Path, digest: str) -> list[tuple[Node, frozenset[str]]]:
    """The code that a file with this content (sha256) is part of, with the sessions that ran it: those of the newest
    runs. Of a commit it is known where a clone is at hand."""
    looked_for = _LookedFor(sink, file, digest)
    found: dict[str, tuple[Node, set[str]]] = {}
    for session in dict.fromkeys(run.session for run in sink.runs(max_results=_MOST_RUNS) if run.session):
        part = _code_of(sink, session)
        node = code_node(part) if part is not None else None
        if part is not None and node is not None and looked_for.is_in(part):
            found.setdefault(node.id, (node, set()))[1].add(session)
    return [(node, frozenset(those)) for node, those in found.values()]


class _LookedFor:
    """A file of code, which is looked for in what programs were made of."""

    def __init__(self, sink: Sink, file: Path, digest: str) -> None:
        self.sink, self.file, self.digest = sink, file, digest
        content = file.read_bytes()
        self._lines = hunks.split(content.decode("utf-8", "backslashreplace"))
        self._blob = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
        self._commits: dict[str, tuple[Repository, dict[str, str]] | None] = {}

    def is_in(self, part: Mapping[str, Any]) -> bool:
        """Whether it was among the sources that were kept, or stood in the commit with what was changed then."""
        sources = part.get("sources")
        kept = sources if isinstance(sources, Mapping) else {}
        if self.digest in [each.get("sha256") for each in kept.values() if isinstance(each, Mapping)]:
            return True
        commit, root = part.get("commit"), str(part.get("root") or "")
        if not isinstance(commit, str) or not root.startswith("/") or not self.file.is_relative_to(root):
            return False
        path = self.file.relative_to(root).as_posix()
        known = self._files_of(commit, root)
        if known is None or path in kept:
            return False
        repository, files = known
        patch = self._changes(part).get(path)
        if patch is None:
            return files.get(path) == self._blob
        base = repository.text(commit, path) if path in files else ""
        lines, _ = attempt(hunks.apply, hunks.split(base), patch) if base is not None else (None, None)
        return lines == self._lines

    def _files_of(self, commit: str, root: str) -> tuple[Repository, dict[str, str]] | None:
        if commit not in self._commits and len(self._commits) < _MOST_COMMITS:
            repository = Repository.having([root], [commit])
            files = repository.files(commit) if repository is not None else None
            known = {file.path: file.object for file in files or ()}
            self._commits[commit] = (repository, known) if repository is not None else None
        return self._commits.get(commit)

    def _changes(self, part: Mapping[str, Any]) -> Mapping[str, hunks.Patch]:
        content, _ = attempt(self.sink.objects.get, part["diff"]) if isinstance(part.get("diff"), str) else (None, None)
        return hunks.parse((content or b"").decode("utf-8", "backslashreplace"))


def _code_of(sink: Sink, session: str) -> Mapping[str, Any] | None:
    try:
        part = sink.session(session).parts.get("code")
    except NotFoundError:
        return None
    return part if isinstance(part, Mapping) else None


def _named_by(run: RunRecord) -> Iterator[tuple[str, str]]:
    """(run, path) of what the params of a run name as ``runs:/<id>/<path>``."""
    for key, value in run.params.items():
        if not key.startswith("args."):  # the same, as the program parsed it
            yield from _NAMED.findall(value)
