"""Which run was open at a moment: points are given to runs by the time that they were written at."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from autotrack.plugin import Run

#: Runs that are remembered; a program that makes more than these is asked for the latest only.
MOST = 1000


class Stretch:
    """A run with when it began and ended (nanoseconds since the epoch)."""

    __slots__ = ("ended", "run", "started")

    def __init__(self, run: Run) -> None:
        self.run = run
        self.started = run.started
        self.ended: float = math.inf


class Timeline:
    """The runs of this process that are no writer's own, in the order of their beginning.

    ``began`` and ``ended`` take no lock: they are called while the recorder holds its own.
    """

    def __init__(self) -> None:
        self._stretches: list[Stretch] = []
        self._pid = os.getpid()

    def began(self, run: Run, *, forget: bool = False) -> None:
        """``forget`` those that have ended: nobody will ask for them."""
        before = self._stretches[-MOST:] if self._pid == os.getpid() else []
        if forget:
            before = [stretch for stretch in before if stretch.run.is_open]
        self._stretches = [*before, Stretch(run)]
        self._pid = os.getpid()

    def ended(self, run: Run) -> None:
        for stretch in reversed(self._stretches):
            if stretch.run is run:
                stretch.ended = time.time_ns()
                return

    def newest(self) -> Run | None:
        """The run that began last of those that are open."""
        return next((stretch.run for stretch in reversed(self._stretches) if stretch.run.is_open), None)

    def end_of(self, run: Run) -> float:
        """When a run ended; infinity while it is open."""
        found = next((stretch.ended for stretch in reversed(self._stretches) if stretch.run is run), None)
        if found is None:
            return math.inf if run.is_open else 0
        return found

    def at(self, moment: float, born: float) -> Run | None:
        """The run of a moment, for a writer that was made at another: of the runs that had not ended then, the one that
        began last of those open at the moment, else the one that ended last before it, else the first that came after.
        """
        known = [stretch for stretch in self._stretches if stretch.ended > born]
        before = [stretch for stretch in known if stretch.started <= moment]
        if not before:
            return known[0].run if known else None
        open_then = [stretch for stretch in before if stretch.ended > moment]
        if open_then:
            return open_then[-1].run
        return max(before, key=lambda stretch: stretch.ended).run

    def split(self, times: np.ndarray[Any, Any], born: float) -> Iterator[tuple[Run | None, Any]]:
        """Each run with what selects its points among ``times``."""
        import numpy as np

        first, last = int(times.min()), int(times.max())
        edges = {
            edge for stretch in self._stretches for edge in (stretch.started, stretch.ended) if first < edge <= last
        }
        if not edges:
            yield self.at(first, born), slice(None)
            return
        which = np.searchsorted(np.array(sorted(edges)), times, side="right")
        for number in np.unique(which):
            chosen = which == number
            yield self.at(int(times[chosen][0]), born), chosen
