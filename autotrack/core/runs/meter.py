"""Autotrack's own time, held against the process's: what it may still afford."""

from __future__ import annotations

import time


class Meter:
    """Measures the time that probes take and says when costly parts must be left out.

    The budget is ``allowance`` seconds plus ``share`` of the time since the first probe. Models go first: they may be
    saved within the budget, metrics that need predictions within twice the budget. What is left costs microseconds.
    """

    __slots__ = ("allowance", "background", "delivering", "own", "share", "since")

    def __init__(self, share: float, allowance: float) -> None:
        self.share = share
        self.allowance = allowance
        self.own = 0.0
        #: Processor seconds of autotrack's own threads, the courier and the deliverer, each of which writes its own:
        #: they too are taken from the program.
        self.background = 0.0
        self.delivering = 0.0
        self.since: float | None = None

    def add(self, seconds: float) -> None:
        """Counts time that autotrack took on the user's thread."""
        if self.since is None:
            self.since = time.perf_counter() - seconds
        self.own += seconds

    def affords(self, part: str, seconds: float = 0.0) -> bool:
        """True where ``part`` ("model", "metrics", ...), estimated at ``seconds``, stays within the budget."""
        budget = self._budget() * 2 if part == "metrics" else self._budget()
        return self._spent() + seconds <= budget

    def left(self) -> float:
        """Seconds of the budget that are left."""
        return max(0.0, self._budget() - self._spent())

    def _spent(self) -> float:
        return self.own + self.background + self.delivering

    def _budget(self) -> float:
        elapsed = time.perf_counter() - self.since if self.since is not None else 0.0
        return self.allowance + self.share * elapsed
