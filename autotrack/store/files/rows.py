"""Where a run's files are, and what its record says of one of them."""

from __future__ import annotations

from sqlalchemy import Connection, select

from autotrack.core.entities import ArtifactRecord
from autotrack.core.errors import NotFoundError

from .. import schema


def folder_of(connection: Connection, run_id: str) -> str:
    """The folder of a run's files among the store's artifacts, ``<experiment>/<run>`` (NotFoundError). The id is whole:
    what is written is written to one run."""
    runs = schema.runs
    row = connection.execute(select(runs.c.artifact_uri).where(runs.c.id == run_id)).first()
    if row is None:
        raise NotFoundError(f"there is no run {run_id[:64]!r}")
    if not row.artifact_uri:
        raise NotFoundError(f"run {run_id} has no place for files")
    return str(row.artifact_uri).removeprefix("artifacts/")


def recorded(connection: Connection, run_id: str, path: str) -> ArtifactRecord | None:
    """What the run's record says of a file."""
    runs, table = schema.runs, schema.artifacts
    query = (
        select(table.c.path, table.c.size, table.c.sha256)
        .join(runs, runs.c.n == table.c.run)
        .where(runs.c.id == run_id, table.c.path == path)
    )
    row = connection.execute(query).first()
    return None if row is None else ArtifactRecord(row.path, row.size, row.sha256)
