"""Which run is active: the innermost open one of this context."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from . import keys
from .guard import guard

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
    from .plugins import role
    from .run import Run
    from .tracker import tracker

    current = tracker()
    if not current.settings.enabled or role() == "rank":
        return NullRun()
    if name is not None:
        keys.check_name(name, "run's name")
    if experiment is not None:
        keys.check_name(experiment, "experiment's name")
    previous = active_run()
    run = Run(keys.new_id(), tracker=lambda: current, sink=current.sink)
    run.is_manual = True
    run._previous = previous
    begun = guard.call("start_run", run.begin, name=name, experiment=experiment, tags=tags, parent=parent or previous)
    if begun is None:
        return NullRun()
    current.exits.arm()
    active.set(run)
    return run


def active_run() -> Run | None:
    """The run that ``log_*`` of the module writes to: the innermost open one of this context.

    A thread that has none of its own shares the program's run where exactly one is open.
    """
    run = active.get()
    while run is not None and not run.is_open:
        run = run._previous
    if run is not None:
        return run
    from . import tracker as trackers

    current = trackers._current
    if current is None:
        return None
    outermost = [run for run in list(current.runs.values()) if run.is_manual]
    return outermost[0] if len(outermost) == 1 else None
