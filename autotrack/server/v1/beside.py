"""Runs compared: a few beside each other, or the best of many with the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from msgspec import Meta

from autotrack.answers.goals import GOAL_TAG, METRIC_TAG, Goal, goal_of, main_metric
from autotrack.answers.separating import Separation, best_of, separations
from autotrack.answers.sidebyside import Block, side_by_side
from autotrack.core.entities import RunRecord
from autotrack.core.errors import UsageError
from autotrack.core.wire import plain
from autotrack.store.search.matrix import matrix
from autotrack.store.search.places import places_of

from ..calls import Call
from ..routing import Of, Permission, Role, Table
from . import forms
from .permissions import SEARCH
from .table import Ids, Rows, Scene, answered
from .visible import seen, visible

ROUTES = Table("/api/v1")
#: Runs beside each other, and params that are looked at in what separates many.
COLUMNS, PARAMS = 50, 60
#: Seconds that looking through many runs may take.
SECONDS = 10.0


class Compared(Rows):
    """``runs``: 2 to 50 ids, the first is what the others are compared with; ``same=1``: equal rows, too.

    Without ``runs``: the best ``top`` percent, by ``metric``, of the runs that match, and the rest.
    """

    runs: Ids = ""
    same: bool = False
    top: Annotated[float, Meta(gt=0, lt=100)] = 10.0
    metric: forms.Key | None = None
    goal: Goal | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """One of the runs that are compared; times in milliseconds since 1970."""

    id: str
    name: str
    experiment_id: str
    experiment: str
    status: str
    start: int
    end: int | None


@dataclass(frozen=True, slots=True)
class Beside:
    """Either ``runs`` and ``blocks``, or ``metric``, ``goal``, ``compared``, ``best`` and ``params``.

    ``compared``: how many runs have the metric (of very many the newest), ``best``: how many are among the best,
    ``threshold``: the worst value of those.
    """

    runs: list[Column] | None = None
    blocks: list[Block] | None = None
    metric: str | None = None
    goal: Goal | None = None
    compared: int | None = None
    best: int | None = None
    threshold: float | None = None
    params: list[Separation] | None = None


@ROUTES.get("/compare", SEARCH, query=Compared, answer=Beside)
def compare(call: Call) -> Any:
    """Runs beside each other, only where they differ; or what separates the best of many runs from the rest."""
    asked: Compared = call.query
    if not asked.runs:
        return answered(call, _separated, SECONDS)
    ids = list(dict.fromkeys(each for each in asked.runs.split(",") if each))
    if not 2 <= len(ids) <= COLUMNS:
        raise UsageError(
            f"2 to {COLUMNS} runs are compared beside each other, not {len(ids)}: give exp and where for more"
        )
    from autotrack.answers.story import tell

    sink = visible(call)
    with call.services.store.reading() as connection:
        places = seen(call, places_of(connection, ids))
    runs = [sink.run(each.id) for each in places]
    blocks = side_by_side([tell(sink, run) for run in runs], equal=asked.same, goals=_goals(call, runs))
    return plain({"runs": [_column(run) for run in runs], "blocks": blocks})


def _column(run: RunRecord) -> Column:
    return Column(
        run.id,
        run.name,
        run.experiment_id,
        run.experiment,
        str(run.status),
        run.started // 1_000_000,
        None if run.ended is None else run.ended // 1_000_000,
    )


def _goals(call: Call, runs: list[RunRecord]) -> dict[str, Goal]:
    """What the tags of the runs' experiments say of their main metrics."""
    of = {run.experiment_id for run in runs}
    found: dict[str, Goal] = {}
    for each in visible(call).experiments("all"):
        if each.id in of and METRIC_TAG in each.tags and GOAL_TAG in each.tags:
            metric, goal = main_metric({}, each.tags)
            if metric is not None and goal is not None:
                found[metric] = goal
    return found


def _separated(scene: Scene, asked: Compared) -> Any:
    chosen = scene.chosen()
    metric = asked.metric or (chosen.main or "").removeprefix("m.")
    goal = asked.goal or chosen.goals.get(f"m.{metric}") or goal_of(metric)
    if not metric or goal is None:  # nothing tells the best from the rest: that may be said
        return Beside(metric=f"m.{metric}" if metric else None, compared=0, best=0, params=[])
    varying = [f"p.{key}" for key in chosen.params if f"p.{key}" not in chosen.constant][:PARAMS]
    found = matrix(scene.connection, scene.runs, metric, [each.removeprefix("p.") for each in varying])
    best = best_of(found.values, goal, asked.top) if found.values else set()
    worst = max if goal == "min" else min
    return plain(
        Beside(
            metric=f"m.{metric}",
            goal=goal,
            compared=len(found.values),
            best=len(best),
            threshold=worst((found.values[run] for run in best), default=None),
            params=separations(found.values, {f"p.{key}": texts for key, texts in found.params.items()}, best),
        )
    )


class OneFile(forms.Query):
    """A file of the code of two runs, as ``/compare`` names it."""

    a: forms.Reference
    b: forms.Reference
    path: forms.Text = ""


@dataclass(frozen=True, slots=True)
class FileDifference:
    """How a file differs: ``lines`` of a unified diff from a to b (``@@``, ``-``, ``+``, context), or ``text``."""

    path: str
    text: str
    lines: list[str]


@dataclass(frozen=True, slots=True)
class CodeDifference:
    """The files that differ, and what could not be compared: a sentence each."""

    files: list[FileDifference]
    unknown: list[str]


@ROUTES.get("/compare/code", Permission(Role.VIEWER, Of.RUN, ("a", "b")), query=OneFile, answer=CodeDifference)
def compare_code(call: Call) -> CodeDifference:
    """How the code of two runs differs, line by line: all of it, or one file."""
    from autotrack.answers.code import compare_code as compare_stories
    from autotrack.answers.difference import Findings
    from autotrack.answers.story import tell

    asked: OneFile = call.query
    sink = visible(call)
    findings = Findings("code")
    compare_stories(tell(sink, sink.run(asked.a)), tell(sink, sink.run(asked.b)), findings)
    files = [
        FileDifference(fact.what, fact.text, list(fact.lines))
        for fact in findings.facts
        if not asked.path or fact.what == asked.path
    ]
    return CodeDifference(files, [gap.what for gap in findings.unknown])
