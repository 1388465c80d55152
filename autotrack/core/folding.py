"""Many runs from one line of code: past a number of them, further ones become steps of one series run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .run import Run

#: Params that a series run compares from call to call; more than this many new ones are left to the first call.
MAX_COMPARED = 200


class Series:
    """The series run of one call site: each call is a step, what varies between calls becomes a metric."""

    __slots__ = ("_baseline", "_varying", "run", "step")

    def __init__(self, run: Run) -> None:
        self.run = run
        self.step = -1
        self._baseline: dict[str, str] = {}
        self._varying: set[str] = set()

    def next_step(self) -> int:
        """The step of the call that begins now."""
        self.step += 1
        return self.step

    def log_params(self, params: Mapping[str, Any], step: int) -> None:
        """The first call's params are the run's; numbers that differ later are metrics ``param.<key>``."""
        new = {}
        for key, value in params.items():
            text = value if isinstance(value, str) else None
            if key in self._baseline:
                self._log_change(key, value, text, step)
            elif len(self._baseline) < MAX_COMPARED:
                self._baseline[key] = str(value) if text is None else text
                new[key] = value
        if new:
            self.run.log_params(new)

    def _log_change(self, key: str, value: Any, text: str | None, step: int) -> None:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            if key in self._varying or str(value) != self._baseline[key]:
                self._varying.add(key)
                self.run.log_metric(f"param.{key}", value, step)
        elif key not in self._varying and (str(value) if text is None else text) != self._baseline[key]:
            self._varying.add(key)
            self.run.set_tag(f"autotrack.varies.{key}", "true")

    def log_metrics(self, metrics: Mapping[str, Any], step: int) -> None:
        self.run.log_metrics(metrics, step)


class Sites:
    """Counts runs by the place in the user's code that made them."""

    __slots__ = ("_counts", "_limit", "_series")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._counts: dict[object, int] = {}
        self._series: dict[object, Series] = {}

    def is_full(self, site: object) -> bool:
        """True where further runs of this site are to be folded."""
        return self._counts.get(site, 0) >= self._limit

    def count(self, site: object) -> None:
        self._counts[site] = self._counts.get(site, 0) + 1

    def series(self, site: object) -> Series | None:
        """The site's series run, if it is open."""
        series = self._series.get(site)
        return series if series is not None and series.run.is_open else None

    def keep(self, site: object, series: Series) -> Series:
        self._series[site] = series
        return series
