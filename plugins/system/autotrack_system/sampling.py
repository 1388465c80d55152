"""The thread that samples while runs are open."""

from __future__ import annotations

import atexit
import os
import socket
import threading
import time
from typing import TYPE_CHECKING

from autotrack.plugin import Background, attempt, settings

from .meters import Meters
from .ranks import own_rank

if TYPE_CHECKING:
    from autotrack.plugin import Run

#: How often it is asked whether a run is due: a hundredth of a per mille of a processor.
_TICK = 1.0
#: Seconds that the end of the program waits for a sample that is being taken.
PATIENCE = 1.0


class Sampling:
    """The open runs of this process, each with when its next sample is due.

    ``began`` and ``ended`` take no lock and wait for nothing: the recorder may hold its own there.
    """

    def __init__(self) -> None:
        #: By run: the moment of its next sample (``time.monotonic()``).
        self._due: dict[Run, float] = {}
        self._tagged: set[str] = set()
        self._meters: Meters | None = None
        self._thread = Background(self._work)
        self._leave = threading.Event()
        self._pid = 0

    def began(self, run: Run) -> None:
        """Takes a run in; the thread starts with the first one."""
        if self._pid != os.getpid():  # also in a forked child, whose parent has the thread, and the runs so far
            self._due, self._pid, self._meters = {}, os.getpid(), None
            self._thread, self._leave = Background(self._work), threading.Event()
            self._thread.start()
            atexit.unregister(self.leave)
            atexit.register(self.leave)
        self._due[run] = time.monotonic() + settings("system")["first"]

    def ended(self, run: Run) -> None:
        """The run is over."""
        self._due.pop(run, None)
        self._tagged.discard(run.id)

    def leave(self) -> None:
        """Ends the thread: one that is in a library's code when the interpreter goes may take the process with it."""
        self._leave.set()
        self._thread.join(time.monotonic() + PATIENCE)

    def _work(self) -> None:
        leave, thread = self._leave, self._thread
        tick = min(_TICK, settings("system")["interval"])
        while not thread.rest(leave, tick):
            _, error = attempt(self._look)
            if error is not None:
                for run in list(self._due):
                    run.note(f"system metrics ended: {type(error).__name__}: {error}")
                return

    def _look(self) -> None:
        now = time.monotonic()
        runs = [run for run, moment in list(self._due.items()) if moment <= now]
        if not runs:
            return
        if self._meters is None:
            self._meters = Meters()
        sample = self._meters.sample()
        for run in runs:
            if not run.is_open:
                self.ended(run)
                continue
            if sample and run.id not in self._tagged:
                self._tagged.add(run.id)
                run.set_tags({"system.host": socket.gethostname(), **_rank()})
            run.log_metrics({f"system/{key}": value for key, value in sample.items()}, None)
            if run in self._due:
                self._due[run] = now + settings("system")["interval"]


def _rank() -> dict[str, str]:
    found = own_rank()
    return {} if found is None else {"system.rank": found}
