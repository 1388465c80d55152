"""Changes of many runs at once: deleted softly and brought back, tagged, moved. A few statements, however many runs.

Everything is about whole ids; what is not there, or not in the state that it would have to be in, is left alone.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, func, select, update

from autotrack.core.errors import UsageError

from . import schema
from .engines.dialect import among, fetch, for_update, upsert, write_rows

ACTIVE, DELETED = "active", "deleted"
BACK = {"lifecycle": ACTIVE, "deleted_with": None, "deleted_at": None}


def gone(why: Any) -> dict[str, Any]:
    """The columns of a run that is deleted; ``why``: what took it along, None where it was meant itself."""
    return {"lifecycle": DELETED, "deleted_with": why, "deleted_at": time.time_ns()}


def delete_runs(connection: Connection, ids: Sequence[str]) -> int:
    """Deletes runs softly, with what is below them; answers how many. What goes along names the run that took it."""
    runs = schema.runs
    above = runs.alias("above")
    level = _locked(connection, among(runs.c.id, ids), runs.c.lifecycle == ACTIVE)
    count = _set(connection, level, gone(None))
    took = select(func.coalesce(above.c.deleted_with, above.c.id)).where(above.c.id == runs.c.parent).scalar_subquery()
    # A run whose parent had been deleted before by itself is below it as well.
    level = list(dict.fromkeys([*level, *ids]))
    while level:
        level = _locked(connection, among(runs.c.parent, level), runs.c.lifecycle == ACTIVE)
        count += _set(connection, level, gone(took))
    return count


def restore_runs(connection: Connection, ids: Sequence[str]) -> int:
    """Brings runs back, with what went with them; answers how many (UsageError where an experiment is deleted)."""
    runs, experiments = schema.runs, schema.experiments
    query = select(experiments.c.name, runs.c.id).join(runs, runs.c.experiment_id == experiments.c.id)
    row = connection.execute(query.where(among(runs.c.id, ids), experiments.c.lifecycle == DELETED)).first()
    if row is not None:
        raise UsageError(f"the experiment {row.name!r} of run {row.id} is deleted: restore the experiment first")
    back = _locked(connection, among(runs.c.id, ids), runs.c.lifecycle == DELETED)
    back += _locked(connection, among(runs.c.deleted_with, ids), runs.c.lifecycle == DELETED)
    count = _set(connection, back, BACK)
    _touch(connection, back)
    return count


@dataclass(slots=True)
class TagsBefore:
    """Runs (ids) that had the same tags of some keys: what to set, and what to take away, to have that again."""

    ids: list[str] = field(default_factory=list)
    set: dict[str, str] = field(default_factory=dict)
    remove: list[str] = field(default_factory=list)


def tag_runs(
    connection: Connection, ids: Sequence[str], values: Mapping[str, str], remove: Iterable[str]
) -> list[TagsBefore]:
    """Sets tags of the active ones of some runs and takes others away; answers how they were."""
    runs, tags = schema.runs, schema.tags
    keys = list(dict.fromkeys([*values, *remove]))
    changed = _locked(connection, among(runs.c.id, ids), runs.c.lifecycle == ACTIVE)
    rows = fetch(connection, select(runs.c.n, runs.c.id).where(among(runs.c.id, changed)))
    numbers: dict[int, str] = {row[0]: row[1] for row in rows}
    before: dict[int, dict[str, str]] = {number: {} for number in numbers}
    query = select(tags.c.run, tags.c.key, tags.c.value)
    these = and_(among(tags.c.run, list(numbers)), tags.c.key.in_(keys))
    for number, key, value in fetch(connection, query.where(these)):
        before[number][key] = value
    found: dict[tuple[tuple[str, str], ...], TagsBefore] = {}
    for number, had in before.items():
        same = found.setdefault(
            tuple(sorted(had.items())), TagsBefore([], had, [key for key in keys if key not in had])
        )
        same.ids.append(numbers[number])
    rest = [key for key in keys if key not in values]
    if rest:
        connection.execute(delete(tags).where(among(tags.c.run, list(numbers)), tags.c.key.in_(rest)))
    new = [(number, key, value) for number in sorted(numbers) for key, value in sorted(values.items())]
    if new:
        write_rows(connection, upsert(tags), ["run", "key", "value"], new)
    _touch(connection, changed)
    return list(found.values())


def move_runs(connection: Connection, ids: Sequence[str], experiment: str) -> dict[str, list[str]]:
    """Moves the active ones of some runs, with what is below them, to the experiment with that id; answers the ids of
    those that were moved, by the experiment that they were in. Their files stay where they are."""
    runs = schema.runs
    found: dict[str, list[str]] = {}
    level = list(ids)
    known: set[str] = set()
    where: ColumnElement[Any] = among(runs.c.id, level)
    while level:
        level = [each for each in _locked(connection, where, runs.c.lifecycle == ACTIVE) if each not in known]
        known.update(level)
        where = among(runs.c.parent, level)
        for identity, old in fetch(connection, select(runs.c.id, runs.c.experiment_id).where(among(runs.c.id, level))):
            if old != experiment:
                found.setdefault(old, []).append(identity)
    moved = [identity for some in found.values() for identity in some]
    _set(connection, moved, {"experiment_id": experiment})
    _touch(connection, moved)
    return found


def _locked(connection: Connection, *where: Any) -> list[str]:
    """The ids of the runs that meet this, locked in the order in which everybody locks them."""
    runs = schema.runs
    return [str(row[0]) for row in fetch(connection, for_update(select(runs.c.id).where(*where).order_by(runs.c.id)))]


def _set(connection: Connection, ids: Sequence[str], values: Mapping[str, Any]) -> int:
    if not ids:
        return 0
    return connection.execute(update(schema.runs).where(among(schema.runs.c.id, ids)).values(values)).rowcount


def _touch(connection: Connection, ids: Sequence[str]) -> None:
    """Has it noticed that something was written to runs. Of those that are running, that says that they live."""
    runs = schema.runs
    if ids:
        ended = (among(runs.c.id, ids), runs.c.status != "RUNNING")
        connection.execute(update(runs).where(*ended).values(last_seen=time.time_ns()))
