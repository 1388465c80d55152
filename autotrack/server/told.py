"""What another thread has done, awaited in an event loop: things that are done together wake the loop once."""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import Future


class Told:
    """Awaits the futures of one other thread in one loop (``asyncio.wrap_future`` wakes it for each)."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._done: deque[tuple[asyncio.Future[None], Future[None]]] = deque()

    def of(self, future: Future[None]) -> asyncio.Future[None]:
        """Done, or failed, as ``future`` is. Whoever waits may go away; what was begun goes on."""
        here: asyncio.Future[None] = self.loop.create_future()
        future.add_done_callback(lambda done: self._note(here, done))
        return here

    def _note(self, here: asyncio.Future[None], done: Future[None]) -> None:
        self._done.append((here, done))
        if len(self._done) == 1:  # else the loop has been told, and has not looked yet or is looking
            self.loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        while self._done:
            here, done = self._done.popleft()
            if here.done():
                continue
            error = done.exception()
            if error is None:
                here.set_result(None)
            else:
                here.set_exception(error)
