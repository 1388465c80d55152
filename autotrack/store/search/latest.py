"""Runs with the latest point of each metric, as MLflow's API tells them: a few queries, whatever the number of runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Select, Table, bindparam, select

from autotrack.core.errors import NotFoundError

from .. import schema
from ..engines.dialect import among_bound, fetch
from ..schema import model_tables as schema_models
from ..series.summaries import value_of


@dataclass(frozen=True, slots=True)
class Point:
    """A metric's latest point: that of the largest step. ``time`` in nanoseconds since the epoch."""

    key: str
    value: float | int
    step: int
    time: int


@dataclass(frozen=True, slots=True)
class DatasetRow:
    """A data set that a run read (see ``entities.DatasetRecord``)."""

    name: str
    digest: str
    context: str
    rows: int | None
    columns: str | None
    source: str | None
    kind: str | None
    mlflow_digest: str | None
    mlflow: str | None


@dataclass(slots=True)
class LatestRun:
    """A run's row and what belongs to it, without the points of its metrics. Times in nanoseconds since the epoch."""

    number: int
    id: str
    name: str
    experiment_id: str
    status: str
    started: int
    ended: int | None
    parent: str | None
    session: str | None
    user: str | None
    lifecycle: str
    artifact_uri: str | None
    #: Where the artifacts of its experiment are said to be; None for the store's own place.
    location: str | None
    params: list[tuple[str, str]] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    metrics: list[Point] = field(default_factory=list)
    datasets: list[DatasetRow] = field(default_factory=list)
    #: Models that went in or came out: role (``input``, ``output``), id, step.
    models: list[tuple[str, str, int]] = field(default_factory=list)


_COLUMNS = "n id name experiment_id status started ended parent session user lifecycle artifact_uri".split()
_RUNS, _EXPERIMENTS = schema.runs, schema.experiments
# Made once: a request for a run has to be told in less time than it takes to make these.
_ROWS = select(*(_RUNS.c[name] for name in _COLUMNS), _EXPERIMENTS.c.artifact_location).join(
    _EXPERIMENTS, _EXPERIMENTS.c.id == _RUNS.c.experiment_id
)
_AT = _ROWS.where(_RUNS.c.id == bindparam("at_id"))
_THESE = _ROWS.where(among_bound(_RUNS.c.n, bound="numbers"))


def _of_runs(table: Table, names: str) -> Select[Any]:
    wanted = [table.c[name] for name in names.split()]
    return select(table.c.run, *wanted).where(among_bound(table.c.run, bound="numbers"))


_PARAMS = _of_runs(schema.params, "key value")
_TAGS = _of_runs(schema.tags, "key value")
_SERIES = _of_runs(schema.series, "key last_bits last_int last_step last_time")
_DATASETS = _of_runs(schema.datasets, "name digest context rows columns source kind mlflow_digest mlflow")
_MODELS = _of_runs(schema_models.run_models, "role model step")


def latest_run(connection: Connection, run_id: str, *, whole: bool = True) -> LatestRun:
    """The run with that id, deleted or not; ``whole=False``: its row alone (NotFoundError)."""
    runs = [LatestRun(*row) for row in fetch(connection, _AT, {"at_id": run_id})]
    if not runs:
        raise NotFoundError(f"Run with id={run_id[:260]} not found")
    if whole:
        _fill(connection, {run.number: run for run in runs})
    return runs[0]


def latest_runs(connection: Connection, numbers: Sequence[int]) -> list[LatestRun]:
    """The runs with those numbers, in that order."""
    if not numbers:
        return []
    found = {row[0]: LatestRun(*row) for row in fetch(connection, _THESE, {"numbers": numbers})}
    _fill(connection, found)
    return [found[number] for number in numbers if number in found]


def _fill(connection: Connection, runs: dict[int, LatestRun]) -> None:
    numbers = {"numbers": list(runs)}
    for number, key, value in fetch(connection, _PARAMS, numbers):
        runs[number].params.append((key, value))
    for number, key, value in fetch(connection, _TAGS, numbers):
        runs[number].tags[key] = value
    for number, key, bits, is_int, step, time in fetch(connection, _SERIES, numbers):
        runs[number].metrics.append(Point(key, value_of(bits, is_int), step, time))
    for number, *values in fetch(connection, _DATASETS, numbers):
        runs[number].datasets.append(DatasetRow(*values))
    for number, role, model, step in fetch(connection, _MODELS, numbers):
        runs[number].models.append((role, model, step))
