"""How a run is started: by the program, for another program, or because something is logged and none is there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import keys, process
from ..exits import Ending
from ..guard import guard
from ..plugins.registry import role
from . import handing
from .active import activate, active, innermost
from .nullrun import NullRun
from .run import Run
from .trackers import tracker


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


def run_for_another(
    name: str | None = None,
    experiment: str | None = None,
    tags: Mapping[str, Any] | None = None,
    parent: Run | str | None = None,
) -> Run:
    """Starts a run that is to be handed over: as ``start_run`` does, but nothing of this program joins it.

    Without a ``parent`` it is a child of the run that is active here. Where this program ends before
    it does, it is KILLED.
    """
    before = active.get()
    run = start_run(name, experiment, tags, parent or innermost() or handing.take_over())
    active.set(before)
    run.is_manual = False
    run.judge = lambda error: Ending("KILLED", error)
    return run


def implicit_run() -> Run:
    """The run of a program that logs without starting one."""
    current = tracker()
    with current.implicit_lock:
        run = current.implicit
        if run is None or not run.is_open:
            before = active.get()
            run = start_run()
            current.adopt(run)
            run.is_manual = False
            active.set(before)
        return run


def _usable(run: Run, text: str | None, what: str) -> str | None:
    """The text where it can be a name; None (the default is taken) with a warning where it cannot."""
    if text is not None:
        with run.refusing("names", f"{what} of start_run"):
            return keys.check_name(text, f"{what} of a run")
    return None
