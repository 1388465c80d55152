"""How one run stands in its experiment: the best values, how many are better, what others usually have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, and_, case, func, select

from .. import schema
from ..engines.dialect import among, fetch

#: The greatest finite value; beyond it stand the infinities, which are no value to be measured against.
LARGEST = 1.7976931348623157e308
#: Runs whose params are looked at for what is usual: the newest.
SAMPLE = 500


@dataclass(frozen=True, slots=True)
class Place:
    """Last values of a metric in an experiment: how many runs have one, how many are below the run's own and above."""

    of: int
    low: float
    high: float
    below: int
    above: int


@dataclass(frozen=True, slots=True)
class Usual:
    """The value that more than half of ``of`` runs have."""

    value: str
    runs: int
    of: int


def places(connection: Connection, number: int, keys: Sequence[str]) -> dict[str, Place]:
    """Where the last values of a run's metrics stand among those of the active runs of its experiment."""
    runs, series = schema.runs, schema.series
    mine, others, me = series.alias("mine"), series.alias("others"), runs.alias("me")
    finite = and_(others.c.last.between(-LARGEST, LARGEST), mine.c.last.between(-LARGEST, LARGEST))
    query = (
        select(
            mine.c.key,
            func.count(),
            func.min(others.c.last),
            func.max(others.c.last),
            func.sum(case((others.c.last < mine.c.last, 1), else_=0)),
            func.sum(case((others.c.last > mine.c.last, 1), else_=0)),
        )
        .join_from(mine, others, others.c.key == mine.c.key)
        .join(runs, runs.c.n == others.c.run)
        .join(me, me.c.n == mine.c.run)
        .where(mine.c.run == number, among(mine.c.key, list(keys)), finite)
        .where(runs.c.experiment_id == me.c.experiment_id, runs.c.lifecycle == "active")
        .group_by(mine.c.key)
    )
    rows = fetch(connection, query) if keys else []
    return {row[0]: Place(int(row[1]), float(row[2]), float(row[3]), int(row[4]), int(row[5])) for row in rows}


def usual(connection: Connection, number: int, experiment: str) -> dict[str, Usual]:
    """The usual values, in the newest runs of the experiment, of those params in which a run has another one."""
    runs, params = schema.runs, schema.params
    some = select(runs.c.n).where(runs.c.experiment_id == experiment, runs.c.lifecycle == "active")
    newest = fetch(connection, some.order_by(runs.c.started.desc(), runs.c.id).limit(SAMPLE))
    own = dict[str, str](
        fetch(connection, select(params.c.key, params.c.value).where(params.c.run == number))  # type: ignore[arg-type]
    )
    query = select(params.c.key, params.c.value, func.count()).where(
        among(params.c.run, [row[0] for row in newest]), among(params.c.key, list(own))
    )
    found = fetch(connection, query.group_by(params.c.key, params.c.value)) if own and newest else []
    return {
        key: Usual(value, int(count), len(newest))
        for key, value, count in found
        if 2 * count > len(newest) and value != own[key]
    }


def previous(connection: Connection, number: int) -> tuple[str, str] | None:
    """Id and name of the run of the same experiment and parent that started last before a run."""
    runs = schema.runs
    me = runs.alias("me")
    same_parent = func.coalesce(runs.c.parent, "") == func.coalesce(me.c.parent, "")
    query = (
        select(runs.c.id, runs.c.name)
        .join_from(me, runs, and_(runs.c.experiment_id == me.c.experiment_id, runs.c.started < me.c.started))
        .where(me.c.n == number, runs.c.lifecycle == "active", same_parent)
        .order_by(runs.c.started.desc(), runs.c.id)
    )
    rows = fetch(connection, query.limit(1))
    return (rows[0][0], rows[0][1]) if rows else None


def origins(connection: Connection, number: int) -> tuple[int, int]:
    """How many files the program that made a run read, and how many runs it made."""
    runs, files = schema.runs, schema.files
    session = select(runs.c.session).where(runs.c.n == number).scalar_subquery()
    read = select(func.count()).select_from(files).where(files.c.session == session, files.c.role == "read")
    made = select(func.count()).select_from(runs).where(runs.c.session == session)
    return int(connection.execute(read).scalar_one()), int(connection.execute(made).scalar_one())
