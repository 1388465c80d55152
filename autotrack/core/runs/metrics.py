"""Metric points of a run: one call into the memory-mapped journal, and the slow path for all that is unusual."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from .. import keys
from ..errors import JournalError, UsageError
from .writing import RunWriting

if TYPE_CHECKING:
    from ..journal.writer import JournalWriter

_UNFIT = (struct.error, JournalError, OSError, TypeError, OverflowError)


class RunMetrics(RunWriting):
    """The metrics of ``Run``."""

    def __init__(self, run_id: str, **places: Any) -> None:
        super().__init__(run_id, **places)
        #: By key: the series' number in ``_journal``, and the counter of automatic steps.
        self._series: dict[str, tuple[int, Callable[[], int]]] = {}
        self._wide: dict[str, int] = {}
        self._counters: dict[str, Callable[[], int]] = {}
        self._journal: JournalWriter = _NO_JOURNAL
        self._begin_at: dict[str, int] | None = None

    def log_metric(self, key: str, value: float, step: int | None = None) -> None:
        """Keeps one point. ``step`` counts 0, 1, 2, ... by itself where it is not given.

        Takes any one real number (numpy and torch scalars too), NaN and infinities included.
        """
        try:
            series = self._series.get(key)
            if series is not None and value.__class__ is float and (step is None or step.__class__ is int):
                if step is None:
                    step = series[1]()
                self._journal.point(series[0], step, value)
                return
        except _UNFIT:
            pass  # sorted out below, where it costs no one else anything
        with self.refusing("metrics", "log_metric"):
            self._log_metric(key, value, step)

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Keeps one point of each metric at the same step."""
        with self.refusing("metrics", "log_metrics"):
            for key, value in metrics.items():
                self.log_metric(key, value, step)

    def log_points(self, key: str, steps: Iterable[int], times: Iterable[int], values: Iterable[float]) -> None:
        """Keeps points of a metric that were taken earlier: equally many steps, times (ns since the epoch) and values.

        For plugins that read what another tool has written. The numbers are Python's own ints and floats.
        """
        with self.refusing("metrics", f"metric {key!r:.80}"):
            keys.check_key(key, "metric's key")
            tracker = self._tracker_of()
            journal = tracker.journal()
            first = self._first_step(key)
            with tracker.lock:
                number, _ = self._series_of(key, journal, first)
            for step, when, value in zip(steps, times, values, strict=True):
                try:
                    journal.point_at(number, step, value, when)
                except (JournalError, OSError) as error:
                    self._count("lost_points")
                    tracker.disk_trouble(error)

    def has_metric(self, key: str) -> bool:
        """True where this process has logged points of that metric to this run."""
        return key in self._counters

    def _log_metric(self, key: str, value: Any, step: Any) -> None:
        """The same, for first points, unusual numbers, bad arguments and full disks."""
        try:
            keys.check_key(key, "metric's key")
            dtype, exact = keys.number(value)
            when = None if step is None else keys.check_step(step)
        except UsageError as error:
            self._refuse("metrics", f"metric {key!r:.80}: {error}")
            return
        tracker = self._tracker_of()
        try:
            journal = tracker.journal()
            first = self._first_step(key)
            with tracker.lock:  # two threads with the first point of one key make one series
                number, next_step = self._series_of(key, journal, first)
                if dtype == "i8" and key not in self._wide:
                    self._wide[key] = journal.series(self.id, key, "i8")
            if when is None:
                when = next_step()
            if dtype == "f8":
                journal.point(number, when, float(exact))
            else:
                journal.point_i8(self._wide[key], when, int(exact))
        except (JournalError, OSError) as error:
            self._count("lost_points")
            tracker.disk_trouble(error)

    def _series_of(self, key: str, journal: JournalWriter, first: int) -> tuple[int, Callable[[], int]]:
        if self._journal is not journal:
            # Of a process that forked, or a tracker that was closed: its numbers mean other metrics here.
            self._series, self._wide, self._journal = {}, {}, journal
        series = self._series.get(key)
        if series is None:
            counter = self._counters.get(key)
            if counter is None:
                counter = self._counters[key] = itertools.count(first).__next__
            series = self._series[key] = journal.series(self.id, key, "f8"), counter
        return series

    def _first_step(self, key: str) -> int:
        """Where automatic steps begin: behind what a run that was read from a store has already. It may ask the store,
        so no lock is held."""
        if key in self._counters or self._open or self._record is None:
            return 0
        if self._begin_at is None:
            self._begin_at = {summary.key: summary.last_step + 1 for summary in self.metric_summaries()}
        return self._begin_at.get(key, 0)


class _NoJournal:
    """Stands where a run has no journal of this process yet: no series is known then, so no point gets here."""

    def point(self, series: int, step: int, value: float) -> None:
        raise JournalError("no series yet")


_NO_JOURNAL: Any = _NoJournal()
