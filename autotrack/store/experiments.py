"""Experiments and the lives of runs: making, renaming, deleting softly, restoring.

A deleted experiment keeps its name and takes its active runs along; restoring it brings those back, and not the ones
that had been deleted before. A deleted run takes its children along in the same way.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Select, func, insert, select, update
from sqlalchemy import delete as delete_rows

from autotrack.core.entities import Experiment, ForeignExperiment
from autotrack.core.errors import ConflictError, NotFoundError, UsageError

from . import bulk, schema
from .engines.dialect import among, upsert
from .intake.run_rows import create_experiment
from .search.places import places_of

LONGEST_NAME = 500
ACTIVE, DELETED = bulk.ACTIVE, bulk.DELETED
LIFECYCLES = (ACTIVE, DELETED, "all")


#: For ``selected``: all that there are, newest first.
EVERY = select(schema.experiments).order_by(schema.experiments.c.created.desc(), schema.experiments.c.id)


def listed(connection: Connection, lifecycle: str = ACTIVE) -> list[Experiment]:
    """The experiments of a lifecycle (active, deleted or all), newest first, with tags and how many runs each has."""
    table, runs = schema.experiments, schema.runs
    counts = select(runs.c.experiment_id, func.count()).where(runs.c.lifecycle == ACTIVE).group_by(runs.c.experiment_id)
    count_of = {row[0]: int(row[1]) for row in connection.execute(counts)}
    query = EVERY
    if checked(lifecycle) != "all":
        query = query.where(table.c.lifecycle == lifecycle)
    found = selected(connection, query)
    return [replace(experiment, run_count=count_of.get(experiment.id, 0)) for experiment in found]


def at(connection: Connection, identity: str) -> Experiment | None:
    """The experiment with that id, deleted or not; how many runs it has is not counted."""
    found = selected(connection, select(schema.experiments).where(schema.experiments.c.id == identity))
    return found[0] if found else None


def named(connection: Connection, name: str) -> Experiment | None:
    """The experiment with that name, deleted or not; how many runs it has is not counted."""
    found = selected(connection, select(schema.experiments).where(schema.experiments.c.name == name))
    return found[0] if found else None


def selected(connection: Connection, query: Select[Any]) -> list[Experiment]:
    """The experiments that a query on ``schema.experiments`` selects, in its order; their runs are not counted."""
    rows = connection.execute(query).all()
    table, tags = schema.experiment_tags, dict[str, dict[str, str]]()
    for experiment, key, value in connection.execute(
        select(table).where(among(table.c.experiment_id, [row.id for row in rows]))
    ):
        tags.setdefault(experiment, {})[key] = value
    return [
        Experiment(
            id=row.id,
            name=row.name,
            lifecycle=row.lifecycle,
            created=row.created,
            updated=row.updated,
            tags=tags.get(row.id, {}),
            artifact_location=row.artifact_location,
        )
        for row in rows
    ]


def checked(lifecycle: str) -> str:
    """A lifecycle that exists (UsageError)."""
    if lifecycle not in LIFECYCLES:
        raise UsageError(f"lifecycle {lifecycle!r} is none of {', '.join(LIFECYCLES)}")
    return lifecycle


def id_of(connection: Connection, name_or_id: str) -> str:
    """The id of the experiment with that name, else with that id (NotFoundError)."""
    table = schema.experiments
    name = _check_text("experiment name", name_or_id)
    for column in (table.c.name, table.c.id):
        found = connection.execute(select(table.c.id).where(column == name)).scalar()
        if found is not None:
            return str(found)
    raise NotFoundError(f"there is no experiment {name[:80]!r}; `autotrack experiments list` shows them")


def create(connection: Connection, name: str, tags: Mapping[str, str] | None = None) -> str:
    """A new experiment's id (ConflictError where the name is taken, also by a deleted one)."""
    _check_name(connection, name)
    experiment = create_experiment(connection, name, time.time_ns())
    rows = [
        {"experiment_id": experiment, "key": _check_text("tag", key), "value": _check_text("tag value", value)}
        for key, value in (tags or {}).items()
    ]
    if rows:
        connection.execute(upsert(schema.experiment_tags), rows)
    return experiment


def adopt(connection: Connection, foreign: ForeignExperiment) -> str:
    """The id of the experiment of that name, made with the id that it has elsewhere if that is free here.

    Of one that is there, only tags that it lacks are set.
    """
    table = schema.experiments
    found = connection.execute(select(table.c.id).where(table.c.name == foreign.name)).scalar()
    if found is None:
        _check_name(connection, foreign.name)
        taken = connection.execute(select(table.c.id).where(table.c.id == foreign.id)).first() is not None
        found = create_experiment(connection, foreign.name, foreign.created, None if taken else foreign.id)
        values = {"updated": foreign.updated, "lifecycle": DELETED if foreign.deleted else ACTIVE}
        connection.execute(update(table).where(table.c.id == found).values(values))
    rows = [
        {"experiment_id": found, "key": _check_text("tag", key), "value": _check_text("tag value", value)}
        for key, value in foreign.tags.items()
    ]
    if rows:
        connection.execute(upsert(schema.experiment_tags, keep=True), rows)
    return str(found)


def rename(connection: Connection, name_or_id: str, new_name: str) -> None:
    """Gives an experiment another name; its id and runs stay (NotFoundError, ConflictError where the name is taken)."""
    rename_at(connection, id_of(connection, name_or_id), new_name)


def rename_at(connection: Connection, experiment: str, new_name: str) -> None:
    """Gives the experiment with that id another name (ConflictError where it is taken)."""
    _check_name(connection, new_name, experiment)
    table = schema.experiments
    values = {"name": new_name, "updated": time.time_ns()}
    connection.execute(update(table).where(table.c.id == experiment).values(values))


def ensure(connection: Connection, identity: str, name: str) -> None:
    """Makes an experiment with that id, unless there is one; where its name is another's, it gets its id as well."""
    table = schema.experiments
    if at(connection, identity) is not None:
        return
    if named(connection, name) is not None:
        name = f"{name} ({identity})"
    now = time.time_ns()
    row = {"id": identity, "name": name, "lifecycle": ACTIVE, "created": now, "updated": now}
    connection.execute(insert(table), row)


def place(connection: Connection, experiment: str, artifact_location: str) -> None:
    """Notes where the artifacts of the experiment with that id are."""
    table = schema.experiments
    connection.execute(update(table).where(table.c.id == experiment).values(artifact_location=artifact_location))


def set_tag(connection: Connection, experiment: str, key: str, value: str) -> None:
    """Sets a tag of the experiment with that id."""
    row = {"experiment_id": experiment, "key": _check_text("tag", key), "value": _check_text("tag value", value)}
    connection.execute(upsert(schema.experiment_tags), row)


def delete_tag(connection: Connection, experiment: str, key: str) -> bool:
    """Takes a tag away from the experiment with that id; False where it has no such tag."""
    table = schema.experiment_tags
    this = (table.c.experiment_id == experiment, table.c.key == key)
    return bool(connection.execute(delete_rows(table).where(*this)).rowcount)


def _check_name(connection: Connection, name: str, own: str | None = None) -> None:
    if not _check_text("experiment name", name).strip() or len(name) > LONGEST_NAME:
        raise UsageError(f"an experiment's name has 1 to {LONGEST_NAME} characters, not {len(name)}")
    table = schema.experiments
    row = connection.execute(select(table.c.id, table.c.lifecycle).where(table.c.name == name)).first()
    if row is not None and row.id != own:
        hint = "; it is deleted: restore it or take another name" if row.lifecycle == DELETED else ""
        raise ConflictError(f"there is an experiment {name!r} already{hint}")


def _check_text(what: str, text: str) -> str:
    if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise UsageError(f"the {what} {text[:40]!r} has a NUL or half a surrogate pair in it, which no store can keep")
    return text


def delete(connection: Connection, name_or_id: str) -> None:
    """Deletes an experiment softly, with its runs (NotFoundError where there is no such active one)."""
    delete_at(connection, id_of(connection, name_or_id))


def delete_at(connection: Connection, experiment: str) -> None:
    """Deletes the experiment with that id softly, with its runs (NotFoundError where it is not active)."""
    _turn(connection, experiment, ACTIVE, DELETED)
    runs = schema.runs
    active = (runs.c.experiment_id == experiment, runs.c.lifecycle == ACTIVE)
    connection.execute(update(runs).where(*active).values(bulk.gone("experiment")))


def restore(connection: Connection, name_or_id: str) -> None:
    """Brings back a deleted experiment and the runs that went with it (NotFoundError where there is none)."""
    restore_at(connection, id_of(connection, name_or_id))


def restore_at(connection: Connection, experiment: str) -> None:
    """Brings back the experiment with that id and the runs that went with it (NotFoundError where it is active)."""
    _turn(connection, experiment, DELETED, ACTIVE)
    runs = schema.runs
    went = (runs.c.experiment_id == experiment, runs.c.deleted_with == "experiment")
    connection.execute(update(runs).where(*went).values(bulk.BACK))


def _turn(connection: Connection, experiment: str, old: str, new: str) -> None:
    table = schema.experiments
    this = (table.c.id == experiment, table.c.lifecycle == old)
    changed = connection.execute(update(table).where(*this).values(lifecycle=new, updated=time.time_ns()))
    if changed.rowcount == 0:
        raise NotFoundError(f"the experiment {experiment} is not {old}")


def delete_runs(connection: Connection, run_ids: Iterable[str]) -> int:
    """Deletes runs (ids or unique prefixes) softly, with their children; answers how many (NotFoundError)."""
    return bulk.delete_runs(connection, [place.id for place in places_of(connection, list(run_ids))])


def mark_deleted(connection: Connection, run_ids: Sequence[str]) -> None:
    """Deletes those runs (ids) softly and leaves their children; one that is deleted, or not there, stays so."""
    runs = schema.runs
    for run_id in run_ids:
        this = (runs.c.id == run_id, runs.c.lifecycle == ACTIVE)
        connection.execute(update(runs).where(*this).values(bulk.gone(None)))


def restore_runs(connection: Connection, run_ids: Iterable[str]) -> int:
    """Brings runs back, with the children that went with them; answers how many.

    NotFoundError where there is no such run; UsageError where its experiment is deleted.
    """
    return bulk.restore_runs(connection, [place.id for place in places_of(connection, list(run_ids))])
