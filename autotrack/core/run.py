"""A run: what one training was given and what came out, written as it happens and read back from the store.

``log_*`` returns when the record is in the journal, from where it survives ``kill -9``; it never raises into training
(unless ``strict`` is set) and never waits for a store.
"""

from __future__ import annotations

import itertools
import struct
import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from . import keys
from .active import active
from .entities import RunRecord, Status
from .errors import JournalError, RecordError, UsageError
from .exits import described, ending_of
from .guard import Failure, attempt, guard, warn
from .names import experiment_id, run_name
from .runfiles import RunFiles

if TYPE_CHECKING:
    from .journal.writer import JournalWriter
    from .sink import Sink
    from .tracker import Tracker

#: How many different refusals a run's health quotes; all are counted.
MAX_REFUSALS = 20
_UNFIT = (struct.error, JournalError, OSError, TypeError, OverflowError)


class Run(RunFiles):
    """One training. Made by ``start_run``, by a watched call, or read from a store."""

    def __init__(
        self,
        run_id: str,
        *,
        tracker: Callable[[], Tracker],
        sink: Callable[[], Sink],
        record: RunRecord | None = None,
    ) -> None:
        super().__init__(run_id, tracker=tracker, sink=sink, record=record)
        #: True for a run of ``start_run``: it is active until it ends, and watched calls join it.
        self.is_manual = False
        #: The thread that made it.
        self.thread = threading.get_ident()
        #: Done just before the run ends.
        self.at_end: Callable[[], None] | None = None
        self._series: dict[str, tuple[int, Callable[[], int]]] = {}
        self._wide: dict[str, int] = {}
        self._journal: JournalWriter = _NO_JOURNAL
        self._previous: Run | None = None
        self._warned: set[str] = set()
        self._started = self._clock = 0
        self._health: dict[str, Any] = {}

    # Metrics.

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
        self._log_metric(key, value, step)

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Keeps one point of each metric at the same step."""
        pairs, error = attempt(lambda: list(metrics.items()))
        if pairs is None:
            self._refuse("metrics", f"log_metrics takes a mapping of numbers: {error}", error)
        for key, value in pairs or ():
            self.log_metric(key, value, step)

    def _log_metric(self, key: str, value: Any, step: Any) -> None:
        """The same, for first points, unusual numbers, bad arguments and full disks."""
        checked, refusal = attempt(keys.point, key, value, step)  # the value's own code may raise anything
        if checked is None:
            self._refuse("metrics", f"metric {_shown(key)}: {refusal}", refusal)
            return
        dtype, exact, when = checked
        try:
            tracker = self._tracker_of()
            journal = tracker.journal()
            series = self._series.get(key)
            if series is None:
                number = journal.series(self.id, key, "f8")
                tracker.uses_series(self)
                series = self._series[key] = (number, itertools.count().__next__)
                self._journal = journal
            if when is None:
                when = series[1]()
            if dtype == "f8":
                journal.point(series[0], when, float(exact))
                return
            if key not in self._wide:
                self._wide[key] = journal.series(self.id, key, "i8")
            journal.point_i8(self._wide[key], when, int(exact))
        except (JournalError, OSError) as error:
            self._count("lost_points")
            self._tracker_of().disk_trouble(error)

    # Params, tags, notes.

    def log_param(self, key: str, value: Any) -> Any:
        """Keeps one parameter, as text in full; answers the value. A mapping is flattened to dotted keys."""
        self._log_texts("params", "params_logged", [(key, value)])
        return value

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Keeps parameters, as text in full. Nested mappings are flattened to dotted keys."""
        self._log_texts("params", "params_logged", params)

    def set_tag(self, key: str, value: Any) -> None:
        """Sets one tag; a later value replaces it."""
        self._log_texts("tags", "tags_set", [(key, value)])

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        """Sets tags; later values replace earlier ones."""
        self._log_texts("tags", "tags_set", tags)

    def delete_tag(self, key: str) -> None:
        """Takes a tag away."""
        with guard.handing(lambda error: self._refuse("tags", str(error), error)):
            self._write({"k": "untag", "keys": [keys.check_key(key, "tag's key")]})

    def rename(self, name: str) -> None:
        """Gives the run another name."""
        try:
            self._write({"k": "rename", "name": keys.check_name(name, "run's name")})
        except UsageError as error:
            self._refuse("names", str(error))

    def _log_texts(self, kind: str, observer: str, values: Mapping[str, Any] | list[tuple[str, Any]]) -> None:
        texts = self._texts(kind, values)
        if texts:
            self._write({"k": kind, kind: texts})
            self._notify(observer, **{kind: texts})

    def _texts(self, kind: str, values: Mapping[str, Any] | list[tuple[str, Any]]) -> dict[str, str]:
        """What is kept of params or tags: a value whose own text fails is refused, the others are kept."""
        pairs, error = attempt(lambda: list(keys.flatten(dict(values))))
        if pairs is None:
            self._refuse(kind, f"{kind} are a mapping of keys to values: {error}", error)
        texts = {}
        for key, value in pairs or ():
            text, error = attempt(keys.pair, key, value, kind[:-1])
            if text is None:
                self._refuse(kind, f"{_shown(key)}: {error}", error)
            else:
                texts[key] = text
        return texts

    def add_children(self, runs: list[dict[str, Any]]) -> None:
        """Writes down finished child runs in one record (a search's candidates)."""
        self._write({"k": "children", "runs": runs})

    def note(self, message: str) -> None:
        """Writes down something about the recording itself (what was left out, and why)."""
        self._write({"k": "health", "health": {"notes": [keys.printable(_shown(message, str))]}})

    def note_failure(self, failure: Failure) -> None:
        """Writes down a failure of autotrack's own."""
        self._write({"k": "health", "health": {"errors": [keys.printable(f"{failure.site}: {failure.error}")]}})

    # Beginning and end.

    def begin(
        self,
        *,
        name: str | None,
        experiment: str | None,
        tags: Mapping[str, Any] | None,
        parent: Run | str | None,
        started: int | None = None,
    ) -> Run:
        """Writes the start of the run (for ``start_run`` and probes)."""
        tracker = self._tracker_of()
        experiment = self._name("experiment", experiment, tracker.settings.experiment) or "default"
        self._artifact_uri = f"artifacts/{experiment_id(experiment)}/{self.id}"
        self._open = True
        now = time.time_ns()
        started = started or now
        self._started, self._clock = started, _boot_clock() - (now - started)
        from .plugins import run_tags

        texts = self._texts("tags", run_tags()) | self._texts("tags", {} if tags is None else tags)
        if getattr(parent, "id", None) == keys.NO_RUN:
            parent = None
        if parent is not None and not keys.is_run_id(parent := getattr(parent, "id", parent)):
            self._refuse("names", f"{_shown(parent)} is no run and no id of one, so it is not the parent")
            parent = None
        tracker.journal()
        tracker.event(
            {
                "k": "run_start",
                "t": started,
                "r": self.id,
                "name": self._name("run", name, tracker.settings.run_name) or run_name(self.id),
                "experiment": experiment,
                "parent": parent,
                "session": tracker.session,
                "user": _user(),
                "artifact_uri": self._artifact_uri,
                "tags": texts,
            }
        )
        tracker.opened(self)
        self._notify("run_started")
        return self

    def finish(self, status: str | None = None) -> None:
        """Ends the run: FINISHED unless another status is given. A second call does nothing."""
        status = str(status or Status.FINISHED).upper()
        if status not in Status.__members__:
            self._refuse("names", f"{status!r} is no status; there are {', '.join(Status.__members__)}")
            status = str(Status.FINISHED)
        self.end(status, None, None)

    def end(self, status: str, error: BaseException | None, exit_code: int | None) -> None:
        """Ends the run with what ended it. Idempotent."""
        if not self._open:
            return
        if self.at_end is not None:
            last, self.at_end = self.at_end, None
            guard.call("the end of a run", last)
        if self._health:
            self._write({"k": "health", "health": dict(self._health)})
        self._open = False
        self._record = None
        text = keys.printable(described(error)) if error is not None else None
        ended = self._started + max(0, _boot_clock() - self._clock)  # a clock that is set meanwhile changes nothing
        self._write({"k": "run_end", "status": status, "ended": ended, "error": text, "exit_code": exit_code})
        self._tracker_of().ended(self)
        if active.get() is self:
            active.set(self._previous)
        self._notify("run_ended", status=status, error=error)

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        ending = ending_of(error)
        self.end(ending.status, ending.error, ending.exit_code)

    def forget_series(self) -> None:
        """After a fork: series numbers belong to the parent's journal."""
        self._series = {}
        self._wide = {}
        self._journal = _NO_JOURNAL

    # Writing.

    def _write(self, record: dict[str, Any]) -> None:
        record.setdefault("t", time.time_ns())
        record["r"] = self.id
        self._record = None
        try:
            self._tracker_of().event(record)
        except RecordError as error:
            self._refuse("records", str(error), error)

    def _name(self, what: str, *wanted: str | None) -> str | None:
        """The first name given, if it can be kept: a bad one costs a warning, never the run."""
        name = next((name for name in wanted if name is not None), None)
        with guard.handing(lambda error: self._refuse("names", str(error), error)):
            return None if name is None else keys.check_name(name, f"{what}'s name")
        return None

    def _notify(self, observer: str, **details: Any) -> None:
        from .plugins import notify

        notify(observer, run=self, **details)

    def _count(self, what: str) -> None:
        self._health[what] = self._health.get(what, 0) + 1

    def _refuse(self, kind: str, message: str, error: BaseException | None = None) -> None:
        """A value that cannot be kept: raised under ``strict``, else counted, noted, and said once a kind and run."""
        settings = self._tracker_of().settings
        if settings.strict:
            raise UsageError(message) from error
        self._count(f"refused_{kind}")
        if kind not in self._warned:
            self._warned.add(kind)
            warn(f"not kept: {message}", silent=settings.silent)
        told, message = self._health.setdefault("refusals", []), keys.printable(message[:500])
        if len(told) < MAX_REFUSALS and message not in told:
            told.append(message)


def _boot_clock() -> int:
    """Nanoseconds of a clock that nobody sets and that also runs while the machine sleeps, where there is one."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic_ns()


class _NoJournal:
    """Stands where a run has no journal of this process yet: no series is known then, so no point gets here."""

    def point(self, series: int, step: int, value: float) -> None:
        raise JournalError("no series yet")


_NO_JOURNAL: Any = _NoJournal()


def _user() -> str | None:
    from .session import user_name

    return user_name()


def _shown(thing: object, text: Callable[[object], str] | None = None) -> str:
    """A thing in a message (its ``repr``, shortened, where nothing else is asked); objects may refuse to be shown."""
    found, _ = attempt(text, thing) if text is not None else attempt(lambda: repr(thing)[:80])
    return f"<{type(thing).__name__}>" if found is None else found
