"""Executions of programs: what was known of them, what they printed, which files they opened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from autotrack.core.entities import FileRecord, SessionRecord
from autotrack.core.errors import UsageError
from autotrack.core.wire import encoded, plain

from .. import limits
from ..calls import Call
from ..routing import Table
from . import forms
from .permissions import READ_SESSION, SEARCH
from .visible import visible

ROUTES = Table("/api/v1")


@ROUTES.get("/sessions/{session}", READ_SESSION, answer=SessionRecord)
def session(call: Call) -> dict[str, Any]:
    """One execution of a program, with what each collector found."""
    return encoded(visible(call).session(call.path["session"]))


@dataclass(frozen=True, slots=True)
class Console:
    """Pieces in order: place in the output, stream, text."""

    console: list[tuple[int, str, str]]


@ROUTES.get("/sessions/{session}/console", READ_SESSION, answer=Console)
def console(call: Call) -> dict[str, Any]:
    """What a session printed."""
    return {"console": plain(visible(call).console(call.path["session"]))}


class Which(forms.Body):
    """Files of these sessions, with these contents (sha256), of this path (whole, or its last parts)."""

    sessions: list[forms.Reference] | None = None
    contents: list[forms.Reference] | None = None
    path: forms.Text | None = None


@dataclass(frozen=True, slots=True)
class Files:
    files: list[FileRecord]


@ROUTES.post("/files/search", SEARCH, body=Which, answer=Files, limit=limits.BATCH)
def files(call: Call) -> dict[str, Any]:
    """Files that sessions read or wrote, by first opening."""
    which: Which = call.body
    if which.sessions is None and which.contents is None and which.path is None:
        raise UsageError("name sessions, contents or a path: all files of all sessions are too many")
    found = visible(call).files(sessions=which.sessions, contents=which.contents, path=which.path)
    return {"files": [encoded(file) for file in found]}
