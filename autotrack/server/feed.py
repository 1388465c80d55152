"""Which runs have changed, told to everybody who listens: one look at the store a second, however many they are."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

from sqlalchemy import Connection

from autotrack.core.guard import attempt_async
from autotrack.core.keys import new_id
from autotrack.store.search.recent import Glance, glances, totals

from .answers import encode
from .errors import UNAVAILABLE, ApiError

log = logging.getLogger("autotrack.server")

#: Seconds between two looks at the store, and without news until a listener is told that it still hears.
EVERY = 1.0
HEARTBEAT = 15.0
#: Listeners of one worker process, and pieces of news that are kept for those who come again.
MOST_LISTENERS = 250
KEPT = 600
#: Runs that are not running count as possibly changed for so long (ns): clocks differ.
LATELY = 3600 * 1_000_000_000
#: Runs that change at once of which it is told which metrics have; of more, everything may have.
MOST_TOLD = 200


@dataclass(frozen=True, slots=True)
class News:
    """A run that has changed, and how many points those of its metrics have that got some; None: any may have."""

    run: Glance
    keys: Mapping[str, int] | None


class Feed:
    """The changes of one store, as one worker process sees them. Used on the event loop alone."""

    def __init__(self, reading: Callable[[], AbstractContextManager[Connection]]) -> None:
        self._reading = reading
        self._known: dict[str, Glance] = {}
        self._totals: dict[str, dict[str, int]] = {}
        self._news: deque[tuple[int, list[News]]] = deque(maxlen=KEPT)
        self._number = 0
        self._mark = ""
        self._arrived = asyncio.Event()
        self._watching: asyncio.Task[None] | None = None
        self._listeners = 0

    async def listen(
        self, since: str, readable: frozenset[str] | None, stopping: asyncio.Event, gone: asyncio.Task[None]
    ) -> AsyncIterator[bytes]:
        """Server-sent events: ``ready`` or ``reset`` first, then ``changed`` with the runs, each with a token.

        ``reset``: what happened since the token that was given is not known here; the listener has to read anew.
        ApiError 503, before the first event, where too many listen.
        """
        if self._listeners >= MOST_LISTENERS:
            raise ApiError(503, UNAVAILABLE, "too many are listening to this server already", {"Retry-After": "10"})
        self._listeners += 1
        try:
            await self._watch()
            at, event = self._place(since)
            yield b"retry: 2000\n" + self._event(event, at, [])
            while not (gone.done() or stopping.is_set()):
                arrived = self._arrived
                if self._news and self._news[0][0] > at + 1:
                    at = self._number
                    yield self._event("reset", at, [])
                for number, news in [each for each in self._news if each[0] > at]:
                    at = number
                    shown = [each for each in news if readable is None or each.run.experiment_id in readable]
                    if shown:
                        yield self._event("changed", at, shown)
                if not await _any_of(HEARTBEAT, arrived.wait(), stopping.wait(), gone):
                    yield b": still here\n\n"
        finally:
            self._listeners -= 1
            gone.cancel()

    async def _watch(self) -> None:
        """Begins to look where nobody was listening: what happened before is not known, and old tokens are void."""
        if self._watching is not None and not self._watching.done():
            return
        self._watching = asyncio.create_task(self._look())
        self._mark = new_id()[:8]
        self._news.clear()
        self._totals.clear()
        self._known = {run.id: run for run in await asyncio.to_thread(self._glances)}

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            if not self._listeners:
                return
            changed, error = await attempt_async(asyncio.to_thread(self._changes))
            if changed is None:
                log.debug("the store could not be looked at for changes", exc_info=error)
                continue
            if changed:
                self._number += 1
                self._news.append((self._number, changed))
                arrived, self._arrived = self._arrived, asyncio.Event()
                arrived.set()

    def _glances(self) -> list[Glance]:
        with self._reading() as connection:
            return glances(connection, time.time_ns() - LATELY)

    def _changes(self) -> list[News]:
        """What has changed since the last look; the thread that looks is the only one that does."""
        with self._reading() as connection:
            found = glances(connection, time.time_ns() - LATELY)
            changed = [run for run in found if self._known.get(run.id) != run]
            counts = totals(connection, [run.id for run in changed]) if 0 < len(changed) <= MOST_TOLD else {}
        self._known = {run.id: run for run in found}
        news = []
        for run in changed:
            now, before = counts.get(run.id), self._totals.pop(run.id, {})
            grown = None if now is None else {key: count for key, count in now.items() if before.get(key) != count}
            news.append(News(run, grown))
            if now is not None and run.status == "RUNNING":
                self._totals[run.id] = now
        return news

    def _place(self, since: str) -> tuple[int, str]:
        mark, _, number = since.partition("-")
        if not since:
            return self._number, "ready"
        oldest = self._news[0][0] if self._news else self._number + 1
        if mark == self._mark and number.isdecimal() and oldest - 1 <= int(number) <= self._number:
            return int(number), "ready"
        return self._number, "reset"

    def _event(self, kind: str, number: int, news: list[News]) -> bytes:
        said = [
            {"id": run.id, "experiment_id": run.experiment_id, "status": run.status, "keys": each.keys}
            for each in news
            for run in (each.run,)
        ]
        return f"event: {kind}\nid: {self._mark}-{number}\ndata: ".encode() + encode({"runs": said}) + b"\n\n"


async def _any_of(seconds: float, *awaited: object) -> bool:
    """Waits for the first; False where none came in time."""
    tasks = [asyncio.ensure_future(each) for each in awaited]  # type: ignore[call-overload]
    done, _ = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for each in tasks[:-1]:  # the last is the caller's own
        each.cancel()
    return bool(done)
