"""The first run made again with some differences swapped, each set of them once, earlier searches included."""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from autotrack.core.config import find_store
from autotrack.core.entities import RunRecord, Status
from autotrack.core.gaps import Gap

from .bisection import Bisection, Trial, said
from .conditions import Interpreter, check, interpreter_for
from .factors import PYTHON, Factor, Side
from .packages import mixed_interpreter
from .pairing import counterpart
from .running import TAG as TOKEN
from .running import run_again
from .searching import TAG, SearchRun, pair
from .surroundings import python_of_run
from .swapping import mixed

if TYPE_CHECKING:
    from autotrack.core.sink import Sink

#: The tag of a run that a search made: a digest of the two runs, of what is swapped, and of what it ran on.
WITH = "autotrack.bisect_with"
Tell = Callable[[str], None]


class Trials:
    """What the metric comes to with some differences swapped. Nothing is run twice."""

    def __init__(
        self,
        sink: Sink,
        uri: str,
        runs: tuple[RunRecord, RunRecord],
        sides: tuple[Side, Side],
        env: str,
        work: Path,
        found: Bisection,
        search: SearchRun,
        say: Tell,
    ) -> None:
        self.sink, self.uri, self.runs, self.env, self.work = sink, uri, runs, env, work
        self.a, self.b = sides
        self.found, self.search, self.say = found, search, say
        self._known: dict[frozenset[Factor], float | None] = {}
        self._interpreters: dict[frozenset[str], Interpreter | Gap] = {}

    def value(self, swapped: Sequence[Factor]) -> float | None:
        """The metric with these swapped; None where the program does not come so far."""
        key = frozenset(swapped)
        if key not in self._known:
            standing = f"running it {f'with {said(tuple(swapped))}' if swapped else 'as it was'}"
            self.say(standing)
            self.search.tell(self.found, standing)
            self._known[key] = self._tried(tuple(swapped))
        return self._known[key]

    def _tried(self, swapped: tuple[Factor, ...]) -> float | None:
        began = time.monotonic()
        interpreter = self._interpreter(frozenset(each.name for each in swapped if each.part == "environment"))
        if isinstance(interpreter, Gap):
            if interpreter not in self.found.problems:
                self.found.problems = (*self.found.problems, interpreter)
            return None
        digest = self._digest(swapped, interpreter)
        made = self._made_before(digest)
        reused = made is not None
        if made is None:
            made = self._run(swapped, interpreter, digest)
        value = None if made is None else made.metrics.get(self.found.metric)
        value = None if value is None else float(value)
        run = made.id if made is not None else None
        self.found.trials.append(Trial(swapped, value, run, time.monotonic() - began, reused))
        self.search.tried(self.found)
        return value

    def _run(self, swapped: tuple[Factor, ...], interpreter: Interpreter, digest: str) -> RunRecord | None:
        fresh = self.work / f"trial-{len(self.found.trials)}"
        plan, moved = mixed(self.a, self.b, swapped, fresh)
        token = f"{self.runs[0].id}.{int(time.time() * 1000):x}.{len(self.found.trials)}"
        tags = {TAG: pair(*self.runs), WITH: digest}
        try:
            run_again(plan, interpreter, self.uri, fresh, moved, token, tags, self.found.search)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
        self.sink.deliver(find_store(self.uri).journal)
        return counterpart(self.sink, self.a.plan.story, token)

    def _made_before(self, digest: str) -> RunRecord | None:
        """The run that an earlier search made with the same swapped, where it came to its end."""
        for run in self.sink.runs(f"tags.\"{WITH}\" = '{digest}'"):
            made = counterpart(self.sink, self.a.plan.story, run.tags.get(TOKEN, ""))
            if made is not None and made.status is Status.FINISHED:
                return made
        return None

    def _digest(self, swapped: tuple[Factor, ...], interpreter: Interpreter) -> str:
        told = sorted(json.dumps(factor.document(), sort_keys=True) for factor in swapped)
        runs = [run.id for run in self.runs] if swapped else [self.runs[0].id]
        content = json.dumps([runs, told, _conditions(interpreter)])
        return hashlib.sha256(content.encode()).hexdigest()[:32]

    def _interpreter(self, names: frozenset[str]) -> Interpreter | Gap:
        if names not in self._interpreters:
            self._interpreters[names] = self._made_interpreter(names)
        return self._interpreters[names]

    def _made_interpreter(self, names: frozenset[str]) -> Interpreter | Gap:
        a, b = self.a.plan.story, self.b.plan.story
        every = {factor.name for factor in self.found.factors if factor.part == "environment"}
        if not names or names == every:
            story = b if names else a
            return interpreter_for(story, check(story), "venv" if names and self.env == "local" else self.env)
        python = python_of_run(b if PYTHON in names else a)
        return mixed_interpreter(a, b, names - {PYTHON}, python)


def _conditions(interpreter: Interpreter) -> object:
    """What an interpreter runs with; environments that are built are named by what is in them."""
    from autotrack.core.session.distributions import distributions

    if interpreter.python != sys.executable:
        return interpreter.python
    here: list[Mapping[str, object]] = [each for each in distributions() if each["name"] != "autotrack"]
    return [interpreter.python, platform.python_version(), here]
