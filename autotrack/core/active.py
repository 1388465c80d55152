"""Which run is active: the innermost open one of this context."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from .guard import guard
from .keys import new_id

if TYPE_CHECKING:
    from .run import Run

active: ContextVar[Run | None] = ContextVar("autotrack_run", default=None)


def start_run(
    name: str | None = None,
    experiment: str | None = None,
    tags: Mapping[str, Any] | None = None,
    parent: Run | str | None = None,
) -> Run:
    """Starts a run and makes it the active one; use it as a context manager, or end it with ``finish()``.

    Inside another run it becomes its child. On ranks above 0 of a distributed job it is a run that records nothing.
    """
    from .nullrun import NullRun
    from .process import role
    from .run import Run
    from .tracker import tracker

    current = tracker()
    if role() == "rank" or not current.settings.enabled:
        return NullRun()
    # Another task's run on this thread is no parent: only a thread without one takes the main thread's.
    on_main = threading.current_thread() is threading.main_thread()
    previous = _innermost() if on_main else active_run()
    run = Run(new_id(), tracker=lambda: current, sink=current.sink)
    run.is_manual = True
    run._previous = previous
    given: dict[str, Any] = {
        "name": name,
        "experiment": experiment,
        "tags": tags,
        "parent": previous if parent is None else parent,
    }
    if current.settings.strict:
        run.begin(**given)
    elif guard.call("start_run", run.begin, **given) is None:
        return NullRun()
    current.exits.arm()
    active.set(run)
    return run


def active_run() -> Run | None:
    """The run that ``log_*`` of the module writes to: the innermost open one of this context.

    A thread that has none of its own shares the main thread's run where exactly one is open.
    """
    run = _innermost()
    if run is not None:
        return run
    from . import tracker as trackers

    current = trackers._current
    if current is None:
        return None
    shared = (threading.main_thread().ident, threading.get_ident())
    outermost = [run for run in list(current.runs.values()) if run.is_manual and run.thread in shared]
    return outermost[0] if len(outermost) == 1 else None


def _innermost() -> Run | None:
    """The innermost open run of this context itself."""
    run = active.get()
    while run is not None and not run.is_open:
        run = run._previous
    return run
