"""Which objects somebody still needs: the content that runs and sessions refer to by its sha256."""

from __future__ import annotations

import re
from pathlib import Path

from sqlalchemy import Connection, delete, exists, or_, select

from autotrack.core.objects import Objects

from .. import schema
from ..engines.dialect import among
from ..experiments import DELETED
from ..registry.needed import needed

_MAGIC = b"SQLite format 3\0"
_DIGEST = re.compile(r"\b[0-9a-f]{64}\b")


def unreachable(connection: Connection, objects: Objects, old: float) -> dict[Path, int]:
    """Files of objects that nothing refers to any more and that were written before ``old`` (seconds since the epoch):
    a newer one may be somebody's whose record is still in a journal."""
    needed = _referenced(connection)
    found: dict[Path, int] = {}
    for digest in objects:
        if digest not in needed:
            path = objects.path(digest)
            info = path.lstat()
            if info.st_mtime < old:
                found[path] = info.st_size
    return found


def shares_objects(database: Path) -> bool:
    """True where another database lies in the same folder: its runs refer to the same objects, and are not known
    here. Backups of a database do not count."""
    for path in database.parent.iterdir():
        if path.name != database.name and path.suffix not in (".backup", ".partial") and path.is_file():
            with path.open("rb") as file:
                if file.read(len(_MAGIC)) == _MAGIC:
                    return True
    return False


def _referenced(connection: Connection) -> set[str]:
    """Digests that runs which stay, and their sessions, refer to. What a session says is JSON of its collectors' own:
    any sha256 in it counts."""
    runs, datasets, parts = schema.runs, schema.datasets, schema.session_parts
    alive = or_(runs.c.lifecycle != DELETED, among(runs.c.id, sorted(needed(connection).runs)))
    found = set(connection.execute(select(runs.c.random_state).where(alive).distinct()).scalars())
    prints = select(datasets.c.fingerprint).join(runs, runs.c.n == datasets.c.run).where(alive)
    found.update(connection.execute(prints.distinct()).scalars())
    of_session = exists().where(runs.c.session == parts.c.session)
    kept = exists().where(runs.c.session == parts.c.session, alive) | ~of_session
    for data in connection.execute(select(parts.c.data).where(kept)).scalars():
        found.update(_DIGEST.findall(data))
    return {digest for digest in found if digest}


def forget_sessions(connection: Connection, sessions: list[str]) -> None:
    """Removes what is known of sessions of which no run is left."""
    runs = schema.runs
    for table in (schema.session_parts, schema.files, schema.console):
        gone = table.c.session.in_(sessions) & ~exists().where(runs.c.session == table.c.session)
        connection.execute(delete(table).where(gone))
    table = schema.sessions
    connection.execute(delete(table).where(table.c.id.in_(sessions) & ~exists().where(runs.c.session == table.c.id)))
