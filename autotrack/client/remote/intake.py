"""A server's intake: takes writers' records over HTTP, as ``core.sink.Intake`` has it."""

from __future__ import annotations

import time
import zlib

from autotrack.core.entities import Delivery
from autotrack.core.journal.lastwords import LastWord
from autotrack.core.journal.reader import Batch, Cursor
from autotrack.core.journal.shipping import MEDIA, Shipped, packed
from autotrack.core.wire import decoded

from .connection import Connection

#: Bytes below which compressing a batch saves nothing.
SMALL = 1024
#: Nanoseconds after which a server is told of a writer that has nothing new to say that it lives.
SIGN_OF_LIFE = 10 * 10**9
#: Writers whose cursors are remembered.
MOST_KNOWN = 10_000

_API = ("api", "v1", "writers")


class RemoteIntake:
    """Sends batches. How far the server is with a writer is remembered: it says so where that is wrong."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._cursors: dict[str, Cursor] = {}
        self._told: dict[str, int] = {}
        self._ended: set[str] = set()
        #: When all must be done (``time.monotonic()``).
        self.deadline: float | None = None

    def cursor(self, writer: str) -> Cursor:
        """How far the server is with a writer's records."""
        known = self._cursors.get(writer)
        if known is None:
            found = self._connection.get(*_API, writer, deadline=self.deadline)
            known = Cursor(int(found["events"]), int(found["points"]))
            self._remember(writer, known)
        return known

    def apply(
        self, writer: str, cursor: Cursor, batch: Batch, *, host: str | None = None, seen: int | None = None
    ) -> Delivery:
        """Sends a batch that begins at ``cursor``."""
        self._cursors.pop(writer, None)  # what becomes of it is not known until it is answered
        body = packed(Shipped(cursor, batch, host, seen))
        headers = {"Content-Type": MEDIA}
        if len(body) >= SMALL:
            smaller = zlib.compress(body, 1)
            if len(smaller) < len(body):
                body, headers = smaller, {**headers, "Content-Encoding": "deflate"}
        answer = self._connection.json(
            "POST", *_API, writer, "batches", body=body, headers=headers, deadline=self.deadline
        )
        self._remember(writer, batch.cursor)
        self._told[writer] = seen or time.time_ns()
        self._ended.discard(writer)
        return decoded(Delivery, answer)

    def writer_seen(self, writer: str, cursor: Cursor, host: str | None, heartbeat: int) -> None:
        """Says now and then of a writer that has nothing new to say that it lives."""
        if heartbeat - self._told.get(writer, 0) >= SIGN_OF_LIFE and writer not in self._ended:
            self.apply(writer, cursor, Batch([], [], cursor, 0, False), host=host, seen=heartbeat)

    def end_writer(
        self, writer: str, *, seen: int | None = None, word: LastWord | None = None, exit_code: int | None = None
    ) -> None:
        """Ends the runs that a dead writer left running."""
        if writer in self._ended:
            return
        document = {"seen": seen, "exit_code": exit_code}
        said = {} if word is None else {"signal": word.signal, "traceback": word.traceback}
        self._connection.send("POST", *_API, writer, "end", document={**document, **said}, deadline=self.deadline)
        self._ended.add(writer)

    def _remember(self, writer: str, cursor: Cursor) -> None:
        if len(self._cursors) >= MOST_KNOWN:
            self._cursors.clear()
            self._ended.clear()
            self._told.clear()
        self._cursors[writer] = cursor
