"""Params of many runs with the value of one metric, for what is computed across all of them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from .. import schema
from ..engines.dialect import among, fetch, same_text
from .sets import RunSet

#: Runs that are looked at: the newest.
MOST = 20_000
_LARGEST = 1.7976931348623157e308


@dataclass(frozen=True, slots=True)
class Matrix:
    """The finite values of a metric by run number, and of each param the texts by run number."""

    values: dict[int, float]
    params: dict[str, dict[int, str]]


def matrix(connection: Connection, runs: RunSet, metric: str, params: list[str]) -> Matrix:
    """The runs of a set that have the metric, the newest of them where they are very many, with these params."""
    table, series = schema.runs, schema.series
    query = (
        select(table.c.n, series.c.last)
        .join_from(table, series, series.c.run == table.c.n)
        .where(*runs.conditions(), same_text(series.c.key, metric), series.c.last.between(-_LARGEST, _LARGEST))
        .order_by(table.c.started.desc(), table.c.id)
        .limit(MOST)
    )
    values: dict[int, float] = {row[0]: float(row[1]) for row in fetch(connection, query)}
    found: dict[str, dict[int, str]] = {key: {} for key in params}
    texts = select(schema.params.c.run, schema.params.c.key, schema.params.c.value)
    where = (among(schema.params.c.run, list(values)), schema.params.c.key.in_(params))
    for number, key, value in fetch(connection, texts.where(*where)) if values and params else ():
        found[key][number] = value
    return Matrix(values, found)
