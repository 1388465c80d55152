"""The notebook that this process runs: told of its cells, its messages and its runs."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from autotrack.plugin import Run, settings

from .boundaries import Boundaries, Here
from .cells import History, Ran
from .document import notebook, plain
from .places import Place
from .saving import Saving
from .shell import Listener, Request, Shell
from .showing import Showing


class Notebook:
    """What is known of the cells and runs of one IPython shell. In a terminal only the runs' boundaries are watched."""

    def __init__(self, shell: Any) -> None:
        self.shell = Shell(shell)
        self.history = History(int(settings("notebook")["max_mb"] * 1_000_000))
        self._boundaries = Boundaries()
        self._showing = Showing(self.shell)
        self._place = Place(_working_directory())
        self._saving = Saving(lambda: self.history.version, self._state)
        self._pid = os.getpid()
        #: By thread the execution under way, and IPython's own object for it, which tells it from what it runs inside.
        self._cells: dict[int, tuple[Ran, Here, Any, Request]] = {}
        #: How many of IPython's events are listened to: none after ``disable()``.
        self._heard = 0

    def attach(self, event: str, listener: Listener) -> Callable[[], object]:
        """Has one of IPython's events told; answers what ends that."""
        if self._heard == 0:
            self._meet()
        take_out = self.shell.attach(event, listener)
        self._heard += 1

        def stop() -> None:
            take_out()
            self._heard -= 1

        return stop

    def _meet(self) -> None:
        """The shell runs already, and mostly a cell: the one that switched tracking on."""
        earlier, request = self.shell.earlier(), self.shell.request()
        runs_now = bool(request.code) and bool(earlier) and plain(earlier[-1]) == plain(request.code)
        self.history.ran_before(earlier[:-1] if runs_now else earlier)
        self._cells.clear()
        if runs_now:
            self._begin(request.code, None, request, len(earlier))

    def listen(self, listener: Listener) -> Callable[[], object]:
        """Has the kernel's messages told, and the notebook kept from now on; answers what ends that."""
        if self.shell.kernel is None:
            return lambda: None
        take_out = self.shell.tap(listener)
        atexit.register(self._at_exit)

        def stop() -> None:
            take_out()
            atexit.unregister(self._at_exit)
            self._at_exit()

        return stop

    def cell_begins(self, info: Any) -> None:
        """A cell is about to run; what a cell runs as a cell of its own is part of it."""
        request = self.shell.request()
        here = self._cells.get(threading.get_ident())
        if here is not None:
            if here[3].message == request.message if request.message else not info.store_history:
                return
            self._end(None, None)  # its end was never told
        self._begin(info.raw_cell, info, request)

    def cell_ends(self, result: Any) -> None:
        """A cell has run."""
        cell = self._cells.get(threading.get_ident())
        if cell is None:
            return
        ran, _, info, request = cell
        of = getattr(result, "info", None)
        if of is not None and (of is not info if info is not None else of.raw_cell != ran.source):
            return
        self._end(_error(result), getattr(result, "execution_count", None))
        if settings("notebook")["link"] and request.is_attended:
            self._showing.cell_over()

    def message_sent(self, message: Mapping[str, Any]) -> None:
        """The kernel has sent a message."""
        self.history.heard(message)
        # Only then all that the cell has printed was sent: streams are flushed when its end has been told.
        if message.get("msg_type") == "execute_reply":
            self._saving.cell_over()

    def run_started(self, run: Run) -> None:
        """A run has started."""
        if not self._heard:
            return
        here = self._boundaries.started(run)
        if self.shell.kernel is None or os.getpid() != self._pid or not (run.is_manual or run.parent is None):
            return
        if here is not None:
            self._showing.started(here.key, run.id, run.name)
        if settings("notebook")["keep"]:
            self._saving.started(run)

    def run_ended(self, run: Run, status: str) -> None:
        """A run has ended."""
        if os.getpid() == self._pid:
            self._showing.ended(run.id, status)
            self._saving.ended(run)

    def _begin(self, source: str, info: Any, request: Request, number: int | None = None) -> None:
        ran = self.history.begin(source, request.cell_id, request.message, number)
        self._showing.cell_begins(ran.key)
        self._cells[threading.get_ident()] = ran, self._boundaries.begin(ran.key), info, request

    def _end(self, error: BaseException | None, number: int | None) -> None:
        cell = self._cells.pop(threading.get_ident(), None)
        if cell is not None:
            ran, here, _, _ = cell
            self.history.end(ran, error is not None, number)
            self._boundaries.end(here, error)

    def _state(self, deadline: float) -> dict[str, Any]:
        ran = self.history.cells()
        file = self._place.read([each for each, _ in ran], self.shell.names)
        name = self._place.name if file is not None else None
        return notebook(ran, file, name, self.history.left, deadline, self.history.typed())

    def _at_exit(self) -> None:
        """The kernel stops, or tracking does. The recorder's own exit handler comes after this one, and waits."""
        if os.getpid() == self._pid:
            self._saving.save_all()


def _working_directory() -> Path:
    try:
        return Path.cwd()
    except OSError:  # it was removed
        return Path("/")


def _error(result: Any) -> BaseException | None:
    """What ended a cell; KeyboardInterrupt where it was interrupted while it waited for something."""
    if result is None:
        return KeyboardInterrupt("the cell was cancelled")
    error: BaseException | None = result.error_before_exec or result.error_in_exec
    asyncio = sys.modules.get("asyncio")
    if asyncio is not None and isinstance(error, asyncio.CancelledError):
        return KeyboardInterrupt("the cell was cancelled")
    return error
