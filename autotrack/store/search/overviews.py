"""How experiments stand at a glance: their runs by status, the latest of them, the best, and what runs just now."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, func, select

from .. import schema
from ..engines.dialect import among, fetch, same_text
from ..series.points import floats

#: Runs that are running which are told of, and the runs of an experiment that are looked at for its metrics.
MOST_RUNNING = 50
_SAMPLE = 10
_LARGEST = 1.7976931348623157e308


@dataclass(slots=True)
class Standing:
    """The active runs of an experiment: how many by status, and when something was last written to one (ns)."""

    runs: dict[str, int] = field(default_factory=dict)
    active_at: int = 0


def standings(connection: Connection, experiments: Collection[str] | None) -> dict[str, Standing]:
    """How the experiments with these ids (None: all) stand that have any runs."""
    runs = schema.runs
    latest = (func.max(runs.c.last_seen), func.max(runs.c.ended), func.max(runs.c.started))
    query = select(runs.c.experiment_id, runs.c.status, func.count(), *latest).where(runs.c.lifecycle == "active")
    if experiments is not None:
        query = query.where(among(runs.c.experiment_id, list(experiments)))
    found: dict[str, Standing] = {}
    for experiment, status, count, *moments in fetch(connection, query.group_by(runs.c.experiment_id, runs.c.status)):
        standing = found.setdefault(experiment, Standing())
        standing.runs[status] = int(count)
        standing.active_at = max(standing.active_at, *(int(each or 0) for each in moments))
    return found


@dataclass(frozen=True, slots=True)
class Recent:
    """The latest runs of an experiment (their numbers, newest first), who made the last of them, and how many of some
    of them have each metric."""

    numbers: list[int]
    user: str | None
    metrics: dict[str, int]


def recent(connection: Connection, experiment: str, count: int) -> Recent:
    """The latest active runs of an experiment."""
    runs, series = schema.runs, schema.series
    query = select(runs.c.n, runs.c.user).where(runs.c.experiment_id == experiment, runs.c.lifecycle == "active")
    rows = fetch(connection, query.order_by(runs.c.started.desc(), runs.c.id).limit(count))
    numbers = [row[0] for row in rows]
    some = numbers[:: max(1, len(numbers) // _SAMPLE)]
    keys = select(series.c.key, func.count()).where(among(series.c.run, some)).group_by(series.c.key)
    metrics = {key: int(number) for key, number in fetch(connection, keys)} if some else {}
    return Recent(numbers, next((row[1] for row in rows if row[1]), None), metrics)


def last_values(connection: Connection, numbers: Sequence[int], key: str) -> list[float | None]:
    """The last value of a metric of each of those runs."""
    series = schema.series
    query = select(series.c.run, series.c.last_bits, series.c.last_int)
    rows = fetch(connection, query.where(among(series.c.run, numbers), same_text(series.c.key, key)))
    values = floats([row[1] for row in rows])
    found = {row[0]: float(row[1]) if row[2] else value for row, value in zip(rows, values, strict=True)}
    return [found.get(number) for number in numbers]


def best(connection: Connection, experiment: str, key: str, *, least: bool) -> tuple[str, str, float] | None:
    """Id, name and value of the active run of an experiment with the least, or greatest, finite last value."""
    runs, series = schema.runs, schema.series
    query = (
        select(runs.c.id, runs.c.name, series.c.last)
        .join_from(series, runs, runs.c.n == series.c.run)
        .where(same_text(series.c.key, key), series.c.last.between(-_LARGEST, _LARGEST))
        .where(runs.c.experiment_id == experiment, runs.c.lifecycle == "active")
        .order_by(series.c.last.asc() if least else series.c.last.desc())
    )
    rows = fetch(connection, query.limit(1))
    return (rows[0][0], rows[0][1], float(rows[0][2])) if rows else None


@dataclass(frozen=True, slots=True)
class Running:
    """A run that is running, with its params, tags, and the last value and step of each metric. Times in ns."""

    id: str
    name: str
    experiment_id: str
    parent: str | None
    started: int
    seen: int | None
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, tuple[float, int]] = field(default_factory=dict)


def running(connection: Connection, experiments: Collection[str] | None) -> list[Running]:
    """The runs that are running, newest first."""
    runs, series = schema.runs, schema.series
    columns: list[Any] = [
        runs.c[name] for name in ("n", "id", "name", "experiment_id", "parent", "started", "last_seen")
    ]
    query = select(*columns).where(runs.c.lifecycle == "active", runs.c.status == "RUNNING")
    if experiments is not None:
        query = query.where(among(runs.c.experiment_id, list(experiments)))
    rows = fetch(connection, query.order_by(runs.c.started.desc(), runs.c.id).limit(MOST_RUNNING))
    found = {row[0]: Running(*row[1:]) for row in rows}
    for table in (schema.params, schema.tags):
        texts = select(table.c.run, table.c.key, table.c.value).where(among(table.c.run, list(found)))
        for number, key, value in fetch(connection, texts) if found else ():
            (found[number].params if table is schema.params else found[number].tags)[key] = value
    lasts = select(series.c.run, series.c.key, series.c.last_bits, series.c.last_int, series.c.last_step)
    points = fetch(connection, lasts.where(among(series.c.run, list(found)))) if found else []
    for (number, key, bits, is_int, step), value in zip(points, floats([row[2] for row in points]), strict=True):
        found[number].metrics[key] = (float(bits) if is_int else value, int(step))
    return list(found.values())
