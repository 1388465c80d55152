"""The run that a search for a cause is: its children are the runs that are made on the way; it says how far it is."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from autotrack.core import keys
from autotrack.core.entities import RunRecord, Status
from autotrack.core.exits import Ending
from autotrack.core.guard import attempt, warn
from autotrack.core.runs import trackers
from autotrack.core.runs.resuming import reopen
from autotrack.core.runs.run import Run

from .bisection import Bisection, Found, said

if TYPE_CHECKING:
    from autotrack.core.runs.tracker import Tracker
    from autotrack.core.sink import Sink

#: The tag of all runs of a search: the two runs.
TAG = "autotrack.bisect"
#: Tags of the search's own run: what it explains, how it ended, what it found, and how far it is.
METRIC, VERDICT = "autotrack.bisect_metric", "autotrack.bisect_verdict"
CAUSES, STANDING = "autotrack.bisect_causes", "autotrack.bisect_standing"
_SEARCHING = "SEARCHING"
#: Runs of a pair that are looked through.
_MOST = 1000


def pair(a: RunRecord, b: RunRecord) -> str:
    """The value of ``TAG``."""
    return f"{a.id[:12]} {b.id[:12]}"


class SearchRun:
    """One search's run; None of it where runs are not to be recorded. What fails here costs a warning."""

    def __init__(self, sink: Sink, uri: str, a: RunRecord, b: RunRecord, found: Bisection) -> None:
        self.goes_on = False
        self.run, error = attempt(self._begun, sink, uri, a, b, found)
        if error is not None:
            warn(f"the search has no run of its own: {error}")
        found.search = self.run.id if self.run is not None else None

    def tell(self, found: Bisection, standing: str) -> None:
        """What is being done, as a tag."""
        if self.run is not None:
            text = f"{len(found.trials)} of about {len(found.factors) + 1} tried; {standing}"
            attempt(self.run.set_tag, STANDING, text)

    def tried(self, found: Bisection) -> None:
        """The last trial, as a step of the metrics ``tried`` and ``value``."""
        number, trial = len(found.trials), found.trials[-1]
        if self.run is not None and not (self.goes_on and trial.reused):  # else it is there already
            attempt(self.run.log_metric, "tried", number, number)
            if trial.value is not None:
                attempt(self.run.log_metric, "value", trial.value, number)

    def end(self, found: Bisection) -> None:
        """The verdict, on the run and whole as ``bisect.json`` and ``bisect.txt``."""
        if self.run is not None:
            _, error = attempt(_ended, self.run, found)
            if error is not None:
                warn(f"the verdict is not written on the search's run: {error}")

    def _begun(self, sink: Sink, uri: str, a: RunRecord, b: RunRecord, found: Bisection) -> Run | None:
        tracker = trackers.tracker_at(uri)
        if not tracker.settings.enabled:
            return None
        earlier = _broken_off(sink, tracker, a, b, found.metric)
        tags = {TAG: pair(a, b), METRIC: found.metric, VERDICT: _SEARCHING}
        if earlier is not None:
            self.goes_on = True
            run = reopen(tracker, earlier, time.time_ns())
            run.set_tags(tags)
        else:
            run = Run(keys.new_id(), tracker=lambda: tracker, sink=tracker.sink)
            name = f"bisect {a.id[:8]} {b.id[:8]}"
            run.begin(name=name, experiment=a.experiment, tags=tags, parent=None)
            run.log_params({"a": a.id, "b": b.id, "metric": found.metric})
        run.is_manual = False
        run.judge = lambda error: Ending("KILLED", error)
        return run


def _broken_off(sink: Sink, tracker: Tracker, a: RunRecord, b: RunRecord, metric: str) -> RunRecord | None:
    """The run of an earlier search for the same that did not come to its end."""
    if not tracker.location.is_local:
        return None
    for run in sink.runs(f"tags.\"{TAG}\" = '{pair(a, b)}'", max_results=_MOST):
        unfinished = run.tags.get(VERDICT) in (_SEARCHING, str(Found.BROKEN_OFF))
        if unfinished and run.tags.get(METRIC) == metric and run.status is not Status.RUNNING:
            return run
    return None


def _ended(run: Run, found: Bisection) -> None:
    run.set_tags({VERDICT: str(found.kind), STANDING: f"{len(found.trials)} tried"})
    if found.causes:
        run.set_tag(CAUSES, said(found.causes))
    run.log_dict(found.document(), "bisect.json")
    run.log_text(str(found), "bisect.txt")
    run.finish("KILLED" if found.kind is Found.BROKEN_OFF else "FINISHED")
