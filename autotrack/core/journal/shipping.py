"""A batch of a writer's records as bytes, for the way to a store on another machine.

    JSON of what the batch says of itself, LF, JSON of its events (a list), LF, its points as slots of 32 bytes

The first line: ``format`` (1), ``from`` and ``to`` (each events and points), ``damaged``, ``more``, ``host``, ``seen``
(nanoseconds since the epoch). Slots carry their own checksums (``layout``).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from ..errors import UsageError
from .reader import Batch, Cursor

FORMAT = 1
MEDIA = "application/x-autotrack-batch"


@dataclass(frozen=True, slots=True)
class Shipped:
    """A batch, where it begins, and what is known of its writer."""

    cursor: Cursor
    batch: Batch
    host: str | None
    seen: int | None


def packed(shipped: Shipped) -> bytes:
    """The bytes of a batch."""
    batch = shipped.batch
    about = {
        "format": FORMAT,
        "from": [shipped.cursor.events, shipped.cursor.points],
        "to": [batch.cursor.events, batch.cursor.points],
        "damaged": batch.damaged,
        "more": batch.more,
        "host": shipped.host,
        "seen": shipped.seen,
    }
    lines = (json.dumps(part, ensure_ascii=False, separators=(",", ":")) for part in (about, list(batch.events)))
    head = "\n".join((*lines, "")).encode("utf-8", "surrogatepass")
    return b"".join((head, *(slots for _, slots in batch.points)))


def unpacked(data: bytes) -> Shipped:
    """The batch in such bytes (UsageError where they are none)."""
    about_end = data.find(b"\n")
    events_end = data.find(b"\n", about_end + 1)
    if about_end < 0 or events_end < 0:
        raise UsageError("a batch has two lines of JSON, then its points")
    try:
        about: dict[str, Any] = json.loads(data[:about_end])
        events = json.loads(data[about_end + 1 : events_end])
        if about["format"] != FORMAT:
            raise UsageError(f"a batch of format {about['format']!r:.20}; this version takes {FORMAT}")
        cursor, after = Cursor(*map(_whole, about["from"])), Cursor(*map(_whole, about["to"]))
        host, seen, damaged = about.get("host"), about.get("seen"), _whole(about.get("damaged", 0))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        if isinstance(error, UsageError):
            raise
        raise UsageError(f"a batch does not say what it must ({type(error).__name__}: {error})") from None
    fits = isinstance(events, list) and all(isinstance(event, dict) for event in events)
    if not fits or not isinstance(host, str | None) or not isinstance(seen, int | None):
        raise UsageError("a batch's events are a list of records, its host is text and its time a number")
    points = data[events_end + 1 :]
    slots = [(cursor.points, points)] if points else []
    return Shipped(cursor, Batch(events, slots, after, damaged, bool(about.get("more"))), host, seen)


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{value!r:.40} is no whole number")
    return value
