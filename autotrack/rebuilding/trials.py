"""The first run made again with some differences swapped, each set of them once, earlier searches included."""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from autotrack.core.config import find_store
from autotrack.core.entities import RunRecord, Status
from autotrack.core.gaps import Gap

from .bisection import Bisection, Trial, near, number, said
from .conditions import Interpreter, check, interpreter_for
from .factors import PYTHON, Factor, Side
from .overwriting import refused
from .packages import mixed_interpreter
from .pairing import counterpart
from .plan import Plan
from .running import TAG as TOKEN
from .running import run_again
from .searching import TAG, SearchRun, pair
from .surroundings import python_of_run
from .swapping import mixed

if TYPE_CHECKING:
    from autotrack.core.sink import Sink

#: The tag of a run that a search made: a digest of the two runs, of what is swapped, and of what it ran on.
WITH = "autotrack.bisect_with"
#: How a run ends that nobody ended: what a search took down when it was broken off is tried again.
_BY_ITSELF = (Status.FINISHED, Status.FAILED)
TOLERANCE = 1e-9
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Options:
    """``metric``: the one to explain, None for the one that matters most of those that differ. ``env`` and ``data`` as
    for a rebuild; numbers are the same up to ``tolerance`` of their size. ``first``: the first cause is enough.
    ``overwrite`` lets the program write over files outside the fresh folder."""

    metric: str | None = None
    env: str = "auto"
    data: Mapping[str, str] | None = None
    tolerance: float = TOLERANCE
    first: bool = False
    overwrite: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a program: the metric, None where it did not come so far, and how it ended, in words: that of an
    epoch before the program failed is none that a training came to."""

    value: float | None
    ending: str


def outcome_of(run: RunRecord, metric: str) -> Outcome:
    """What is held against another run's."""
    value = run.metrics.get(metric)
    lines = (run.error or "").strip().splitlines() if run.status is Status.FAILED else []
    error = f" with {lines[-1].partition(':')[0]}" if lines else ""
    return Outcome(None if value is None else float(value), f"{run.status}{error}")


class Trials:
    """What comes out with some differences swapped. Nothing is run twice, unless it is asked for."""

    def __init__(
        self,
        sink: Sink,
        uri: str,
        runs: tuple[RunRecord, RunRecord],
        sides: tuple[Side, Side],
        options: Options,
        work: Path,
        found: Bisection,
        search: SearchRun,
        say: Tell,
    ) -> None:
        self.sink, self.uri, self.runs, self.options, self.work = sink, uri, runs, options, work
        self.a, self.b = sides
        self.found, self.search, self.say = found, search, say
        self.wanted = [outcome_of(run, found.metric) for run in runs]
        self._known: dict[frozenset[Factor], Outcome | None] = {}
        self._interpreters: dict[frozenset[str], Interpreter | Gap] = {}

    def outcome(self, swapped: Sequence[Factor]) -> Outcome | None:
        """What comes out with these swapped; None where it cannot be run, or ends before it made the run."""
        key = frozenset(swapped)
        if key not in self._known:
            self._known[key] = self._told(swapped)
        return self._known[key]

    def once_more(self, swapped: Sequence[Factor]) -> Outcome | None:
        """What comes out the next time, whatever was made before; in a search that goes on, what it came to there."""
        return self._told(swapped, again=True)

    def _told(self, swapped: Sequence[Factor], again: bool = False) -> Outcome | None:
        standing = f"running it {f'with {said(tuple(swapped))}' if swapped else 'as it was'}"
        standing += " once more" if again else ""
        self.say(standing)
        self.search.tell(self.found, standing)
        return self._tried(tuple(swapped), again)

    def _tried(self, swapped: tuple[Factor, ...], again: bool) -> Outcome | None:
        began = time.monotonic()
        interpreter = self._interpreter(frozenset(each.name for each in swapped if each.part == "environment"))
        if isinstance(interpreter, Gap):
            self._open(interpreter)
            return None
        digest = self._digest(swapped, interpreter, again)
        made = self._made_before(digest) if not again or self.found.search else None
        reused = made is not None
        if made is None:
            fresh = self.work / f"trial-{len(self.found.trials)}"
            try:
                together = mixed(self.a, self.b, swapped, fresh)
                if isinstance(together, Gap):
                    self._open(together)
                    return None
                made = self._run(together, interpreter, fresh, digest)
            finally:
                shutil.rmtree(fresh, ignore_errors=True)
        came = outcome_of(made, self.found.metric) if made is not None else None
        value = came.value if came is not None and self._counts(came) else None
        run = made.id if made is not None else None
        self.found.trials.append(Trial(swapped, value, run, time.monotonic() - began, reused, again))
        self.search.tried(self.found)
        self.say(f"  {self._verdict(came)}{' (made before)' if reused else ''}")
        return came

    def same(self, came: Outcome | None, side: int) -> bool:
        """Whether it came out as the first run (0) or as the second one (1)."""
        wanted = self.wanted[side]
        if came is None or came.value is None or wanted.value is None or came.ending != wanted.ending:
            return False
        return near(came.value, wanted.value, self.options.tolerance)

    def _verdict(self, came: Outcome | None) -> str:
        """What a trial came to, and which of the two runs came to the same."""
        if came is None:
            return "it ended before it made the run"
        what = number(came.value) if came.value is not None and self._counts(came) else f"it ended as {came.ending}"
        alike = [run.id[:8] for side, run in enumerate(self.runs) if self.same(came, side)]
        return f"{what}, as {' and '.join(alike) or 'neither of the two'}"

    def _counts(self, came: Outcome) -> bool:
        """Whether it ended as one of the two runs did; only then it can be held against that one."""
        return came.ending in [each.ending for each in self.wanted]

    def _open(self, problem: Gap) -> None:
        """Some of what differs cannot be swapped."""
        self.say(f"  it cannot be run: {problem.what}")
        if problem not in self.found.problems:
            self.found.problems = (*self.found.problems, problem)

    def _run(
        self, together: tuple[Plan, dict[str, str]], interpreter: Interpreter, fresh: Path, digest: str
    ) -> RunRecord | None:
        plan, moved = together
        token = f"{self.runs[0].id}.{int(time.time() * 1000):x}.{len(self.found.trials)}"
        tags = {TAG: pair(*self.runs), WITH: digest}
        run_again(plan, interpreter, self.uri, fresh, moved, token, tags, self.found.search, self.options.overwrite)
        for problem in refused(fresh):
            self._open(problem)
        self.sink.deliver(find_store(self.uri).journal)
        return counterpart(self.sink, self.a.plan.story, token)

    def _made_before(self, digest: str) -> RunRecord | None:
        """The run that an earlier search made with the same swapped, where it came to its end."""
        for run in self.sink.runs(f"tags.\"{WITH}\" = '{digest}'"):
            made = counterpart(self.sink, self.a.plan.story, run.tags.get(TOKEN, ""))
            came = outcome_of(made, self.found.metric) if made is not None else None
            if made is not None and came is not None and made.status in _BY_ITSELF and self._counts(came):
                return made
        return None

    def _digest(self, swapped: tuple[Factor, ...], interpreter: Interpreter, again: bool) -> str:
        told = sorted(json.dumps(factor.document(), sort_keys=True) for factor in swapped)
        runs = [run.id for run in self.runs] if swapped else [self.runs[0].id]
        content: list[object] = [runs, told, _conditions(interpreter)]
        if again:
            content.append(self.found.search)
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:32]

    def _interpreter(self, names: frozenset[str]) -> Interpreter | Gap:
        if names not in self._interpreters:
            self._interpreters[names] = self._made_interpreter(names)
        return self._interpreters[names]

    def _made_interpreter(self, names: frozenset[str]) -> Interpreter | Gap:
        a, b = self.a.plan.story, self.b.plan.story
        every = {factor.name for factor in self.found.factors if factor.part == "environment"}
        if not names or names == every:
            env = self.options.env
            story = b if names else a
            return interpreter_for(story, check(story), "venv" if names and env == "local" else env)
        python = python_of_run(b if PYTHON in names else a)
        return mixed_interpreter(a, b, names - {PYTHON}, python)


def _conditions(interpreter: Interpreter) -> object:
    """What an interpreter runs with; environments that are built are named by what is in them."""
    from autotrack.core.session.distributions import distributions

    if interpreter.python != sys.executable:
        return interpreter.python
    here: list[Mapping[str, object]] = [each for each in distributions() if each["name"] != "autotrack"]
    return [interpreter.python, platform.python_version(), here]
