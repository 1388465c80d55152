"""Answers to requests that came with a key, so that one that is sent again is answered again and done once."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, select, update

from ..engines.dialect import upsert
from ..schema.access_tables import answers

SECOND = 1_000_000_000
#: How long an answer is kept.
KEPT = 24 * 3600 * SECOND
#: After that a request that has no answer is one whose server has died.
PATIENCE = 60 * SECOND
#: The status of a request that is being answered.
UNDER_WAY = 0


@dataclass(frozen=True, slots=True)
class Answered:
    """What was answered to the request of that sha256; a status of ``UNDER_WAY`` where it is not answered yet."""

    request: str
    status: int
    body: bytes


def begin(connection: Connection, key: str, request: str, now: int) -> Answered | None:
    """Claims a key for a request; answers what is there where the key was claimed before."""
    stale = (answers.c.status == UNDER_WAY) & (answers.c.answered < now - PATIENCE)
    old = answers.c.answered < now - KEPT
    connection.execute(delete(answers).where(stale | old))
    row = {"key": key, "request": request, "status": UNDER_WAY, "body": b"", "answered": now}
    if connection.execute(upsert(answers, keep=True), row).rowcount == 1:
        return None
    columns = (answers.c.request, answers.c.status, answers.c.body)
    found = connection.execute(select(*columns).where(answers.c.key == key)).first()
    return None if found is None else Answered(found.request, found.status, bytes(found.body))


def end(connection: Connection, key: str, status: int, body: bytes, now: int) -> None:
    """Keeps the answer to a request whose key was claimed."""
    values = {"status": status, "body": body, "answered": now}
    connection.execute(update(answers).where(answers.c.key == key).values(values))


def forget(connection: Connection, key: str) -> None:
    """Lets go of a key whose request has failed: it may be sent again."""
    connection.execute(delete(answers).where(answers.c.key == key, answers.c.status == UNDER_WAY))
