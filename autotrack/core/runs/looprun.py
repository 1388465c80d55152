"""The run of a training that is no call: a loop of the user's own, of which only the steps are seen."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..callsite import user_site
from ..exits import Ending, ending_of
from ..guard import Failure, guard
from ..probes.frames import sealed
from .active import active, innermost
from .proberun import ProbeRun

if TYPE_CHECKING:
    from .run import Run


@dataclass(slots=True)
class Loop:
    """What a run of a loop is made for. ``started`` is in nanoseconds since the epoch, ``site`` a file and a line."""

    plugin: str
    target: str
    name: str
    started: int
    site: tuple[str, int]
    obj: Any = None


class LoopRun(ProbeRun):
    """A run that its plugin ends. Where it is recorded is decided as for a watched call: it starts with the first thing
    logged, joins a run of the user's, and past ``runs_per_site`` runs from one line of code it folds.

    ``plugin`` is the plugin's own name, ``target`` what is watched ("torch.optim:Optimizer.step"), ``name`` the run's
    name. ``started`` is when the training began (nanoseconds since the epoch; now, where it is not given). Made in the
    thread that trains, while the user's code is on the stack.
    """

    def __init__(self, plugin: str, target: str, name: str, started: int | None = None) -> None:
        super().__init__(Loop(plugin, target, name, started or time.time_ns(), user_site(sys._getframe(1))))
        self._actions: list[Callable[[], None]] = []
        self._judge: Callable[[BaseException | None], BaseException | None] = lambda error: error
        self._key = f"loop {id(self)}"
        self._over = False
        innermost()
        self._active = active.get()

    @property
    def is_open(self) -> bool:
        """False once it has ended, or the user's run that it joined has."""
        return not self._over and (self._run is None or self._run.is_open)

    @property
    def is_outdated(self) -> bool:
        """True where it has ended, or the user has begun or ended a run since: what comes now belongs elsewhere."""
        return self._over or active.get() is not self._active

    def took(self, seconds: float) -> None:
        """Counts time that the plugin took of the training's thread, for what it may still afford."""
        self._tracker.meter.add(seconds)

    def at_end(self, action: Callable[[], None]) -> None:
        """Has ``action()`` done just before the run ends, at the program's end too. It must hold no user's object."""
        self._actions.append(action)

    def judged_by(self, judge: Callable[[BaseException | None], BaseException | None]) -> None:
        """Has the end of the program ask how the loop ended, where that finds it open: ``judge(uncaught exception or
        None)`` answers the exception that ended the loop, or None. Without a judge, what ends the program ends it.
        Where there is no exception, the exit code says whether it failed."""
        self._judge = judge

    def end(self, error: BaseException | None = None) -> None:
        """Ends the run, if it is not the user's own. A second call does nothing."""
        if self._over:
            return
        self._over = True
        run = self._run
        if run is not None:
            run.at_end.pop(self._key, None)
            self._decide(error)  # for a program that ends before this is done
            self._last_things()
            self.finish(error)
            run.judge = None if self._owned else run.judge  # which would hold the error, and the user's frames

    def abandon(self, error: BaseException | None = None) -> None:
        """Has the run ended soon, by autotrack's own thread.

        For callbacks of weak references, which come at any moment, also inside a write of ours.
        """
        self._decide(error)
        self._tracker.kept.orphans.append(partial(self.end, error))

    def log_metric(self, key: str, value: Any, step: int | None = None) -> None:
        """Keeps one point of a metric; about a microsecond from the second on."""
        run = self._run
        if run is None or self._series is not None:
            super().log_metric(key, value, step)
        else:
            run.log_metric(self._prefix + key, value, step)

    def log_file(self, source: Path, path: str) -> None:
        """Keeps a copy of a file as it is now; where that cannot be, a note says so."""
        if not self.folded:
            run = self._started()
            with guard.handing(lambda error: run.note(f"{path} left out: {error}")):
                run.put(self._path(path), source, durable=False)

    def note_failure(self, failure: Failure) -> bool:
        return self.is_open and super().note_failure(failure)

    def _started(self) -> Run:
        if self._run is None:
            run = super()._started()
            run.at_end[self._key] = self._last_things
            if self._owned:
                run.judge, run.follows_program = self._judged, True
        return super()._started()

    def _decide(self, error: BaseException | None) -> None:
        """How it ended is known from here on, whatever ends the program."""
        self._judge = lambda uncaught: error
        if self._run is not None and self._owned:
            self._run.follows_program = False

    def _judged(self, error: BaseException | None) -> Ending:
        return ending_of(self._judge(error))

    def _last_things(self) -> None:
        actions, self._actions = self._actions, []
        with sealed():
            for action in actions:
                guard.call_plugin(f"{self._call.plugin}.at_end", action)
