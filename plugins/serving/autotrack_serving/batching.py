"""Predictions, several requests in one call where the model takes rows, on a thread of the model's own.

While the model predicts, requests gather; what has gathered is asked about in one call when it is done. Nobody waits
for company unless ``batch_ms`` says so, so a lone request is answered as fast as the model allows. A model that is
swift is asked on the event loop itself, for as long as it is (docs/adr/0017).
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from autotrack.plugin import attempt

from .refused import LATE, UNAVAILABLE, Refused, failed
from .rows import Rows, apart, together

#: Asks the model about rows.
Ask = Callable[[Rows, Mapping[str, Any]], Any]
#: Threads that may hang in the model before this process takes no more requests.
MOST_STUCK = 3
#: Seconds of a processor, and of the clock, after which a model is no longer taken for swift, and gets a thread.
_SLOW, _STOPPED = 0.02, 1.0
_NO_ROWS = Rows("whole", None, 0)


@dataclass(slots=True)
class _Waiting:
    rows: Rows
    params: Mapping[str, Any]
    done: asyncio.Future[Any]
    size: int
    #: True for a request that is asked about by itself, whatever the others are.
    alone: bool = False
    #: All that is to be done for the request, where it is large: reading it takes longer than predicting.
    job: Callable[[], Any] | None = None


class Batcher:
    """Asks a model on behalf of requests; belongs to one event loop.

    ``max_rows`` bounds the rows of a call that several requests share, ``max_bytes`` what waits in all, ``timeout`` the
    seconds of one request from its arrival to its answer. ``joins`` is False for a model that answers otherwise in
    company; ``swift`` is True for one that may be asked on the loop.
    """

    def __init__(
        self,
        ask: Ask,
        *,
        max_rows: int = 1000,
        batch_ms: float = 0.0,
        timeout: float = 60.0,
        max_bytes: int = 256 << 20,
        joins: bool = True,
        swift: bool = False,
    ) -> None:
        self._ask = ask
        self.max_rows = max_rows
        self.batch_seconds = batch_ms / 1000
        self.timeout = timeout
        self.max_bytes = max_bytes
        self.joins = joins
        self.swift = swift
        self.stuck = 0
        self.calls = 0
        self._waiting: deque[_Waiting] = deque()
        self._bytes = 0
        self._worker: _Worker | None = None
        self._busy = False
        self._watch: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    @property
    def healthy(self) -> bool:
        """False once the model hangs in as many threads as are given up on."""
        return self.stuck < MOST_STUCK

    async def answer(self, rows: Rows, params: Mapping[str, Any]) -> Any:
        """The model's answer (Refused: 503 where too much waits, 504 after ``timeout``, 500 where the model fails)."""
        return await self._answer(_Waiting(rows, params, self._loop.create_future(), rows.size))

    async def do(self, job: Callable[[], Any], size: int) -> Any:
        """What a job answers that asks the model itself, on the thread that predicts; it holds ``size`` bytes."""
        return await self._answer(_Waiting(_NO_ROWS, {}, self._loop.create_future(), size, True, job))

    async def _answer(self, one: _Waiting) -> Any:
        if not self.healthy:
            raise Refused(503, UNAVAILABLE, "the model does not answer any more; this server must be started again")
        if self._waiting and self._bytes + one.size > self.max_bytes:
            raise Refused(503, UNAVAILABLE, "too much waits to be predicted; try again later")
        self._waiting.append(one)
        self._bytes += one.size
        if not self._busy:
            self._busy = True
            if self.batch_seconds and self.joins:
                self._loop.call_later(self.batch_seconds, self._next)
            else:
                self._loop.call_soon(self._next)
        late = self._loop.call_later(self.timeout, self._late, one)
        try:
            return await one.done
        finally:
            late.cancel()

    def _late(self, one: _Waiting) -> None:
        if not one.done.done():
            one.done.set_exception(Refused(504, LATE, f"the model did not answer within {self.timeout:g} s"))

    def close(self) -> None:
        """Lets the thread end."""
        if self._worker is not None:
            self._worker.stop()

    def _next(self) -> None:
        batch = self._taken()
        if not batch:
            self._busy = False
            return
        self.calls += 1
        if self.swift and batch[0].job is None:
            began, clock = time.thread_time(), time.monotonic()
            found, failure = attempt(self._asked, batch)
            # Of a processor, for a busy machine is no reason; but one that waits for something is not swift either.
            self.swift = time.thread_time() - began < _SLOW and time.monotonic() - clock < _STOPPED
            self._settle(batch, found, failure)
            self._loop.call_soon(self._next)  # what has come meanwhile is read first, and joins those that wait
            return
        if self._worker is None:
            self._worker = _Worker()
        worker = self._worker
        self._watch = self._loop.call_later(self.timeout, self._leave, worker)
        worker.do(lambda: self._predict(worker, batch))

    def _taken(self) -> list[_Waiting]:
        """The next requests that go together."""
        batch: list[_Waiting] = []
        count = 0
        while self._waiting:
            one = self._waiting[0]
            if one.done.done():
                self._drop(self._waiting.popleft())
                continue
            if batch and not (self._may_join(one, batch[0]) and count + one.rows.count <= self.max_rows):
                break
            batch.append(self._waiting.popleft())
            self._drop(one)
            count += one.rows.count
        return batch

    def _may_join(self, one: _Waiting, first: _Waiting) -> bool:
        alone = one.alone or first.alone or not self.joins or not one.rows.joins
        return not alone and one.rows.kind == first.rows.kind and one.params == first.params

    def _drop(self, one: _Waiting) -> None:
        self._bytes -= one.size

    def _predict(self, worker: _Worker, batch: list[_Waiting]) -> None:
        """On the worker's thread."""
        found: Sequence[Any] | None = None
        failure: BaseException | None = _Ended()
        try:
            found, failure = attempt(self._asked, batch)
        finally:  # a model that exits ends its thread, not the server
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(self._answered, worker, batch, found, failure)

    def _asked(self, batch: list[_Waiting]) -> Sequence[Any] | None:
        if batch[0].job is not None:
            return [batch[0].job()]
        answers = self._ask(together([one.rows for one in batch]), batch[0].params)
        return [answers] if len(batch) == 1 else apart(answers, [one.rows.count for one in batch])

    def _answered(
        self, worker: _Worker, batch: list[_Waiting], found: Sequence[Any] | None, failure: BaseException | None
    ) -> None:
        if worker is not self._worker:
            return  # it was left behind
        if self._watch is not None:
            self._watch.cancel()
        if isinstance(failure, _Ended):
            self._worker = None
        self._settle(batch, found, failure)
        self._next()

    def _settle(self, batch: list[_Waiting], found: Sequence[Any] | None, failure: BaseException | None) -> None:
        """Gives each its answer, or puts all of them back to be asked about alone."""
        if len(batch) > 1 and found is None:
            # One of them cannot be answered, or the answers are not one a row: each is asked about alone.
            if failure is None:
                self.joins = False
            for one in reversed(batch):
                one.alone = True
                self._waiting.appendleft(one)
                self._bytes += one.size
        else:
            for at, one in enumerate(batch):
                if one.done.done():
                    continue
                if failure is not None:
                    one.done.set_exception(failed(failure))
                elif found is not None:
                    one.done.set_result(found[at])

    def _leave(self, worker: _Worker) -> None:
        """The model has hung for as long as a request may take: its thread is left behind, the others go on."""
        worker.stop()
        self._worker = None
        self.stuck += 1
        self._next()


class _Ended(Exception):
    """The model ended the thread that asked it."""

    def __str__(self) -> str:
        return "it exits instead of answering"


class _Worker:
    """A thread that predicts, one call after another. A daemon: a model that hangs keeps nobody from stopping."""

    def __init__(self) -> None:
        self._jobs: deque[Callable[[], None] | None] = deque()
        self._there = threading.Semaphore(0)
        threading.Thread(target=self._run, name="autotrack-predict", daemon=True).start()

    def do(self, job: Callable[[], None]) -> None:
        self._jobs.append(job)
        self._there.release()

    def stop(self) -> None:
        self._jobs.append(None)
        self._there.release()

    def _run(self) -> None:
        while True:
            self._there.acquire()
            job = self._jobs.popleft()
            if job is None:
                return
            with suppress(SystemExit):  # the model's: its thread ends without a word, like any thread that exits
                job()
                continue
            return
