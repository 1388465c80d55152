"""What is written on a run about its own recording: notes, losses, refusals."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

from .. import schema

#: How many different reasons a run quotes for records that were refused; all are counted.
MAX_REASONS = 20


def merged(before: str | None, health: Iterable[Mapping[str, Any]]) -> str | None:
    """Health notes added to those a run has: lists and counts grow, everything else is replaced.

    Two threads of a program may write a count in either order: the larger one is the later."""
    notes: dict[str, Any] = json.loads(before) if before else {}
    for more in health:
        for key, value in more.items():
            had = notes.get(key)
            if isinstance(had, list) and isinstance(value, list):
                notes[key] = [*had, *value]
            elif isinstance(had, int) and isinstance(value, int):
                notes[key] = max(had, value)
            else:
                notes[key] = value
    return json.dumps(notes, ensure_ascii=False) if notes else None


def note_losses(connection: Connection, writer: str, damaged: int, refused: int, reasons: Sequence[str]) -> None:
    """Writes on every run of a journal how many of its records were damaged, and how many refused, and why."""
    table = schema.runs
    for number, health in connection.execute(select(table.c.n, table.c.health).where(table.c.writer == writer)).all():
        counts = {"damaged_records": damaged, "refused_records": refused}
        news: dict[str, Any] = {key: count for key, count in counts.items() if count}
        had = json.loads(health).get("refused_because") if health else None
        known = had if isinstance(had, list) else []
        new = [reason for reason in reasons if reason not in known][: max(0, MAX_REASONS - len(known))]
        if new:
            news["refused_because"] = new
        connection.execute(table.update().where(table.c.n == number).values(health=merged(health, [news])))
