"""Finds out by running it which of all that differs between two runs is why a metric came out otherwise.

The first run is made again with one difference swapped at a time. Where none alone makes the metric what it is in the
second run, the few that do it together are looked for (``minimising``), as the idea of delta debugging is (Zeller and
Hildebrandt, IEEE TSE 28(2), 2002).
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from autotrack.answers.goals import ranked
from autotrack.answers.story import tell
from autotrack.answers.timing import is_timing
from autotrack.core.config import find_store
from autotrack.core.entities import RunRecord
from autotrack.core.errors import UsageError
from autotrack.core.gaps import Gap
from autotrack.core.guard import attempt

from .bisection import Bisection, Found, near, number, said
from .factors import Factor, Side, factors_of, places_in, side_of, units_of
from .folders import fresh_folder
from .holes import open_gaps
from .minimising import least
from .notebooks import plan_in
from .searching import TAG, SearchRun
from .trials import TOLERANCE, Options, Outcome, Tell, Trials

if TYPE_CHECKING:
    from autotrack.core.sink import Sink

__all__ = ["TAG", "TOLERANCE", "Bisection", "Found", "Options", "bisect", "bisect_in"]


def bisect(
    a: str,
    b: str,
    *,
    metric: str | None = None,
    env: str = "auto",
    data: Mapping[str, str] | None = None,
    tolerance: float = TOLERANCE,
    first: bool = False,
    overwrite: bool = False,
    tracking_uri: str | None = None,
) -> Bisection:
    """Runs ``a`` again with one difference to ``b`` swapped at a time; says which makes its metric that of ``b``.

    ``a`` and ``b`` are ids of runs (or their beginnings). Every run that is made stays in the store, tagged
    ``autotrack.bisect``, below a run of the search; a second search for the same takes what the first one made.
    ``first`` ends it with the first cause. Without ``overwrite`` nothing runs that would write over files outside the
    folders that are made for it. NotFoundError where there is no such run, UsageError where one has no such
    metric.
    """
    from contextlib import closing

    from autotrack.core.plugins.registry import open_sink
    from autotrack.core.runs.trackers import tracker_to_read

    if tracking_uri is None:
        current = tracker_to_read()
        current.catch_up()
        uri = current.location.uri
    else:
        uri = find_store(tracking_uri).uri
    with closing(open_sink(uri)) as sink:
        return bisect_in(sink, uri, sink.run(a), sink.run(b), Options(metric, env, data, tolerance, first, overwrite))


def bisect_in(
    sink: Sink, uri: str, a: RunRecord, b: RunRecord, options: Options, say: Tell = lambda text: None
) -> Bisection:
    """The search between two runs of a store; ``say`` is told what is tried.

    A KeyboardInterrupt ends it: what was found up to then is answered.
    """
    began = time.monotonic()
    found = Bisection(Found.NOTHING, a.id, b.id)
    metric = options.metric or _metric(a, b, options.tolerance)
    if metric is None:
        found.why = "every metric that both have is the same"
        return found
    missing = [run.id[:8] for run in (a, b) if metric not in run.metrics]
    if missing:
        raise UsageError(f"{' and '.join(missing)} logged no metric {metric!r}; name one that both have (--metric)")
    found.metric, found.values = metric, (float(a.metrics[metric]), float(b.metrics[metric]))
    if near(float(a.metrics[metric]), float(b.metrics[metric]), options.tolerance):
        found.why = f"{metric} is the same in both"
        return found
    search = SearchRun(sink, uri, a, b, found)
    held = fresh_folder(a.id)
    work = held.path
    found.kind = Found.BROKEN_OFF  # unless it comes to its end
    try:
        kind, error = attempt(_search, sink, uri, (a, b), options, found, work, search, say)
        if kind is not None:
            found.kind = kind
        elif error is not None and not _is_interrupt(error):
            raise error
    except KeyboardInterrupt:
        pass
    finally:
        held.remove()
        found.seconds = time.monotonic() - began
        if found.kind is Found.BROKEN_OFF:
            found.why = "what was found up to then; a second start goes on from here"
        search.end(found)
    return found


def _is_interrupt(error: BaseException | None) -> bool:
    """True for what a database said that was interrupted by a KeyboardInterrupt."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error is not None


def _search(
    sink: Sink,
    uri: str,
    runs: tuple[RunRecord, RunRecord],
    options: Options,
    found: Bisection,
    work: Path,
    search: SearchRun,
    say: Tell,
) -> Found:
    """Puts both runs together and searches; how it ended."""
    plans = [plan_in(sink, tell(sink, run)) for run in runs]
    gaps = [plan for plan in plans if isinstance(plan, Gap)]
    say("putting both together")
    sides = [
        side_of(plan, sink, work / name, options.data or {}, options.overwrite)
        for name, plan in zip("ab", plans, strict=True)
        if not gaps and not isinstance(plan, Gap)
    ]
    gaps += [problem for side in sides for problem in side.problems]
    if gaps:
        found.problems = tuple(dict.fromkeys(gaps))
        return Found.IMPOSSIBLE
    one, other = sides
    found.factors = tuple(factors_of(one, other))
    found.unknown = _unknown(sides, hashing=True)
    trials = Trials(sink, uri, runs, (one, other), options, work, found, search, say)
    kind = _Search(trials, found, options).search()
    if kind in (
        Found.CAUSE,
        Found.TOGETHER,
    ):  # it came out the same in several processes, each with an order of its own
        found.unknown = _unknown(sides, hashing=False)
    return kind


def _unknown(sides: Sequence[Side], *, hashing: bool) -> tuple[Gap, ...]:
    gaps = [gap for side in sides for gap in open_gaps(side.plan.story, hashing=hashing)]
    return tuple(dict.fromkeys(gaps))


class _Search:
    """One search; writes into ``found`` as it goes, so that an interrupted one has what it found."""

    def __init__(self, trials: Trials, found: Bisection, options: Options) -> None:
        self.trials, self.found, self.options = trials, found, options
        self._steady: bool | None = None

    def search(self) -> Found:
        """Tries what differs, one by one; then together. A cause is said to be one that was one twice."""
        found = self.found
        again = self.trials.outcome(())
        if not self.trials.same(again, 0):
            found.why = f"run again as it was, {self._otherwise(again)}: see `autotrack rebuild`"
            return Found.IMPOSSIBLE
        if not found.factors:
            found.why = "nothing that was captured of them differs"
            return Found.UNEXPLAINED
        units = units_of(found.factors)
        for at, unit in enumerate(units):
            costly = unit[0].part == "environment"
            if found.causes and (costly or self.options.first):
                found.untried = tuple(factor for left_out in units[at:] for factor in left_out)
                break
            self._try_alone(unit)
            if self._steady is False:
                return Found.UNEXPLAINED
        if found.causes:
            found.why = ""
            return Found.CAUSE
        if found.why:
            return Found.UNEXPLAINED
        return self._together(units)

    def _try_alone(self, unit: tuple[Factor, ...]) -> None:
        found = self.found
        if self._does(unit):
            before = found.causes
            found.causes = (*before, *unit)  # as much is known where the rest is broken off
            few = least(unit, self._does)
            found.causes = (*before, *few)
            few = self._narrowed(few)
            found.causes = (*before, *few)
            if not self._holds(few):
                found.causes = before if self._steady else ()
                found.moved = (*found.moved, *few) if self._steady else ()
        else:
            came = self.trials.outcome(unit)
            ended_alike = came is not None and came.ending == self.trials.wanted[0].ending
            if came is not None and came.value is not None and ended_alike and not self.trials.same(came, 0):
                found.moved = (*found.moved, *unit)

    def _together(self, units: Sequence[tuple[Factor, ...]]) -> Found:
        found = self.found
        every = self.trials.outcome(found.factors)
        if not self.trials.same(every, 1):
            if every is None and found.problems:
                found.why = "not all of it can be swapped: what cannot be may be why"
                return Found.IMPOSSIBLE
            found.why = f"with all of it swapped {self._otherwise(every, 1)}: something that was not captured differs"
            return Found.UNEXPLAINED
        # What moves it alone is likely to be among them.
        likely = sorted(found.factors, key=lambda factor: factor not in found.moved)
        found.causes = tuple(least(likely, self._does))
        # Of those that were swapped together, the ones that are no cause are not known to move it.
        settled = {each for unit in units if not set(found.causes).isdisjoint(unit) for each in unit}
        found.moved = tuple(factor for factor in found.moved if factor not in settled)
        found.causes = tuple(self._narrowed(found.causes))
        if not self._holds(found.causes):
            found.causes = ()
            return Found.UNEXPLAINED
        return Found.TOGETHER

    def _holds(self, causes: Sequence[Factor]) -> bool:
        """Whether it was no chance: the first run comes out as it did once more, and with these swapped as the second
        once more. ``why`` says what did not."""
        found = self.found
        if self._steady is None:
            again = self.trials.once_more(())
            self._steady = self.trials.same(again, 0)
            if not self._steady:
                found.why = f"it is another each time: run once more as it was, {self._otherwise(again)}"
        if not self._steady:
            return False
        again = self.trials.once_more(causes)
        if self.trials.same(again, 1):
            return True
        found.why = f"with {said(tuple(causes))} it is another each time: once more, {self._otherwise(again, 1)}"
        return False

    def _narrowed(self, causes: Sequence[Factor]) -> list[Factor]:
        """The same causes, of each file of code among them only the places that it takes."""
        found = list(causes)
        for cause in causes:
            places = places_in(self.trials.a, self.trials.b, cause)
            if places:
                at = found.index(cause)
                rest = [each for each in found if each != cause]
                few = least(places, lambda some, rest=rest: self._does([*rest, *some]))  # type: ignore[misc]
                found[at : at + 1] = few if len(few) < len(places) else [cause]
        return found

    def _does(self, swapped: Sequence[Factor]) -> bool:
        return self.trials.same(self.trials.outcome(swapped), 1)

    def _otherwise(self, came: Outcome | None, side: int = 0) -> str:
        """How it came out, where that is not as that run did."""
        wanted = self.trials.wanted[side]
        if came is None or came.value is None:
            return "it does not come so far"
        if came.ending != wanted.ending:
            return f"it ends as {came.ending}, and not as {wanted.ending}"
        return f"it comes out as {number(came.value)}, and not as {number(wanted.value)}"


def _metric(a: RunRecord, b: RunRecord, tolerance: float) -> str | None:
    """The metric that matters most of those that differ."""
    differing = {
        key: 1
        for key in a.metrics.keys() & b.metrics.keys()
        if not is_timing(key)
        and not key.startswith(("system/", "autotrack."))
        and not near(float(a.metrics[key]), float(b.metrics[key]), tolerance)
    }
    return next(iter(ranked(differing)), None)
