"""Finds out by running it which of all that differs between two runs is why a metric came out otherwise.

The first run is made again with one difference swapped at a time. Where none alone makes the metric what it is in the
second run, subsets are tried: delta debugging (Zeller and Hildebrandt, IEEE TSE 28(2), 2002).
"""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotrack.answers.difference import Line
from autotrack.answers.goals import ranked
from autotrack.answers.outcomes import is_timing
from autotrack.answers.story import tell
from autotrack.core.config import find_store
from autotrack.core.entities import RunRecord
from autotrack.core.errors import UsageError
from autotrack.core.gaps import Gap

from .conditions import Interpreter, check, interpreter_for
from .factors import Factor, Side, factors_of, mixed, side_of
from .folders import fresh_folder
from .notebooks import plan_in
from .running import counterpart, run_again

if TYPE_CHECKING:
    from autotrack.core.sink import Sink

FORMAT = 1
#: The tag of runs that were made to find out: the two runs.
TAG = "autotrack.bisect"
TOLERANCE = 1e-9
Tell = Callable[[str], None]


class Found(StrEnum):
    """How the search ended."""

    CAUSE = "CAUSE FOUND"
    TOGETHER = "ONLY TOGETHER"
    UNEXPLAINED = "NOT EXPLAINED"
    NOTHING = "NOTHING DIFFERS"
    IMPOSSIBLE = "CANNOT BISECT"
    BROKEN_OFF = "BROKEN OFF"

    @property
    def exit_code(self) -> int:
        return {Found.UNEXPLAINED: 1, Found.IMPOSSIBLE: 3, Found.BROKEN_OFF: 130}.get(self, 0)


@dataclass(frozen=True, slots=True)
class Trial:
    """The first run, made again with some differences swapped. ``value`` is None where it did not come so far."""

    swapped: tuple[Factor, ...]
    value: float | None
    run: str | None
    seconds: float

    def document(self) -> dict[str, Any]:
        swapped = [factor.document() for factor in self.swapped]
        return {"swapped": swapped, "value": self.value, "run": self.run, "seconds": round(self.seconds, 3)}


@dataclass(slots=True)
class Bisection:
    """What was found: true where the cause is. ``causes`` are the differences that, swapped, make the metric of the
    first run what it is in the second; ``moved`` those that alone change it to something else. ``str()`` is what the
    command prints."""

    kind: Found
    a: str
    b: str
    metric: str = ""
    values: tuple[float | None, float | None] = (None, None)
    factors: tuple[Factor, ...] = ()
    causes: tuple[Factor, ...] = ()
    moved: tuple[Factor, ...] = ()
    trials: list[Trial] = field(default_factory=list)
    problems: tuple[Gap, ...] = ()
    why: str = ""
    seconds: float = 0.0

    def __bool__(self) -> bool:
        return self.kind in (Found.CAUSE, Found.TOGETHER)

    def document(self) -> dict[str, Any]:
        return {
            "bisect": FORMAT,
            "verdict": str(self.kind),
            "a": self.a,
            "b": self.b,
            "metric": self.metric or None,
            "values": list(self.values),
            "factors": [factor.document() for factor in self.factors],
            "causes": [factor.document() for factor in self.causes],
            "moved": [factor.document() for factor in self.moved],
            "trials": [trial.document() for trial in self.trials],
            "problems": [gap.document() for gap in self.problems],
            "why": self.why,
            "seconds": round(self.seconds, 3),
        }

    def lines(self) -> Iterator[Line]:
        """What was found, line by line."""
        yield Line(f"{self.kind}  {self.a[:8]} → {self.b[:8]}  in {self.seconds:.1f} s", "title")
        if self.metric:
            one, other = map(_number, self.values)
            yield Line(f"  {self.metric}  {one} → {other}")
        for factor in self.causes:
            yield Line(f"  because of  {factor}", "removed")
        for factor in self.moved:
            yield Line(f"  moves it, too  {factor}")
        if self.why:
            yield Line(f"  {self.why}", "note")
        for problem in self.problems:
            yield Line(f"  {problem.part}: {problem.what}", "removed")
            yield from (Line(f"    {line}", "note") for line in problem.close.splitlines())
        if self.trials:
            yield Line("", "empty")
            yield Line("tried", "section")
        for trial in self.trials:
            swapped = "; ".join(map(str, trial.swapped)) or "as it was"
            run = f"  {trial.run[:8]}" if trial.run else ""
            yield Line(f"  {_number(trial.value):>14}  {swapped}{run}")

    def __str__(self) -> str:
        return "\n".join(line.text.rstrip() for line in self.lines())


@dataclass(frozen=True, slots=True)
class Options:
    """``metric``: the one to explain, None for the one that matters most of those that differ. ``env`` and ``data`` as
    for a rebuild; numbers are the same up to ``tolerance`` of their size."""

    metric: str | None = None
    env: str = "auto"
    data: Mapping[str, str] | None = None
    tolerance: float = TOLERANCE


def bisect(
    a: str,
    b: str,
    *,
    metric: str | None = None,
    env: str = "auto",
    data: Mapping[str, str] | None = None,
    tolerance: float = TOLERANCE,
    tracking_uri: str | None = None,
) -> Bisection:
    """Runs ``a`` again with one difference to ``b`` swapped at a time; says which makes its metric that of ``b``.

    ``a`` and ``b`` are ids of runs (or their beginnings). Every run that is made stays in the store, tagged
    ``autotrack.bisect``. NotFoundError where there is no such run, UsageError where one has no such metric.
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
        return bisect_in(sink, uri, sink.run(a), sink.run(b), Options(metric, env, data, tolerance))


def bisect_in(
    sink: Sink, uri: str, a: RunRecord, b: RunRecord, options: Options, say: Tell = lambda text: None
) -> Bisection:
    """The search between two runs of a store; ``say`` is told what is tried."""
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
    work = fresh_folder(a.id)
    try:
        _Search(sink, uri, a, b, options, found, work, say).search()
    except KeyboardInterrupt:
        found.kind, found.why = Found.BROKEN_OFF, "what was found up to then:"
    finally:
        shutil.rmtree(work, ignore_errors=True)
        found.seconds = time.monotonic() - began
    return found


class _Search:
    """One search; writes into ``found`` as it goes."""

    def __init__(
        self,
        sink: Sink,
        uri: str,
        a: RunRecord,
        b: RunRecord,
        options: Options,
        found: Bisection,
        work: Path,
        say: Tell,
    ) -> None:
        self.sink, self.uri, self.options, self.found, self.work, self.say = sink, uri, options, found, work, say
        self.runs = (a, b)
        self._known: dict[frozenset[Factor], float | None] = {}
        self._interpreters: dict[bool, Interpreter | Gap] = {}
        self._a: Side
        self._b: Side

    def search(self) -> None:
        """Tries what differs, one by one; then together."""
        found = self.found
        plans = [plan_in(self.sink, tell(self.sink, run)) for run in self.runs]
        gaps = [plan for plan in plans if isinstance(plan, Gap)]
        if gaps:
            return self._impossible(gaps)
        self.say("putting both together")
        sides = [
            side_of(plan, self.sink, self.work / name, self.options.data or {})
            for name, plan in zip("ab", plans, strict=True)
            if not isinstance(plan, Gap)
        ]
        problems = [problem for side in sides for problem in side.problems]
        if problems:
            return self._impossible(problems)
        self._a, self._b = sides
        found.factors = tuple(factors_of(self._a, self._b))
        if not self._same(self._tried(()), 0):
            found.why = "run again as it was, it does not come out as it did: see `autotrack rebuild`"
            return self._impossible([])
        if not found.factors:
            found.kind, found.why = Found.UNEXPLAINED, "nothing that was captured of them differs"
            return None
        values = {factor: self._tried((factor,)) for factor in found.factors}
        found.causes = tuple(factor for factor in found.factors if self._same(values[factor], 1))
        found.moved = tuple(
            factor
            for factor, value in values.items()
            if value is not None and factor not in found.causes and not self._same(value, 0)
        )
        if found.causes:
            found.kind = Found.CAUSE
            return None
        if not self._same(self._tried(found.factors), 1):
            found.kind = Found.UNEXPLAINED
            found.why = "with all of it swapped it still is another: something that was not captured differs"
            return None
        found.causes = tuple(self._least(list(found.factors)))
        found.moved = tuple(factor for factor in found.moved if factor not in found.causes)
        found.kind = Found.TOGETHER
        return None

    def _least(self, factors: list[Factor]) -> list[Factor]:
        """A smallest set of these (all of them together do it) that makes the metric what it is in the second run."""
        pieces = 2
        while len(factors) >= 2:
            size = math.ceil(len(factors) / pieces)
            parts = [factors[at : at + size] for at in range(0, len(factors), size)]
            rests = [[factor for factor in factors if factor not in part] for part in parts]
            smaller = next((each for each in (*parts, *rests) if each and self._same(self._tried(each), 1)), None)
            if smaller is not None and len(smaller) < len(factors):
                pieces = 2 if smaller in parts else max(pieces - 1, 2)
                factors = smaller
            elif pieces >= len(factors):
                break
            else:
                pieces = min(2 * pieces, len(factors))
        return factors

    def _same(self, value: float | None, side: int) -> bool:
        wanted = self.found.values[side]
        assert wanted is not None
        return value is not None and _near(value, wanted, self.options.tolerance)

    def _tried(self, swapped: Sequence[Factor]) -> float | None:
        """The metric with these swapped; what was tried already is not run again."""
        key = frozenset(swapped)
        if key not in self._known:
            self.say(f"running it {f'with {swapped[0]}' if len(swapped) == 1 else f'with {len(swapped)} differences'}")
            self._known[key] = self._run(swapped)
        return self._known[key]

    def _run(self, swapped: Collection[Factor]) -> float | None:
        began = time.monotonic()
        number = len(self.found.trials)
        fresh = self.work / f"trial-{number}"
        plan, moved = mixed(self._a, self._b, swapped, fresh)
        interpreter = self._interpreter(any(factor.part == "environment" for factor in swapped))
        if isinstance(interpreter, Gap):
            self.found.problems = (*self.found.problems, interpreter)
            return None
        a, b = self.runs
        token = f"{a.id}.{int(time.time() * 1000):x}.{number}"
        tags = {TAG: f"{a.id[:12]} {b.id[:12]}"}
        try:
            run_again(plan, interpreter, self.uri, fresh, moved, token, tags)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
        self.sink.deliver(find_store(self.uri).journal)
        made = counterpart(self.sink, self._a.plan.story, token)
        value = None if made is None else made.metrics.get(self.found.metric)
        value = None if value is None else float(value)
        seconds = time.monotonic() - began
        self.found.trials.append(Trial(tuple(swapped), value, made.id if made is not None else None, seconds))
        return value

    def _interpreter(self, theirs: bool) -> Interpreter | Gap:
        if theirs not in self._interpreters:
            story = (self._b if theirs else self._a).plan.story
            env = self.options.env if not theirs or self.options.env != "local" else "venv"
            self._interpreters[theirs] = interpreter_for(story, check(story), env)
        return self._interpreters[theirs]

    def _impossible(self, problems: list[Gap]) -> None:
        self.found.kind, self.found.problems = Found.IMPOSSIBLE, (*self.found.problems, *problems)


def _metric(a: RunRecord, b: RunRecord, tolerance: float) -> str | None:
    """The metric that matters most of those that differ."""
    differing = {
        key: 1
        for key in a.metrics.keys() & b.metrics.keys()
        if not is_timing(key)
        and not key.startswith(("system/", "autotrack."))
        and not _near(float(a.metrics[key]), float(b.metrics[key]), tolerance)
    }
    return next(iter(ranked(differing)), None)


def _near(one: float, other: float, tolerance: float) -> bool:
    if one == other or (math.isnan(one) and math.isnan(other)):
        return True
    if not (math.isfinite(one) and math.isfinite(other)):
        return False
    return abs(one - other) <= tolerance * max(abs(one), abs(other))


def _number(value: float | None) -> str:
    return "failed" if value is None else f"{value:.6g}"
