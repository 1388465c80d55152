"""What is happening, and where to go: experiments at a glance, and the runs that are running."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from autotrack.answers.goals import Goal, main_metric
from autotrack.answers.progress import seconds_left, total_steps
from autotrack.core.entities import Experiment
from autotrack.core.wire import number
from autotrack.store.experiments import EVERY, selected
from autotrack.store.search.overviews import Running, Standing, best, last_values, recent, running, standings

from ..calls import Call
from ..routing import Table
from . import forms
from .permissions import SEARCH

ROUTES = Table("/api/v1")
#: Runs of an experiment whose values are told, and experiments that are remembered.
RECENT, KEPT = 50, 2000
#: Who an experiment belongs to, by its tags; else it is who made its latest run.
OWNERS = ("autotrack.owner", "mlflow.user")
MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Best:
    """The best value of a metric, and whose it is."""

    value: float
    run: str
    name: str


@dataclass(frozen=True, slots=True)
class Glimpse:
    """An experiment. ``runs``: how many by status, and in ``total``; ``active_at``: milliseconds since 1970.

    ``recent`` are the last values of the main ``metric`` in its latest runs, oldest first, null where one has none.
    """

    id: str
    name: str
    lifecycle: str
    created: int
    active_at: int
    runs: dict[str, int]
    owner: str | None
    tags: dict[str, str]
    metric: str | None
    goal: Goal | None
    best: Best | None
    recent: list[float | str | None]


@dataclass(frozen=True, slots=True)
class Progress:
    """A run that is running: its main ``metric`` with value and step, how many steps it will have, and the seconds that
    it still takes if it goes on as it went. ``total`` and ``left`` are null where nothing says so."""

    id: str
    name: str
    experiment_id: str
    parent: str | None
    started: int
    seen: int | None
    metric: str | None
    goal: Goal | None
    value: float | str | None
    step: int | None
    total: int | None
    left: float | None


@dataclass(frozen=True, slots=True)
class Overview:
    """Experiments, the one with the latest activity first, and runs that are running, newest first."""

    total: int
    experiments: list[Glimpse]
    running: list[Progress]


class Which(forms.Query):
    lifecycle: forms.Lifecycle = "active"
    offset: forms.Count = 0
    limit: forms.Page = 200


@ROUTES.get("/overview", SEARCH, query=Which, answer=Overview)
def overview(call: Call) -> Overview:
    """Experiments at a glance, and the runs that are running."""
    which: Which = call.query
    known: OrderedDict[str, Any] = call.services.extra.setdefault("glimpses", OrderedDict())
    with call.services.store.reading() as connection:
        everything = selected(connection, EVERY)
        seen = [each for each in everything if call.readable is None or each.id in call.readable]
        stand = standings(connection, call.readable)
        shown = [each for each in seen if which.lifecycle in ("all", each.lifecycle)]
        shown.sort(key=lambda each: -max(stand.get(each.id, _NONE).active_at, each.created))
        part = shown[which.offset : which.offset + which.limit]
        found = [_glimpse(connection, each, stand.get(each.id, _NONE), known) for each in part]
        tags = {each.id: each.tags for each in seen if each.lifecycle == "active"}
        now = time.time_ns()
        active = [
            _progress(each, tags[each.experiment_id], now)
            for each in running(connection, call.readable)
            if each.experiment_id in tags
        ]
    return Overview(len(shown), found, active)


_NONE = Standing()


def _glimpse(
    connection: Connection, experiment: Experiment, standing: Standing, known: OrderedDict[str, Any]
) -> Glimpse:
    """What there is to say of an experiment: as it was said before where nothing has happened since."""
    state = (repr(standing), experiment.updated, experiment.name, experiment.lifecycle, repr(experiment.tags))
    before = known.get(experiment.id)
    if before is not None and before[0] == state:
        glimpse: Glimpse = before[1]
        return glimpse
    latest = recent(connection, experiment.id, RECENT)
    metric, goal = main_metric(latest.metrics, experiment.tags)
    top = best(connection, experiment.id, metric, least=goal == "min") if metric is not None and goal else None
    values = last_values(connection, latest.numbers, metric) if metric is not None else []
    made = Glimpse(
        id=experiment.id,
        name=experiment.name,
        lifecycle=experiment.lifecycle,
        created=experiment.created // MILLION,
        active_at=max(standing.active_at, experiment.created) // MILLION,
        runs={"total": sum(standing.runs.values()), **standing.runs},
        owner=next((experiment.tags[key] for key in OWNERS if key in experiment.tags), latest.user),
        tags=dict(experiment.tags),
        metric=None if metric is None else f"m.{metric}",
        goal=goal,
        best=None if top is None else Best(top[2], top[0], top[1]),
        recent=[None if value is None else number(value) for value in reversed(values)],
    )
    known[experiment.id] = (state, made)
    while len(known) > KEPT:
        try:
            known.popitem(last=False)
        except KeyError:  # another thread was faster
            break
    return made


def _progress(run: Running, tags: Mapping[str, str], now: int) -> Progress:
    metric, goal = main_metric(dict.fromkeys(run.metrics, 1), tags)
    value, step = run.metrics.get(metric or "", (None, None))
    total = None if step is None else total_steps(run.params, run.tags, step)
    return Progress(
        id=run.id,
        name=run.name,
        experiment_id=run.experiment_id,
        parent=run.parent,
        started=run.started // MILLION,
        seen=None if run.seen is None else run.seen // MILLION,
        metric=None if metric is None else f"m.{metric}",
        goal=goal,
        value=None if value is None else number(value),
        step=step,
        total=total,
        left=None if step is None else seconds_left((now - run.started) / 1e9, step, total),
    )
