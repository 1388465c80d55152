"""Looks for damage in a database."""

from __future__ import annotations

from sqlalchemy import Connection, exists, not_, select

from .. import schema
from ..engines.dialect import damage
from ..series.chunks import is_intact


def findings(connection: Connection) -> list[str]:
    """What is wrong: one sentence a finding, none where everything is sound. Reads every chunk."""
    found = list(damage(connection))
    chunks, series = schema.chunks, schema.series
    for number, n, data in connection.execute(select(chunks.c.series, chunks.c.n, chunks.c.data)):
        if not is_intact(data):
            found.append(f"chunk {n} of metric series {number} is damaged")
    stray = select(chunks.c.series).where(not_(exists().where(series.c.id == chunks.c.series))).distinct()
    found.extend(f"metric chunks of series {row.series} belong to no run" for row in connection.execute(stray))
    return found
