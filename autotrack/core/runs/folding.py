"""Many calls from one line of code: past a number of them, further ones become steps of one series."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .run import Run

#: Params that a series run compares from call to call; more than this many new ones are left to the first call.
MAX_COMPARED = 200


class Series:
    """The series of one call site: each call is a step, what varies between calls becomes a metric.

    It is a run of its own, or part of the user's run, with its keys behind ``prefix`` there. It does not keep the run.
    """

    __slots__ = ("_baseline", "_prefix", "_run", "_varying", "step")

    def __init__(self, run: Run, prefix: str = "") -> None:
        self._run = weakref.ref(run)
        self._prefix = prefix
        self.step = -1
        self._baseline: dict[str, str] = {}
        self._varying: set[str] = set()

    @property
    def run(self) -> Run | None:
        """The run that the calls are steps in, while it is open."""
        run = self._run()
        return run if run is not None and run.is_open else None

    def next_step(self) -> int:
        """The step of the call that begins now."""
        self.step += 1
        return self.step

    def log_params(self, params: Mapping[str, Any], step: int) -> None:
        """The first call's params are the run's; numbers that differ later are metrics ``param.<key>``."""
        run, new = self.run, {}
        if run is None:
            return
        for key, value in params.items():
            text = value if isinstance(value, str) else None
            if key in self._baseline:
                self._log_change(run, key, value, text, step)
            elif len(self._baseline) < MAX_COMPARED:
                self._baseline[key] = str(value) if text is None else text
                new[f"{self._prefix}{key}"] = value
        if new:
            run.log_params(new)

    def _log_change(self, run: Run, key: str, value: Any, text: str | None, step: int) -> None:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            if key in self._varying or str(value) != self._baseline[key]:
                self._varying.add(key)
                run.log_metric(f"{self._prefix}param.{key}", value, step)
        elif key not in self._varying and (str(value) if text is None else text) != self._baseline[key]:
            self._varying.add(key)
            run.set_tag(f"autotrack.varies.{self._prefix}{key}", "true")

    def log_metrics(self, metrics: Mapping[str, Any], step: int) -> None:
        run = self.run
        if run is not None:
            run.log_metrics({f"{self._prefix}{key}": value for key, value in metrics.items()}, step)


class Sites:
    """Counts runs (or calls that joined one run) by the place in the user's code that made them."""

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
        return series if series is not None and series.run is not None else None

    def keep(self, site: object, series: Series) -> Series:
        self._series[site] = series
        return series


class Joined:
    """The calls that joined one run of the user's: how many of each name and of each site."""

    __slots__ = ("_names", "sites")

    def __init__(self, limit: int) -> None:
        self._names: dict[str, int] = {}
        self.sites = Sites(limit)

    def prefix(self, name: str) -> str:
        """What stands before the keys of the call that joins now, so that it overwrites nothing: nothing at first."""
        number = self._names.get(name, 0) + 1
        first = not self._names
        self._names[name] = number
        if first:
            return ""
        return f"{name}." if number == 1 else f"{name}_{number}."
