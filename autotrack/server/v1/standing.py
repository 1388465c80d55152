"""How a run stands among the others of its experiment: what a reader of it compares it with first."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from autotrack.answers.goals import Goal, goal_of, main_metric, ranked
from autotrack.core.wire import number
from autotrack.store import experiments, schema
from autotrack.store.engines.dialect import fetch
from autotrack.store.search import placing
from autotrack.store.search.overviews import best
from autotrack.store.search.places import places_of
from autotrack.store.search.placing import Usual

from ..calls import Call
from ..routing import Table
from .permissions import READ_RUN

ROUTES = Table("/api/v1")
#: Metrics of a run that are placed among those of the others: those that matter most.
METRICS = 30


@dataclass(frozen=True, slots=True)
class Placed:
    """A metric's last value among those of the experiment: the best of them and how many are better; null both where
    nothing says what is better. ``of`` is how many runs have it, this one included."""

    of: int
    goal: Goal | None
    best: float | str | None
    better: int | None


@dataclass(frozen=True, slots=True)
class Other:
    """Another run."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Among:
    """A run among the others of its experiment.

    ``main`` is the metric that matters most, ``best`` the run that has the best value of it; ``previous`` the run that
    started last before it. ``unusual`` are the params in which it has another value than most of the newest runs.
    ``files`` and ``runs``: how many files the program that made it read, and how many runs that program made.
    """

    main: str | None
    metrics: dict[str, Placed]
    best: Other | None
    previous: Other | None
    unusual: dict[str, Usual]
    files: int
    runs: int


@ROUTES.get("/runs/{run}/standing", READ_RUN, answer=Among)
def standing(call: Call) -> Among:
    """Where a run stands among the others of its experiment."""
    with call.services.store.reading() as connection:
        place = places_of(connection, [call.path["run"]])[0]
        found = experiments.at(connection, place.experiment_id)
        tags = {} if found is None else found.tags
        keys = _keys(connection, place.number)
        main, goal = main_metric(keys, tags)
        goals = {key: goal if key == main else goal_of(key) for key in keys}
        placed = placing.places(connection, place.number, ranked(keys)[:METRICS])
        top = best(connection, place.experiment_id, main, least=goal == "min") if main and goal else None
        before = placing.previous(connection, place.number)
        files, runs = placing.origins(connection, place.number)
        return Among(
            main=main,
            metrics={key: _placed(each, goals[key]) for key, each in placed.items()},
            best=None if top is None else Other(top[0], top[1]),
            previous=None if before is None else Other(*before),
            unusual=placing.usual(connection, place.number, place.experiment_id),
            files=files,
            runs=runs,
        )


def _keys(connection: Connection, number_of_run: int) -> dict[str, int]:
    table = schema.series
    return {row[0]: 1 for row in fetch(connection, select(table.c.key).where(table.c.run == number_of_run))}


def _placed(place: placing.Place, goal: Goal | None) -> Placed:
    if goal is None:
        return Placed(place.of, None, None, None)
    least = goal == "min"
    return Placed(place.of, goal, number(place.low if least else place.high), place.below if least else place.above)
