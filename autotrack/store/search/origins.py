"""Reads where things come from and go to: sessions, the files they opened, and who has the same content."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, or_, select

from autotrack.core.entities import FileRecord, SessionRecord

from .. import schema
from ..engines.dialect import among, fetch

#: Rows of one answer; beyond that a question is too wide to be answered with a list.
MOST = 100_000


def sessions(connection: Connection, ids: Sequence[str]) -> list[SessionRecord]:
    """The sessions with those ids that are known, with what the collectors found."""
    table, parts = schema.sessions, schema.session_parts
    found: dict[str, dict[str, Any]] = {}
    query = select(parts.c.session, parts.c.part, parts.c.data).where(among(parts.c.session, list(ids)))
    for session, part, data in fetch(connection, query):
        found.setdefault(session, {})[part] = json.loads(data)
    rows = fetch(connection, select(table.c.id, table.c.started, table.c.data).where(among(table.c.id, list(ids))))
    return [SessionRecord(row[0], row[1], json.loads(row[2]), found.get(row[0], {})) for row in rows]


def files(
    connection: Connection,
    *,
    sessions: Sequence[str] | None = None,
    contents: Sequence[str] | None = None,
    path: str | None = None,
) -> list[FileRecord]:
    """Files that sessions opened, in the order of their first opening.

    Of those ``sessions``; with one of those ``contents`` (sha256); under that ``path`` or ending in ``/path``.
    """
    table = schema.files
    query = select(
        table.c.session,
        table.c.path,
        table.c.role,
        table.c.first,
        table.c.size,
        table.c.mtime,
        table.c.sha256,
        table.c.partial,
    )
    if sessions is not None:
        query = query.where(among(table.c.session, list(sessions)))
    if contents is not None:
        query = query.where(among(table.c.sha256, list(contents)))
    if path is not None:
        query = query.where(or_(table.c.path == path, table.c.path.endswith("/" + path, autoescape=True)))
    rows = fetch(connection, query.order_by(table.c.first, table.c.session, table.c.path, table.c.role).limit(MOST))
    return [
        FileRecord(session, path, role, first, size, mtime, sha256=content or None, partial=partial)
        for session, path, role, first, size, mtime, content, partial in rows
    ]


def console(connection: Connection, session: str) -> list[tuple[int, str, str]]:
    """What a session printed: (where in the output, ``stdout`` or ``stderr``, text), in order."""
    table = schema.console
    query = select(table.c.at, table.c.stream, table.c.text).where(table.c.session == session).order_by(table.c.at)
    return [(row[0], row[1], row[2]) for row in fetch(connection, query)]


def users_of(
    connection: Connection,
    *,
    sessions: Sequence[str] = (),
    datasets: Sequence[str] = (),
    contents: Sequence[str] = (),
) -> list[int]:
    """Numbers of the runs, newest first, of those sessions, or that name a data set by one of those digests, or that
    keep an artifact with one of those contents (sha256)."""
    runs, data, artifacts = schema.runs, schema.datasets, schema.artifacts
    some = []
    if sessions:
        some.append(among(runs.c.session, list(sessions)))
    if datasets:
        some.append(runs.c.n.in_(select(data.c.run).where(among(data.c.digest, list(datasets)))))
    if contents:
        some.append(runs.c.n.in_(select(artifacts.c.run).where(among(artifacts.c.sha256, list(contents)))))
    if not some:
        return []
    query = select(runs.c.n).where(or_(*some)).order_by(runs.c.started.desc(), runs.c.id).limit(MOST)
    return [row[0] for row in fetch(connection, query)]
