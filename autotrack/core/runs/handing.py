"""A run that one process hands to the next: ``AUTOTRACK_RUN`` names the run that a program records into.

Who starts the program opens the run, says what it knows, and waits. The program begins the same run again with a
session of its own, so that the run has its code, arguments, environment and console; it keeps its first start (ADR 11).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .. import addresses, keys, process
from ..errors import AutotrackError, UsageError
from ..guard import attempt, guard, warn
from .active import activate, active, innermost
from .run import Run
from .trackers import at_close, tracker

if TYPE_CHECKING:
    from .tracker import Tracker

VARIABLE = "AUTOTRACK_RUN"

#: The run that was handed to this process, and whether a ``start_run`` of the program has been given it.
_taken: Run | None = None
_claimed = False


def hand_over(run: Run) -> dict[str, str]:
    """The environment variables with which a program, started with them, records into an open run of this process.

    MLflow's own are among them where the run's store is a server: a program that calls ``mlflow.log_*`` logs there.
    """
    draft = run._draft
    if draft is None or not run.is_open:
        raise UsageError(f"run {run.id} cannot be handed over: this process does not record it")
    location = run._tracker_of().location
    said = {"id": run.id, "name": draft.name, "experiment": draft.experiment, "parent": draft.parent}
    variables = {
        VARIABLE: json.dumps(said),
        "AUTOTRACK_TRACKING_URI": location.uri,
        "AUTOTRACK_EXPERIMENT": draft.experiment,
    }
    if addresses.is_server(location.uri):
        # MLflow's client asks for the run first. A server that is away costs what one look takes; ours does without.
        attempt(run._sink_of().run, run.id)
        variables |= {"MLFLOW_RUN_ID": run.id, "MLFLOW_TRACKING_URI": location.uri}
    return variables


def only_launches() -> None:
    """This process starts programs that record, and does nothing else: nothing of its own session is captured."""
    tracker().recorder.captures = False


def take_over() -> Run | None:
    """The run that was handed to this process, begun by its first caller and active from then on; None without one.

    The variable is taken away, so that programs which this one starts do not write to the run, too. What cannot be
    meant costs a warning.
    """
    global _taken, _claimed
    text = os.environ.get(VARIABLE)
    if not text:
        return _taken if _taken is not None and _taken.is_open else None
    from ..plugins.registry import role

    if role() != "main" or process.imports_main():
        return None
    del os.environ[VARIABLE]
    current = tracker()
    if not current.settings.enabled:
        return None
    said, problem = _read(text, current)
    if said is None:
        warn(f"{VARIABLE} names no run that this program could record into: {problem}", silent=current.settings.silent)
        return None
    run = Run(said["id"], tracker=lambda: current, sink=current.sink)
    details = {"name": said["name"], "experiment": said["experiment"], "parent": said.get("parent")}
    if guard.call("take_over", run.begin, tags=None, **details) is None:
        return None
    run.is_manual = True
    current.adopt(run)
    run.at_end["arguments"] = run._log_arguments  # nothing has parsed them yet
    _taken, _claimed = run, False
    return activate(run, innermost())


def claim(name: str | None, tags: Mapping[str, Any] | None) -> Run | None:
    """For the program's first ``start_run``: the run that was handed over, by that name, if it is the innermost."""
    global _claimed
    run = take_over()
    if run is None or _claimed or innermost() is not run:
        return None
    _claimed = True
    if name is not None:
        run.rename(name)
    if tags:
        run.set_tags(tags)
    return run


def parent_of_top_runs() -> str | None:
    """The id of the run that was handed over, where it has ended: what the program starts then are children of it."""
    return _taken.id if _taken is not None and _taken._pid == os.getpid() else None


def forget() -> None:
    """Knows of no run any more (when trackers are closed)."""
    global _taken, _claimed
    if _taken is not None and active.get() is _taken:
        active.set(None)
    _taken, _claimed = None, False


at_close.append(forget)


def _read(text: str, tracker: Tracker) -> tuple[dict[str, Any] | None, str]:
    """What the variable says, or why it cannot be meant. A bare id is looked up in the store."""
    try:
        said = json.loads(text) if text.startswith("{") else {"id": text}
    except ValueError as error:
        return None, str(error)
    if not keys.is_run_id(str(said.get("id"))):
        return None, f"{text[:80]!r} is no run's id"
    if "name" in said and "experiment" in said:
        return said, ""
    try:
        record = tracker.sink().run(said["id"])
    except (AutotrackError, OSError) as error:
        return None, str(error)
    return {"id": record.id, "name": record.name, "experiment": record.experiment, "parent": record.parent}, ""
