"""A job that runs elsewhere and is asked about now and then: a ``Submitted`` out of what its engine can say."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from autotrack.plugin import ProjectError

if TYPE_CHECKING:
    from .jobs import Job

#: Seconds for which an engine may be away before its job is given up.
AWAY = 600.0
#: Seconds for which the rest of the output is waited for once the job has ended.
LAST = 60.0


class Elsewhere(Protocol):
    """What a backend says and does of one job, in its engine's words; nothing here waits for long."""

    def look(self) -> int | None:
        """The exit code, as a shell has it or negative for a signal; None while it waits or runs. ConnectionError where
        the engine does not answer."""

    def output(self, ended: threading.Event) -> Iterator[bytes]:
        """What the program writes, as it comes; to the end of it once ``ended`` is set. On a thread of its own."""

    def stop(self) -> None:
        """Has the engine end the job, with all that it has started. Nobody needs to have answered when this returns."""

    def standing(self) -> str:
        """How the job stands, in a few words."""

    def tidy(self) -> None:
        """The job has ended and its output is kept: what was put down for it may go."""


class Followed:
    """A job that is followed to its end. ``job`` is the engine's name for it."""

    def __init__(self, job: Job, elsewhere: Elsewhere, name: str, every: float) -> None:
        self.job = name
        self._elsewhere = elsewhere
        self._every = every
        self._code: int | None = None
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._answered = time.monotonic()
        self._reader = threading.Thread(
            target=job.keep_output, args=(elsewhere.output(self._ended),), name="autotrack output", daemon=True
        )
        self._reader.start()

    def wait(self) -> int:
        """The exit code, once the job has ended and its output is kept."""
        while (code := self.poll()) is None:
            time.sleep(self._every)
        return code

    def poll(self) -> int | None:
        """The exit code, or None while it waits or runs; ProjectError where the engine has not answered for long."""
        with self._lock:
            if self._code is None:
                self._code = self._look()
                if self._code is not None:
                    self._ended.set()
                    self._reader.join(LAST)
                    self._elsewhere.tidy()
            return self._code

    def standing(self) -> str:
        """How the job stands, in the engine's words."""
        return self._elsewhere.standing()

    def cancel(self) -> None:
        """Has the engine end the job; returns when it has. One that has ended stays as it is."""
        if self.poll() is None:
            self._elsewhere.stop()
            self.wait()

    def _look(self) -> int | None:
        try:
            code = self._elsewhere.look()
        except ConnectionError as error:
            if time.monotonic() - self._answered > AWAY:
                raise ProjectError(f"nothing was heard of job {self.job} for {AWAY / 60:g} minutes: {error}") from None
            return None
        self._answered = time.monotonic()
        return 128 - code if code is not None and 128 < code < 160 else code  # the shell's way to say a signal
