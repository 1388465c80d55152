"""What the server says of each request that it has answered, to whoever records it, off the hot path."""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from autotrack.plugin import attempt

from .rows import Rows

#: Requests, and bytes of their rows, that wait to be recorded; beyond these they are counted and left out.
MOST_WAITING, MOST_BYTES = 20_000, 64 << 20
#: Seconds in which observations gather: together they cost little, one by one as much as their predictions.
GATHERED = 0.5


@dataclass(frozen=True, slots=True)
class Observation:
    """One request that was answered. ``seconds`` is from its last byte to its answer's first."""

    request: str
    received: float
    rows: Rows
    answers: Any
    seconds: float


class Recorder(Protocol):
    """Something that takes observations, on a thread of its own."""

    def record(self, observations: Sequence[Observation]) -> None: ...

    def tick(self) -> None:
        """Called about once a second while there is nothing to record."""

    def close(self) -> None: ...


class Observer:
    """Hands observations to recorders in batches. ``see`` never waits; ``left_out`` counts what found no room."""

    def __init__(self, recorders: Sequence[Recorder]) -> None:
        self.recorders = list(recorders)
        self.left_out = 0
        self._bytes = 0
        self._closing = threading.Event()
        self._queue: queue.SimpleQueue[Observation | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        if self.recorders:
            self._thread = threading.Thread(target=self._run, name="autotrack-observer", daemon=True)
            self._thread.start()

    def see(self, observation: Observation) -> None:
        """Takes one observation."""
        if self._thread is None:
            return
        if self._queue.qsize() >= MOST_WAITING or self._bytes > MOST_BYTES:
            self.left_out += 1
        else:
            self._bytes += observation.rows.size
            self._queue.put(observation)

    def close(self) -> None:
        """Has all that waits recorded."""
        if self._thread is not None:
            self._queue.put(None)
            self._closing.set()
            self._thread.join(5.0)
        for recorder in self.recorders:
            attempt(recorder.close)

    def _run(self) -> None:
        while True:
            try:
                found = [self._queue.get(timeout=1.0)]
            except queue.Empty:
                for recorder in self.recorders:
                    attempt(recorder.tick)
                continue
            self._closing.wait(GATHERED)
            self._bytes = 0
            while len(found) < MOST_WAITING and not self._queue.empty():
                found.append(self._queue.get())
            batch = [each for each in found if each is not None]
            for recorder in self.recorders if batch else ():
                attempt(recorder.record, batch)
            if len(batch) < len(found):
                return
