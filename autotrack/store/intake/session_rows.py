"""What journal records say about sessions, as rows: their beginning, what collectors found, files, console output."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection

from autotrack.core.journal import record_types as kinds
from autotrack.core.journal.records import Record

from .. import schema
from ..engines.dialect import upsert, write_all


class SessionRows:
    """Collects the records of one batch; ``write`` stores them in the caller's transaction."""

    def __init__(self) -> None:
        self._sessions: dict[str, dict[str, Any]] = {}
        self._parts: dict[tuple[str, str], dict[str, Any]] = {}
        self._files: dict[tuple[str, str, str, str], dict[str, Any]] = {}
        self._console: dict[tuple[str, int], dict[str, Any]] = {}

    def begin(self, record: Record) -> None:
        """A session's first record."""
        data = json.dumps(record, ensure_ascii=False)
        self._sessions[record["id"]] = {"id": record["id"], "started": record["t"], "data": data}

    def part(self, record: kinds.Part) -> None:
        """What one collector found; found out again, it counts instead of what was found before."""
        session, part = record["session"], record["part"]
        data = json.dumps(record["data"], ensure_ascii=False)
        self._parts[session, part] = {"session": session, "part": part, "data": data}

    def files(self, record: kinds.Files) -> None:
        """Files that were read or written."""
        for file in record["files"]:
            session, content = record["session"], file["sha256"] or ""
            self._files[session, file["role"], file["path"], content] = {**file, "session": session, "sha256": content}

    def console(self, record: kinds.Console) -> None:
        """A piece of what was printed."""
        row = {name: value for name, value in record.items() if name not in ("k", "t")}
        self._console[record["session"], record["at"]] = row

    def write(self, connection: Connection) -> None:
        """Stores everything that was taken in."""
        for table, rows in (
            (schema.sessions, self._sessions),
            (schema.session_parts, self._parts),
            (schema.files, self._files),
            (schema.console, self._console),
        ):
            if rows:
                # In one order, as everybody does: two who write the same rows wait for each other in no ring.
                write_all(connection, upsert(table), [row for _, row in sorted(rows.items())])


#: The kinds of journal records that are about a session.
KINDS: Mapping[str, Callable[[SessionRows, Any], None]] = {
    "session": SessionRows.begin,
    "part": SessionRows.part,
    "files": SessionRows.files,
    "console": SessionRows.console,
}
