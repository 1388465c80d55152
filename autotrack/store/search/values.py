"""What a table shows of runs, a column at a time: the values of some keys, for the few runs of a window."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Select, and_, func, select

from .. import schema
from ..engines.dialect import among, fetch
from ..filters.syntax import Field
from ..series.points import floats
from .sets import RunSet

#: Attributes that a column may be of.
ATTRIBUTES = (
    "name",
    "status",
    "start",
    "end",
    "duration",
    "user",
    "commit",
    "experiment",
    "parent",
    "children",
    "session",
    "lifecycle",
    "error",
)
COMMIT_TAG = "mlflow.source.git.commit"
_TABLES = {"param": schema.params, "tag": schema.tags}
_DIRECT = ("name", "status", "user", "parent", "session", "lifecycle", "error", "experiment")
_MILLION = 1_000_000


def ids_of(connection: Connection, numbers: Sequence[int]) -> list[str]:
    """The ids of runs, in order."""
    found: dict[int, str] = dict(
        fetch(connection, select(schema.runs.c.n, schema.runs.c.id).where(among(schema.runs.c.n, numbers)))  # type: ignore[arg-type]
    )
    return [found[number] for number in numbers]


def names_of(connection: Connection, ids: Sequence[str]) -> dict[str, str]:
    """The names of runs by their ids."""
    query = select(schema.runs.c.id, schema.runs.c.name).where(among(schema.runs.c.id, list(ids)))
    return dict(fetch(connection, query))  # type: ignore[arg-type]


def columns_of(
    connection: Connection, numbers: Sequence[int], fields: Sequence[Field], runs: RunSet
) -> list[list[Any]]:
    """The values of each field for those runs, None where one has none. Of metrics it is the last value.

    ``start`` and ``end`` in milliseconds since the epoch, ``duration`` in seconds; ``children`` are those in ``runs``.
    """
    rows = _rows(connection, numbers)
    found: dict[Field, Mapping[int, Any]] = {}
    for entity in ("metric", "param", "tag"):
        keys = {field.key: field for field in fields if field.entity == entity}
        values = (
            _metrics(connection, numbers, keys) if entity == "metric" else _texts(connection, entity, numbers, keys)
        )
        found.update((field, values.get(key, {})) for key, field in keys.items())
    for field in fields:
        if field.entity == "attribute":
            found[field] = _attribute(connection, field.key, numbers, rows, runs)
    return [[found[field].get(number) for number in numbers] for field in fields]


def _rows(connection: Connection, numbers: Sequence[int]) -> dict[int, dict[str, Any]]:
    runs, experiments = schema.runs, schema.experiments
    names = ("n", "id", "name", "status", "started", "ended", "user", "parent", "session", "lifecycle", "error")
    query = select(*(runs.c[name] for name in names), experiments.c.name)
    query = query.join(experiments, experiments.c.id == runs.c.experiment_id).where(among(runs.c.n, numbers))
    return {row[0]: dict(zip((*names, "experiment"), row, strict=True)) for row in fetch(connection, query)}


def _attribute(
    connection: Connection, name: str, numbers: Sequence[int], rows: Mapping[int, dict[str, Any]], runs: RunSet
) -> Mapping[int, Any]:
    if name in _DIRECT:
        return {number: row[name] for number, row in rows.items()}
    if name == "start":
        return {number: row["started"] // _MILLION for number, row in rows.items()}
    ended = {number: row for number, row in rows.items() if row["ended"] is not None}
    if name == "end":
        return {number: row["ended"] // _MILLION for number, row in ended.items()}
    if name == "duration":
        return {number: (row["ended"] - row["started"]) / 1e9 for number, row in ended.items()}
    if name == "children":
        return _children(connection, rows, runs)
    return _commits(connection, numbers, rows)


def _children(connection: Connection, rows: Mapping[int, dict[str, Any]], runs: RunSet) -> dict[int, int]:
    table = schema.runs
    within = RunSet(runs.experiments, runs.node, runs.lifecycle)
    where = (among(table.c.parent, [row["id"] for row in rows.values()]), *within.conditions())
    query = select(table.c.parent, func.count()).where(*where).group_by(table.c.parent)
    counts: dict[str, int] = dict(fetch(connection, query))  # type: ignore[arg-type]
    return {number: counts.get(row["id"], 0) for number, row in rows.items()}


def _commits(connection: Connection, numbers: Sequence[int], rows: Mapping[int, dict[str, Any]]) -> dict[int, str]:
    found = dict(_texts(connection, "tag", numbers, [COMMIT_TAG]).get(COMMIT_TAG, {}))
    commits = _session_commits(connection, sorted({row["session"] for row in rows.values() if row["session"]}))
    found.update((number, commits[row["session"]]) for number, row in rows.items() if row["session"] in commits)
    return found


def _session_commits(connection: Connection, sessions: Sequence[str]) -> dict[str, str]:
    parts = schema.session_parts
    query = select(parts.c.session, parts.c.data).where(parts.c.part == "code", among(parts.c.session, sessions))
    found = {session: json.loads(data).get("commit") for session, data in fetch(connection, query)}
    return {session: str(commit) for session, commit in found.items() if commit}


def commits_of(connection: Connection, inside: Select[Any], most: int) -> set[str | None]:
    """The commits of the runs whose numbers a query selects, None among them where one has none; ``most`` sessions and
    tags are looked at."""
    table, tags = schema.runs, schema.tags
    tagged = table.outerjoin(tags, and_(tags.c.run == table.c.n, tags.c.key == COMMIT_TAG))
    query = select(table.c.session, tags.c.value).select_from(tagged).where(table.c.n.in_(inside)).distinct()
    rows = fetch(connection, query.limit(most))
    commits = _session_commits(connection, [row[0] for row in rows if row[0]])
    return {commits.get(session, tag) for session, tag in rows}


def _texts(
    connection: Connection, entity: str, numbers: Sequence[int], keys: Mapping[str, Any] | Sequence[str]
) -> dict[str, dict[int, str]]:
    found: dict[str, dict[int, str]] = {}
    if keys:
        table = _TABLES[entity]
        query = select(table.c.run, table.c.key, table.c.value)
        for number, key, value in fetch(connection, query.where(among(table.c.run, numbers), table.c.key.in_(keys))):
            found.setdefault(key, {})[number] = value
    return found


def _metrics(
    connection: Connection, numbers: Sequence[int], keys: Mapping[str, Any]
) -> dict[str, dict[int, float | int]]:
    found: dict[str, dict[int, float | int]] = {}
    if keys:
        table = schema.series
        query = select(table.c.run, table.c.key, table.c.last_bits, table.c.last_int)
        rows = fetch(connection, query.where(among(table.c.run, numbers), table.c.key.in_(keys)))
        # All floats at once; the few exact integers are put right after.
        for (number, key, bits, is_int), value in zip(rows, floats([row[2] for row in rows]), strict=True):
            found.setdefault(key, {})[number] = bits if is_int else value
    return found
