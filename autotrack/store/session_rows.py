"""What journal records say about sessions, as rows: their beginning, what collectors found, files, console output."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection

from . import schema
from .cells import int64, text, whole
from .dialect import upsert

Record = Mapping[str, Any]
ROLES = frozenset({"read", "written"})


class SessionRows:
    """Collects the records of one batch; ``write`` stores them in the caller's transaction."""

    def __init__(self) -> None:
        self._sessions: dict[str, dict[str, Any]] = {}
        self._parts: dict[tuple[str, str], dict[str, Any]] = {}
        self._files: dict[tuple[str, str, str, str], dict[str, Any]] = {}
        self._console: dict[tuple[str, int], dict[str, Any]] = {}

    def begin(self, record: Record, moment: int) -> None:
        """A session's first record."""
        identity = str(record["id"])
        data = json.dumps(dict(record), ensure_ascii=False)
        self._sessions[identity] = {"id": identity, "started": moment, "data": data}

    def part(self, record: Record, moment: int) -> None:
        """What one collector found; found out again, it counts instead of what was found before."""
        session, part = str(record["session"]), str(record["part"])
        data = json.dumps(dict(record["data"]), ensure_ascii=False)
        self._parts[session, part] = {"session": session, "part": part, "data": data}

    def files(self, record: Record, moment: int) -> None:
        """Files that were read or written."""
        session = str(record["session"])
        rows = [_file_row(session, file) for file in record["files"]]  # all or none: a record is refused as a whole
        for row in rows:
            self._files[session, row["role"], row["path"], row["sha256"]] = row

    def console(self, record: Record, moment: int) -> None:
        """A piece of what was printed."""
        session, at = str(record["session"]), int64(record["at"])
        row = {"session": session, "at": at, "stream": str(record["stream"]), "text": str(record["text"])}
        self._console[session, at] = row

    def write(self, connection: Connection) -> None:
        """Stores everything that was taken in."""
        for table, rows in (
            (schema.sessions, self._sessions),
            (schema.session_parts, self._parts),
            (schema.files, self._files),
            (schema.console, self._console),
        ):
            if rows:
                connection.execute(upsert(table), list(rows.values()))


def _file_row(session: str, file: Record) -> dict[str, Any]:
    role = str(file["role"])
    if role not in ROLES:
        raise ValueError(role)
    return {
        "session": session,
        "role": role,
        "path": str(file["path"]),
        "sha256": str(file.get("sha256") or ""),
        "first": int64(file["first"]),
        "size": whole(file.get("size")),
        "mtime": whole(file.get("mtime")),
        "partial": text(file.get("partial")),
    }


#: The kinds of journal records that are about a session.
KINDS: Mapping[str, Callable[[SessionRows, Record, int], None]] = {
    "session": SessionRows.begin,
    "part": SessionRows.part,
    "files": SessionRows.files,
    "console": SessionRows.console,
}
