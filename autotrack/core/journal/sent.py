"""What is known, beside a journal, of how far it has gone to a store on another machine.

``<journal>.sent`` is JSON: ``records`` (events and points that the store has said that it has), ``named`` (how far the
events were looked through for files and contents that go along), ``waiting`` (contents named before that, which were
not here yet). It is a note, not the truth: without it everything is asked for, and nothing is stored twice.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import JournalError
from ..guard import attempt
from ..private import Ours
from .reader import Cursor, JournalReader

#: Behind the last point of any journal: who asks for what comes after it reads events alone.
NO_POINTS = 1 << 62
NO_EVENTS = 1 << 62


@dataclass(slots=True)
class Sent:
    """How far a journal has gone."""

    records: Cursor = field(default_factory=Cursor)
    named: int = 0
    waiting: tuple[str, ...] = ()


def sent_path(journal: Path) -> Path:
    """The file beside a journal that says so."""
    return journal.with_name(journal.name + ".sent")


def read_sent(journal: Path) -> Sent:
    """What is known; nothing where there is no such file, or none that makes sense."""
    found, _ = attempt(_read, sent_path(journal))
    return found or Sent()


def _read(path: Path) -> Sent:
    with open(Ours(path), "rb") as file:
        document: dict[str, Any] = json.loads(file.read())
    events, points = document["records"]
    waiting = tuple(str(digest) for digest in document["waiting"])
    return Sent(Cursor(int(events), int(points)), int(document["named"]), waiting)


def write_sent(journal: Path, sent: Sent) -> None:
    """Keeps it, whole or not at all (OSError)."""
    path = sent_path(journal)
    partial = path.with_name(f".{path.name}-{os.urandom(6).hex()}")
    document = {
        "records": [sent.records.events, sent.records.points],
        "named": sent.named,
        "waiting": list(sent.waiting),
    }
    descriptor = os.open(Ours(partial), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(json.dumps(document).encode())
        partial.rename(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def points_kept(journal: Path) -> int:
    """How many points of a journal no store on another machine is known to have."""
    try:
        with JournalReader(journal) as reader:
            cursor, count = Cursor(NO_EVENTS, read_sent(journal).records.points), 0
            while True:
                batch = reader.read(cursor, final=False)
                count += batch.cursor.points - cursor.points
                cursor = Cursor(NO_EVENTS, batch.cursor.points)
                if not batch.more:
                    return count
    except JournalError:
        return 0
