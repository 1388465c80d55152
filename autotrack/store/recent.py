"""How the runs stand that may have changed lately: what somebody compares who looks again every second."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, or_, select

from . import schema


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
