"""Which keys the runs of a set have: how many have each, and what a param is where it is the same in all of them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from . import schema
from .dialect import fetch
from .run_sets import RunSet, count


@dataclass(frozen=True, slots=True)
class RunKeys:
    """``runs`` is how many there are. ``metrics``, ``params`` and ``tags``: how many of them have each key.

    ``constant``: the params that all of them have, with one and the same value.
    """

    runs: int
    metrics: dict[str, int]
    params: dict[str, int]
    tags: dict[str, int]
    constant: dict[str, str]


def run_keys(connection: Connection, runs: RunSet) -> RunKeys:
    """The keys of a set of runs, each kind in alphabetical order."""
    total = count(connection, runs)
    inside = select(schema.runs.c.n).where(*runs.conditions())
    counts = []
    for table in (schema.series, schema.tags):
        query = select(table.c.key, func.count()).where(table.c.run.in_(inside)).group_by(table.c.key)
        counts.append(dict(sorted((key, int(number)) for key, number in fetch(connection, query))))
    params = schema.params
    query = select(params.c.key, func.count(), func.min(params.c.value), func.max(params.c.value))
    rows = sorted(map(tuple, fetch(connection, query.where(params.c.run.in_(inside)).group_by(params.c.key))))
    constant = {key: low for key, number, low, high in rows if number == total and low == high}
    return RunKeys(total, counts[0], {row[0]: int(row[1]) for row in rows}, counts[1], constant)
