"""Chunks of a file that a thread reads before they are asked for: the libraries that read let others run meanwhile."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Generator
from contextlib import closing
from typing import Any

from autotrack.plugin import attempt

#: Bytes of chunks that may wait. Where one alone is larger none is read ahead, so that two are never in memory.
MOST_BYTES = 64 << 20


class Ahead:
    """An iterator over the same chunks in the same order; an error is raised where its chunk would have come.

    To be closed, which ends the thread.
    """

    def __init__(self, chunks: Generator[Any, None, None], most: int = MOST_BYTES) -> None:
        self._chunks = chunks
        self._most = most
        self._waiting: deque[Any] = deque()
        self._bytes = self._last = 0
        self._wanted = False
        self._ended = self._closed = False
        self._error: Exception | None = None
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, name="autotrack-read")
        self._thread.start()

    def __iter__(self) -> Ahead:
        return self

    def __next__(self) -> Any:
        with self._changed:
            self._wanted = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._waiting or self._ended)
            self._wanted = False
            if self._waiting:
                chunk = self._waiting.popleft()
                self._bytes -= chunk.nbytes
                self._changed.notify_all()
                return chunk
        if self._error is not None:
            raise self._error
        raise StopIteration

    def close(self) -> None:
        """Reads no more, and waits for what is being read."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()

    def _may_read(self) -> bool:
        return self._closed or self._bytes + self._last <= self._most or (self._wanted and not self._waiting)

    def _read(self) -> None:
        try:
            _, self._error = attempt(self._all)
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _all(self) -> None:
        with closing(self._chunks) as chunks:
            while self._goes_on() and (chunk := next(chunks, None)) is not None:
                with self._changed:
                    self._waiting.append(chunk)
                    self._last = chunk.nbytes
                    self._bytes += self._last
                    self._changed.notify_all()

    def _goes_on(self) -> bool:
        """Waits until there is room; False once it is closed."""
        with self._changed:
            self._changed.wait_for(self._may_read)
            return not self._closed
