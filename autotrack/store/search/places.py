"""Which runs some ids, or beginnings of ids, stand for, and whose they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, select

from .. import schema
from ..engines.dialect import among, fetch
from .queries import number_of


class Place(NamedTuple):
    """A run by its number, its id, and the id of its experiment."""

    number: int
    id: str
    experiment_id: str


def places_of(connection: Connection, ids: Sequence[str]) -> list[Place]:
    """The runs with those ids or unique beginnings, in that order (NotFoundError, AmbiguousError)."""
    runs = schema.runs
    query = select(runs.c.n, runs.c.id, runs.c.experiment_id)
    found = {row[1]: Place(*row) for row in fetch(connection, query.where(among(runs.c.id, list(ids))))}
    for each in ids:
        if each not in found:
            number = number_of(connection, each)
            found[each] = Place(*fetch(connection, query.where(runs.c.n == number))[0])
    return [found[each] for each in ids]
