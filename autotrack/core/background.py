"""Threads of autotrack's own, which the program's ``threading`` does not list."""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable

#: Signals whose words ``journal.lastwords`` has written down by the thread that they reach.
_NOTED = (signal.SIGTERM, signal.SIGHUP)


class Background:
    """A daemon thread that runs ``work()``, and that ``threading.enumerate()`` and ``active_count()`` leave out.

    Programs count, name and wait for the threads that they find, and test suites fail a test that has left one behind
    (Lightning's own does): ours is none of theirs. In a forked child it is not alive. Where code of others runs in it,
    which may ask for ``threading.current_thread()`` and so enter it into the list, it waits with ``rest``.
    """

    __slots__ = ("_ended", "_ident", "_pid", "_work")

    def __init__(self, work: Callable[[], object]) -> None:
        self._work = work
        self._ended = threading.Event()
        self._ident: int | None = None
        self._pid: int | None = None

    def start(self) -> None:
        """Begins; RuntimeError where the system or an interpreter that ends gives no thread."""
        # A thread that the system has made and Python does not know yet may be the one that takes a signal, and
        # faulthandler writes nothing in such a thread: a run that SIGTERM ended would be found without a last word.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        try:
            signal.pthread_sigmask(signal.SIG_BLOCK, _NOTED)  # inside: a handler of the program's may raise here
            _thread.start_new_thread(self._run, (before,))
            self._pid = os.getpid()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

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

    def rest(self, event: threading.Event, seconds: float) -> bool:
        """Waits in this very thread for the event, as ``event.wait(seconds)`` does, and is in no list meanwhile."""
        # psutil asks for the current thread when it is imported, logging at each line: no other way leads out again.
        listed = getattr(threading, "_active", None)
        if isinstance(listed, dict):
            listed.pop(threading.get_ident(), None)
        return event.wait(seconds)

    def _run(self, signals: Iterable[int]) -> None:
        self._ident, self._pid = threading.get_ident(), os.getpid()
        signal.pthread_sigmask(signal.SIG_SETMASK, signals)
        # As ``threading`` does with its own, for those who measure coverage.
        trace = threading.gettrace()
        if trace is not None:
            sys.settrace(trace)
        try:
            self._work()
        finally:
            self._ended.set()
