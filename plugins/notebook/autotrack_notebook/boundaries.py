"""Which cell started a run, and which runs end with it: a cell that failed or runs again leaves none open."""

from __future__ import annotations

import sys
import threading
import weakref
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from autotrack.plugin import Run, carry_on, end_run


@dataclass(frozen=True, slots=True, eq=False)
class Here:
    """Where the code of one execution of a cell runs. ``key`` is the same for each execution of the cell."""

    key: str
    thread: int
    task: weakref.ref[Any] | None


@dataclass(frozen=True, slots=True)
class Opened:
    """A run and the execution that started it; ``task`` is set where that was in an asyncio task of its own."""

    run: Run
    here: Here
    task: weakref.ref[Any] | None

    @property
    def is_left(self) -> bool:
        """True where nothing that the cell started still runs and may log to it."""
        task = self.task() if self.task is not None else None
        return task is None or task.done()


#: The execution that what runs in this context belongs to; tasks that a cell starts inherit it, threads do not.
_here: ContextVar[Here | None] = ContextVar("autotrack_cell", default=None)


class Boundaries:
    """The runs that cells have started and that are open."""

    def __init__(self) -> None:
        self._opened: list[Opened] = []
        self._lock = threading.Lock()

    def begin(self, key: str) -> Here:
        """A cell runs: the runs of an earlier execution of it end, and one that is open for all cells goes on here."""
        here = Here(key, threading.get_ident(), _task())
        _here.set(here)
        for opened in self._open():
            if opened.here.key == key and opened.is_left:
                end_run(opened.run)
        # Each cell that awaits something runs in a context of its own, and so what was active there is forgotten.
        mine = [opened.run for opened in self._open() if opened.run.is_manual and opened.task is None]
        if mine:
            carry_on(mine[-1])
        return here

    def end(self, here: Here, error: BaseException | None) -> None:
        """The cell has run. What it started ends with its error, if there is one; else it is for other cells to end."""
        if error is None:
            return
        for opened in reversed(self._open()):
            if opened.here is here and opened.is_left:
                end_run(opened.run, error)

    def started(self, run: Run) -> Here | None:
        """The execution that has started the run; None for other threads, which a cell's end says nothing about."""
        here = _here.get()
        if here is None or here.thread != threading.get_ident():
            return None
        task = _task()
        own = task is None or here.task is None or task() is here.task()
        with self._lock:
            self._opened.append(Opened(run, here, None if own else task))
        return here

    def _open(self) -> list[Opened]:
        with self._lock:
            self._opened = [opened for opened in self._opened if opened.run.is_open]
            return list(self._opened)


def _task() -> weakref.ref[Any] | None:
    """The asyncio task that runs in this thread."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is None or asyncio._get_running_loop() is None:
        return None
    task = asyncio.current_task()
    return weakref.ref(task) if task is not None else None
