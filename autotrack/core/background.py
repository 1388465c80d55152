"""Threads of autotrack's own, which the program's ``threading`` does not list."""

from __future__ import annotations

import _thread
import os
import sys
import threading
import time
from collections.abc import Callable


class Background:
    """A daemon thread that runs ``work()``, and that ``threading.enumerate()`` and ``active_count()`` leave out.

    Programs count, name and wait for the threads that they find, and test suites fail a test that has left one behind
    (Lightning's own does): ours is none of theirs. In a forked child it is not alive. Code in it should not ask for
    ``threading.current_thread()``, which would enter it into the list.
    """

    __slots__ = ("_ended", "_ident", "_pid", "_work")

    def __init__(self, work: Callable[[], object]) -> None:
        self._work = work
        self._ended = threading.Event()
        self._ident: int | None = None
        self._pid: int | None = None

    def start(self) -> None:
        """Begins; RuntimeError where the system or an interpreter that ends gives no thread."""
        _thread.start_new_thread(self._run, ())
        self._pid = os.getpid()

    def is_alive(self) -> bool:
        """True from ``start()`` until the work is done."""
        return self._pid == os.getpid() and not self._ended.is_set()

    def is_current(self) -> bool:
        """True in this very thread."""
        return self._ident == threading.get_ident() and self.is_alive()

    def join(self, deadline: float) -> None:
        """Waits for the end of the work, at most until the deadline (``time.monotonic()``)."""
        if self.is_alive() and not self.is_current():
            self._ended.wait(max(0.0, deadline - time.monotonic()))

    def _run(self) -> None:
        self._ident, self._pid = threading.get_ident(), os.getpid()
        # As ``threading`` does with its own, for those who measure coverage.
        trace = threading.gettrace()
        if trace is not None:
            sys.settrace(trace)
        try:
            self._work()
        finally:
            self._ended.set()
