"""How the runs stand that may have changed lately: what somebody compares who looks again every second."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, or_, select

from .. import schema
from ..engines.dialect import among, fetch


class Glance(NamedTuple):
    """What of a run changes when anything is written to it."""

    id: str
    experiment_id: str
    status: str
    lifecycle: str
    name: str
    last_seen: int | None
    ended: int | None


def glances(connection: Connection, since: int) -> list[Glance]:
    """The runs that are running, or were written to, ended or deleted after ``since`` (ns)."""
    runs = schema.runs
    columns = (runs.c.id, runs.c.experiment_id, runs.c.status, runs.c.lifecycle, runs.c.name, runs.c.last_seen)
    lately = or_(runs.c.last_seen >= since, runs.c.deleted_at >= since, runs.c.ended >= since)
    query = select(*columns, runs.c.ended).where(or_(runs.c.status == "RUNNING", lately))
    return [Glance(*row) for row in connection.execute(query)]


def totals(connection: Connection, ids: Sequence[str]) -> dict[str, dict[str, int]]:
    """How many points each metric of those runs has."""
    runs, series = schema.runs, schema.series
    query = select(runs.c.id, series.c.key, series.c.count).join_from(runs, series, series.c.run == runs.c.n)
    found: dict[str, dict[str, int]] = {each: {} for each in ids}
    for identity, key, count in fetch(connection, query.where(among(runs.c.id, list(ids)))):
        found[identity][key] = int(count)
    return found
