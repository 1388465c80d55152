"""Runs put together by what they have in common, with how their metrics are spread in each group."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Subquery, and_, case, func, select

from autotrack.core.errors import UsageError

from .. import schema
from ..engines.dialect import fetch, same_text
from ..filters.syntax import Field
from .sets import RunSet

#: Attributes that runs may be put together by.
GROUPING = ("name", "status", "user", "parent", "session", "experiment")
_LARGEST = 1.7976931348623157e308
_TABLES = {"param": schema.params, "tag": schema.tags}


@dataclass(frozen=True, slots=True)
class Spread:
    """The last values of a metric in a group, those that are finite; ``std`` is the sample's, None of one value."""

    count: int
    mean: float
    std: float | None
    min: float
    max: float


@dataclass(slots=True)
class Group:
    """Runs with the same ``value`` of what they are grouped by, None for those that have none.

    ``label`` is what a person calls the value, where that is something else: a parent's name.
    """

    value: str | None
    count: int
    label: str | None = None
    metrics: dict[str, Spread] = field(default_factory=dict)


def groups(connection: Connection, runs: RunSet, by: Field, metrics: Sequence[str]) -> list[Group]:
    """The groups of a set of runs, in no order, with the spread of these metrics."""
    members = _members(runs, by)
    query = select(members.c.value, func.count()).group_by(members.c.value)
    found = {value: Group(value, int(number)) for value, number in fetch(connection, query)}
    for value, key, spread in _spreads(connection, members, metrics):
        found[value].metrics[key] = spread
    return list(found.values())


def _members(runs: RunSet, by: Field) -> Subquery:
    """The runs' numbers, each with the value that it is grouped by."""
    table = schema.runs
    if by.entity in _TABLES:
        of = _TABLES[by.entity]
        joined = table.outerjoin(of, and_(of.c.run == table.c.n, same_text(of.c.key, by.key)))
        query = select(table.c.n, of.c.value.label("value")).select_from(joined)
    elif by.entity == "attribute" and by.key == "experiment":
        of = schema.experiments
        query = select(table.c.n, of.c.name.label("value")).join_from(table, of, of.c.id == table.c.experiment_id)
    elif by.entity == "attribute" and by.key in GROUPING:
        query = select(table.c.n, table.c[by.key].label("value"))
    else:
        known = ", ".join(GROUPING)
        raise UsageError(f"runs are grouped by a param (p.), a tag (t.) or one of {known}, not by {by.key[:80]!r}")
    return query.where(*runs.conditions()).subquery("members")


def _spreads(connection: Connection, members: Subquery, metrics: Sequence[str]) -> list[tuple[Any, str, Spread]]:
    """Sums of what values are above one of them: the spread of values that are close to each other is not lost."""
    series = schema.series
    finite = series.c.last.between(-_LARGEST, _LARGEST)
    offsets: dict[str, float] = {}
    for key in metrics:
        some = select(series.c.last).where(same_text(series.c.key, key), finite).limit(1)
        value = connection.execute(some).scalar()
        if value is not None:
            offsets[key] = float(value)
    if not offsets:
        return []
    above = series.c.last - case(offsets, value=series.c.key)
    sums = (func.count(), func.sum(above), func.sum(above * above), func.min(series.c.last), func.max(series.c.last))
    query = (
        select(members.c.value, series.c.key, *sums)
        .join_from(members, series, series.c.run == members.c.n)
        .where(series.c.key.in_(list(offsets)), finite)
        .group_by(members.c.value, series.c.key)
    )
    found = []
    for value, key, number, total, squares, low, high in fetch(connection, query):
        mean = offsets[key] + total / number
        std = math.sqrt(max(0.0, squares - total * total / number) / (number - 1)) if number > 1 else None
        found.append((value, key, Spread(int(number), mean, std, low, high)))
    return found
