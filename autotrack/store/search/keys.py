"""Which keys the runs of a set have: how many have each, and what is the same in all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, func, select

from .. import schema
from ..engines.dialect import fetch
from .sets import RunSet, count
from .values import commits_of

#: Runs that are looked at: of more of them, the newest.
MOST = 20_000
#: Sessions whose commits are looked at.
SESSIONS = 200


@dataclass(frozen=True, slots=True)
class RunKeys:
    """``runs`` is how many were looked at: all, or the newest ``MOST``. ``metrics``, ``params`` and ``tags``: how many
    of them have each key.

    ``constant``: the params that all of them have with one and the same value, ``still`` the metrics whose last value
    is. ``attributes``: those of ``user`` and ``commit`` that any run has; the value where it is the same in all, else
    None. Of a single run nothing is constant.
    """

    runs: int
    metrics: dict[str, int]
    params: dict[str, int]
    tags: dict[str, int]
    constant: dict[str, str]
    still: dict[str, float]
    attributes: dict[str, str | None]


def run_keys(connection: Connection, runs: RunSet) -> RunKeys:
    """The keys of a set of runs, each kind in alphabetical order."""
    total, table = count(connection, runs), schema.runs
    inside = select(table.c.n).where(*runs.conditions())
    if total > MOST:
        total, inside = MOST, inside.order_by(table.c.started.desc(), table.c.id).limit(MOST)
    metrics, still = _counted(connection, schema.series, schema.series.c.last, inside, total)
    params, constant = _counted(connection, schema.params, schema.params.c.value, inside, total)
    query = select(schema.tags.c.key, func.count()).where(schema.tags.c.run.in_(inside)).group_by(schema.tags.c.key)
    tags = {key: int(number) for key, number in sorted(map(tuple, fetch(connection, query)))}
    return RunKeys(total, metrics, params, tags, constant, still, _attributes(connection, inside, total))


def _counted(
    connection: Connection, table: Any, value: Any, inside: Select[Any], total: int
) -> tuple[dict[str, int], dict[str, Any]]:
    """How many runs have each key, and the one value of those that all have alike."""
    query = select(table.c.key, func.count(), func.count(value), func.min(value), func.max(value))
    rows = sorted(fetch(connection, query.where(table.c.run.in_(inside)).group_by(table.c.key)), key=lambda row: row[0])
    alike = {row[0]: row[3] for row in rows if row[2] == total > 1 and row[3] == row[4]}
    return {row[0]: int(row[1]) for row in rows}, alike


def _attributes(connection: Connection, inside: Select[Any], total: int) -> dict[str, str | None]:
    table, found = schema.runs, dict[str, str | None]()
    query = select(func.count(table.c.user), func.min(table.c.user), func.max(table.c.user)).where(
        table.c.n.in_(inside)
    )
    number, low, high = fetch(connection, query)[0]
    if number:
        found["user"] = low if number == total > 1 and low == high else None
    commits = commits_of(connection, inside, SESSIONS)
    if commits - {None}:
        found["commit"] = next(iter(commits)) if total > 1 and len(commits) == 1 else None
    return found
