"""The background thread of a process that records: keeps the journal safe and does postponed work."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..background import Background
from ..guard import guard
from .deliverer import Deliverer

if TYPE_CHECKING:
    from .tracker import Tracker

TICK = 1.0
HEARTBEAT = 5.0


class Courier:
    """One daemon thread a tracker, started with its first run and joined at exit.

    Each second it syncs the journal to disk (a memory map survives SIGKILL, not power loss) and runs postponed jobs.
    A process that lives longer than ``deliver_after`` also delivers to the store (``deliverer``); a shorter one leaves
    its journal to the next reader, so that a ten-second script never pays for loading SQL. A remote store is delivered
    to at once.
    """

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker
        self._wake = threading.Event()
        self._stopping = False
        self._jobs: deque[tuple[str, Callable[[], object]]] = deque()
        #: The thread that a job runs on at this moment: this one's, or none.
        self._worker: int | None = None
        self._born = time.monotonic()
        self._beaten = 0.0
        self._ticked = self._born
        self.deliverer = Deliverer(tracker)
        self._thread = Background(self._work)

    def start(self) -> None:
        self._thread.start()

    def later(self, site: str, job: Callable[[], object]) -> None:
        """Runs the job off the training thread, soon, and before the process ends if time allows."""
        self._jobs.append((site, job))
        self._wake.set()

    def drain(self, deadline: float) -> int:
        """Waits until all jobs queued so far are done; answers how many are not at the deadline.

        Jobs are done by the background thread alone, for one that hangs must not take this thread with it. Inside a job
        nothing is waited for: what is queued comes after it.
        """
        working = self._worker
        if working == threading.get_ident() or not self._thread.is_alive():
            return len(self._jobs) + (working is not None)
        if not self._jobs and working is None:
            return 0
        done = threading.Event()
        self.later("drain", done.set)
        if done.wait(max(0.0, deadline - time.monotonic())):
            return 0
        return max(1, len(self._jobs) - 1 + (self._worker is not None))

    def stop(self, deadline: float) -> None:
        """Ends the thread; waits for it until the deadline (``time.monotonic()``)."""
        self._stopping = True
        self._wake.set()
        self._thread.join(deadline)

    def _work(self) -> None:
        while not self._stopping:
            self._thread.rest(self._wake, TICK)
            self._wake.clear()
            while self._jobs and not self._stopping:
                self._one_job()
                if self._jobs and time.monotonic() - self._ticked >= TICK:  # many of them do not keep it waiting
                    guard.call("courier", self._tick)
            if not self._stopping:
                guard.call("courier", self._tick)
            self._tracker.meter.background = time.thread_time()

    def _one_job(self) -> None:
        self._worker = threading.get_ident()  # before the queue is seen to be empty
        try:
            site, job = self._jobs.popleft()
            guard.call(site, job)
        finally:
            self._worker = None

    def _tick(self) -> None:
        now = self._ticked = time.monotonic()
        tracker = self._tracker
        tracker.keep_journal(heartbeat=now - self._beaten >= HEARTBEAT)
        tracker.observers.tell_points()
        if now - self._beaten >= HEARTBEAT:
            self._beaten = now
        if now - self._born < tracker.settings.deliver_after and not tracker.delivers_eagerly():
            return
        self.deliverer.begin()
