"""Which run is active, and how one is started."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from .. import keys
from ..guard import Failure, guard

if TYPE_CHECKING:
    from .run import Run

#: The run that was started last in this context; it may have ended.
active: ContextVar[Run | None] = ContextVar("autotrack_run", default=None)


def start_run(
    name: str | None = None,
    experiment: str | None = None,
    tags: Mapping[str, Any] | None = None,
    parent: Run | str | None = None,
) -> Run:
    """Starts a run and makes it the active one; use it as a context manager, or end it with ``finish()``.

    Inside another run it becomes its child, in the same experiment unless told otherwise. On ranks above 0 of a
    distributed job, where autotrack is off, and where no journal can be written, it is a run that records nothing.
    In a program that was started with ``AUTOTRACK_RUN`` the first one is that run, and what is started when it has
    ended becomes its child.
    """
    from .. import process
    from ..plugins.registry import role
    from . import handing
    from .nullrun import NullRun
    from .run import Run
    from .trackers import tracker

    handed = handing.claim(name, tags) if parent is None else None
    if handed is not None:
        return handed
    previous = innermost()
    current = tracker()
    run = Run(keys.new_id(), tracker=lambda: current, sink=current.sink)
    run._previous = previous
    if not current.settings.enabled or process.imports_main() or role() == "rank":
        return activate(NullRun(), previous)
    run.is_manual = True
    name, experiment = _usable(run, name, "name"), _usable(run, experiment, "experiment")
    begun = guard.call(
        "start_run",
        run.begin,
        name=name,
        experiment=experiment,
        tags=tags,
        parent=(previous or handing.parent_of_top_runs()) if parent is None else parent,
    )
    if begun is None:
        return activate(NullRun(), previous)
    return activate(run, previous)


def _usable(run: Run, text: str | None, what: str) -> str | None:
    """The text where it can be a name; None (the default is taken) with a warning where it cannot."""
    if text is not None:
        with run.refusing("names", f"{what} of start_run"):
            return keys.check_name(text, f"{what} of a run")
    return None


def activate(run: Run, previous: Run | None) -> Run:
    """Makes a run the active one of this context until it ends; then ``previous`` is it again."""
    run._previous = previous
    active.set(run)
    return run


def innermost() -> Run | None:
    """The innermost open run that was started in this context, by nobody's guess: what children and joins go by."""
    run = active.get()
    while run is not None and not run.is_open:
        run = run._previous
    return run


def active_run() -> Run | None:
    """The run that ``log_*`` of the module writes to: the innermost open one of this context.

    A thread that has started none shares the program's run, where there is exactly one (with its children inside).
    """
    run = innermost()
    if run is not None:
        return run
    from . import trackers

    current = trackers._current
    if current is None:
        return None
    manual = [run for run in list(current.runs.values()) if run.is_manual]
    outer = {run._previous for run in manual}
    ends = [run for run in manual if run not in outer]
    return ends[0] if len(ends) == 1 else None


def open_run() -> Run | None:
    """The run that what happens now belongs to: the active one, else the newest that this process has open."""
    run = active_run()
    if run is not None:
        return run
    from . import trackers

    current = trackers._current
    if current is None or current.closed:
        return None
    return next((run for run in reversed(list(current.runs.values())) if run.is_open), None)


def note_failure(failure: Failure) -> None:
    """Puts a failure of ours on the run that it happened to, so that silence is visible.

    That is the run of the innermost watched call that has one, else the active run.
    """
    from ..probes.frames import FRAME

    frame = FRAME.get()
    while frame is not None:
        taken = getattr(frame.run, "note_failure", None)
        if taken is not None and taken(failure):
            return
        frame = frame.outer
    run = active_run()
    if run is not None:
        run.note_failure(failure)
