"""What is in force in this process: a tracker, and in each context a run."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

from ..guard import Failure

if TYPE_CHECKING:
    from .run import Run
    from .tracker import Tracker

#: The run that was started last in this context; it may have ended.
active: ContextVar[Run | None] = ContextVar("autotrack_run", default=None)
#: The tracker that was put in force last (by ``trackers``); it may be closed.
current: Tracker | None = None


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
