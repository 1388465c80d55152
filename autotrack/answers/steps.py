"""The steps of a workflow: the children of a run, and which of them took what others had made."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autotrack.core.entities import RunRecord
from autotrack.core.guard import attempt

from .story import is_written_since

if TYPE_CHECKING:
    from autotrack.core.sink import Sink

#: The number of the JSON document's format.
FORMAT = 1
#: Set on a step that did not run, since an earlier run had done the same: that run's id.
REUSED_TAG = "autotrack.reused"
#: Steps that are looked at.
MOST_STEPS = 2000
_NAMED = re.compile(r"runs:/([0-9a-f]{32})(?:/|$)")
#: What is empty is the same everywhere, and tells nothing.
_EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@dataclass(frozen=True, slots=True)
class Step:
    """One run of a workflow. ``after`` maps the ids of the steps whose outputs it took to what it took of each.

    ``level`` is 0 for a step that needs no other, else one more than the highest among those it needs. ``reused`` is
    the id of the earlier run that stands for it, where it did not run itself.
    """

    run: RunRecord
    after: Mapping[str, tuple[str, ...]]
    level: int
    reused: str | None = None

    def document(self) -> dict[str, Any]:
        return {
            "run": self.run.id,
            "name": self.run.name,
            "status": str(self.run.status),
            "level": self.level,
            "after": {run: list(things) for run, things in self.after.items()},
            "reused": self.reused,
        }


@dataclass(frozen=True, slots=True)
class Workflow:
    """A run with its steps, those that need nothing first, then as they started."""

    run: RunRecord
    steps: tuple[Step, ...]

    def document(self) -> dict[str, Any]:
        """As JSON: ``workflow`` is the format's number."""
        steps = [step.document() for step in self.steps]
        return {"workflow": FORMAT, "run": self.run.id, "name": self.run.name, "steps": steps}


def workflow_of(sink: Sink, run: RunRecord) -> Workflow:
    """The workflow that a run is the whole of; of a run without steps, the one that it is a step of.

    That one step needs another is known from its params, where they name the other (``runs:/<id>/<path>``), and from
    the files that its program read, where their contents are what the other kept or wrote.
    """
    children = _children(sink, run)
    if not children and run.parent is not None:
        run = sink.run(run.parent)
        children = _children(sink, run)
    needed = _needed(sink, children)
    levels = _levels([child.id for child in children], needed)
    steps = [Step(child, needed[child.id], levels[child.id], child.tags.get(REUSED_TAG)) for child in children]
    return Workflow(run, tuple(sorted(steps, key=lambda step: (step.level, step.run.started, step.run.id))))


def _children(sink: Sink, run: RunRecord) -> list[RunRecord]:
    return sorted(sink.runs(children_of=run.id, max_results=MOST_STEPS), key=lambda child: (child.started, child.id))


def _needed(sink: Sink, steps: Sequence[RunRecord]) -> dict[str, dict[str, tuple[str, ...]]]:
    """By step: the steps that it needs, with the names of what it took."""
    stands_for = {step.tags.get(REUSED_TAG, step.id): step.id for step in steps}
    made = _made(sink, steps, stands_for)
    read: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for file in sink.files(sessions=sorted({step.session for step in steps if step.session})):
        if file.role == "read" and file.sha256 in made:
            read[file.session].append((file.sha256 or "", file.path))
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for step in steps:
        taken: dict[str, dict[str, None]] = defaultdict(dict)
        for key, value in step.params.items():
            for named in _NAMED.findall(value):
                if named in stands_for and not key.startswith("args."):  # the same, as the program parsed it
                    taken[stands_for[named]][key] = None
        named_by_params = set(taken)
        for content, path in read[step.session or ""]:
            for maker in made[content]:
                # Of one program it is not known which of its runs read a file; what a param names is said already.
                if maker.session != step.session and maker.id not in named_by_params:
                    taken[maker.id][path.rpartition("/")[2]] = None
        taken.pop(step.id, None)
        earlier = {other.id for other in steps if other.started <= step.started}
        found[step.id] = {other: tuple(things) for other, things in taken.items() if other in earlier}
    return found


def _made(sink: Sink, steps: Sequence[RunRecord], stands_for: Mapping[str, str]) -> dict[str, list[RunRecord]]:
    """By content: the steps that kept or wrote it, what a step of an earlier workflow stands for included."""
    own = {step.id: step for step in steps}
    found = (own[doer] if doer in own else attempt(sink.run, doer)[0] for doer in stands_for)
    doers = [doer for doer in found if doer is not None]  # an earlier run may be gone
    made: dict[str, dict[str, RunRecord]] = defaultdict(dict)
    by_session: dict[str, list[RunRecord]] = defaultdict(list)
    doers = [doer for doer in doers if doer is not None]  # the earlier run may be gone
    for doer in doers:
        step = own[stands_for[doer.id]]
        for artifact in doer.artifacts:
            made[artifact.sha256][step.id] = step
        if doer.session:
            by_session[doer.session].append(doer)
    for file in sink.files(sessions=sorted(by_session)):
        for doer in by_session[file.session]:
            if file.sha256 and file.role == "written" and is_written_since(file, doer.started):
                step = own[stands_for[doer.id]]
                made[file.sha256][step.id] = step
    made.pop(_EMPTY, None)
    return {content: list(makers.values()) for content, makers in made.items()}


def _levels(ids: Sequence[str], needed: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    """How many steps must come before each; ``ids`` are as they started, so what a step needs stands before it."""
    levels: dict[str, int] = {}
    for step in ids:
        levels[step] = 1 + max((levels.get(other, 0) for other in needed[step]), default=-1)
    return levels
