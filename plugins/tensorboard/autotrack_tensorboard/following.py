"""Reads event files while they are written and gives what they say to runs.

The writer's calls are not watched: at 35 microseconds a scalar there is no room for it. One thread looks at the files
once a second; when a run or a writer ends, the thread that ends it looks at them at once.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotrack.plugin import Background, active_run, attempt

from .eventfile import EventFile, News
from .followed import Log, Place, related
from .keeping import keep, secret_places
from .naming import base_of, belongs, key_of, relative
from .timeline import Timeline
from .writers import file_of, flush

if TYPE_CHECKING:
    from autotrack.plugin import ProbeRun, Run

#: Seconds between two looks.
PAUSE = 1.0
#: A writer whose scalars find no run gets one of its own after so many seconds: a training's run starts before.
ALONE_AFTER = 5.0
#: Runs whose places are known; past it the earliest is forgotten.
MOST_PLACES = 4096
#: How long the end of a run waits while another thread looks at the files.
PATIENCE = 2.0
#: Plugins whose library logs the same metrics through a writer of event files.
_SAME_METRICS = frozenset(("lightning",))
#: Scalars that Lightning's writer adds by itself.
_LIGHTNINGS = frozenset(("epoch", "hp_metric"))


class Following:
    """The event files of this process and the runs that they belong to."""

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self._hooked = False
        self._forget()

    def _forget(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.RLock()
        #: Files that are looked at, and those whose writers are gone and whose run is not.
        self._logs: list[Log] = []
        self._finished: list[Log] = []
        #: By the run's id: a run that is gone on with later is another object of the same run.
        self._places: dict[str, Place] = {}
        self._own: set[Run] = set()
        self._making: int | None = None
        self._thread: Background | None = None
        self._wake = threading.Event()

    def _is_ours(self) -> bool:
        """False in a forked child, once: the parent goes on with its files, and a thread of it may hold the lock."""
        if self._pid == os.getpid():
            return True
        self._forget()
        return False

    # What is heard.

    def opened(self, writer: Any, probe: ProbeRun) -> None:
        """A writer has been made in this thread."""
        self._is_ours()
        path = file_of(writer)
        if path is not None:
            self.follow(path, weakref.ref(writer), probe)

    def follow(self, path: Path, writer: weakref.ref[Any] | None = None, probe: ProbeRun | None = None) -> None:
        """Reads a file from now on, until its writer is gone."""
        log = Log(EventFile(path), path.parent, time.time_ns(), writer, probe, active_run())
        with self._lock:
            self._logs.append(log)
            if not self._hooked:
                self._hooked = True
                atexit.register(self.at_exit)
            if self._thread is None:
                self._wake.clear()
                self._thread = Background(self._work)
                self._thread.start()

    def closing(self, writer: Any) -> None:
        """A writer has been closed: what it wrote is in its file."""
        if self._is_ours() and self._logs:
            with self._lock:
                for log in [log for log in self._logs if log.writer is not None and log.writer() is writer]:
                    log.closed = True
                self._look()

    @property
    def idle(self) -> bool:
        """True where no file is followed."""
        return not self._logs

    def makes_run(self) -> bool:
        """True where the run that begins in this thread is a writer's own."""
        return self._making == threading.get_ident()

    def run_ended(self, run: Run) -> None:
        """What the run's writers hold is read, and their files are kept."""
        if not self._is_ours():
            return
        if not (self._logs or self._finished) or not self._lock.acquire(timeout=PATIENCE):
            return
        try:
            for log in self._logs:
                if log.own is None or log.own is run:
                    self._empty(log)
            self._look()
            for log in (*self._logs, *self._finished):
                if log.home is run:
                    self._keep(log)
            self._finished = [log for log in self._finished if log.home is not run]
        finally:
            self._lock.release()

    def at_exit(self) -> None:
        """The program ends: what is in memory is read, writers that found no run get theirs, and the thread ends."""
        if self._is_ours() and self._lock.acquire(timeout=PATIENCE):
            try:
                for log in self._logs:
                    self._empty(log)
                    log.closed = True
                self._look()
            finally:
                thread, self._thread = self._thread, None
                self._lock.release()
            self._wake.set()
            if thread is not None:
                thread.join(time.monotonic() + PATIENCE)

    # Looking.

    def _work(self) -> None:
        while self._logs:
            self._wake.wait(PAUSE)
            with self._lock:
                if self._thread is None or not self._thread.is_current():
                    return
                _, error = attempt(self._look)
                if error is not None:
                    run = self.timeline.newest()
                    if run is not None:
                        run.note(f"event files are not read any further: {type(error).__name__}: {error}")
                    self._logs.clear()
                if not self._logs:
                    self._thread = None

    def _look(self) -> None:
        for log in list(self._logs):
            while log.file.has_grown():
                news = log.file.read()
                self._take(log, news)
                if not news.more:
                    break
            if log.waiting:
                self._place_waiting(log)
        for log in [log for log in self._logs if self._is_over(log)]:
            self._logs.remove(log)
            log.probe = None
            if log.home is not None and log.own is None and log.home.is_open:
                self._finished.append(log)
            elif log.home is not None:
                self._keep(log)
        self._end_own()

    def _is_over(self, log: Log) -> bool:
        gone = log.closed or (log.writer is not None and log.writer() is None)
        return gone and not log.waiting

    def _empty(self, log: Log) -> None:
        writer = None if log.closed or log.writer is None else log.writer()
        if writer is not None:
            attempt(flush, writer)

    # Giving to runs.

    def _take(self, log: Log, news: News) -> None:
        log.secrets += secret_places(news)
        if log.waiting or not self._give(log, news):
            log.since = log.since or time.monotonic()
            log.waiting.append(news)

    def _give(self, log: Log, news: News) -> bool:
        """Hands everything over; False, and nothing is handed over, where no run is known for some of it."""
        born = self._run_at(log, log.born)
        parts: list[tuple[Run, str, Any, Any]] = []
        for tag, points in news.points.items():
            for run, chosen in self._split(log, points.times):
                if run is None:
                    return False
                parts.append((run, tag, points, chosen))
        if born is None:
            if news.said or news.others:
                return False
        else:
            self._settle(log, born)
            self._give_words(log, born, news)
        for run, tag, points, chosen in parts:
            self._settle(log, run)
            key = self._key(log, run, tag)
            if key is not None:
                run.log_points(
                    key, points.steps[chosen].tolist(), points.times[chosen].tolist(), points.values[chosen].tolist()
                )
        return True

    def _run_at(self, log: Log, moment: int) -> Run | None:
        if log.own is not None:
            return log.own
        if log.active is not None and moment < self.timeline.end_of(log.active):
            return log.active
        return self.timeline.at(moment, log.born) or log.active

    def _split(self, log: Log, times: Any) -> Iterator[tuple[Run | None, Any]]:
        if log.own is not None:
            yield log.own, slice(None)
        elif log.active is not None and int(times.max()) < self.timeline.end_of(log.active):
            yield log.active, slice(None)
        else:
            for run, chosen in self.timeline.split(times, log.born):
                yield run or log.active, chosen

    def _settle(self, log: Log, run: Run) -> None:
        """The log's first run is where its file is kept; a run's first log is where its names begin."""
        if run.id not in self._places:
            run.set_tags({"tensorboard.folder": str(log.folder)})
        place = self._place(log, run)
        if log.folder not in place.folders:
            place.folders.add(log.folder)
            if run.tags.get("autotrack.plugin") in _SAME_METRICS:
                place.told = weakref.ref(run)
        if log.home is None:
            log.home = run

    def _place(self, log: Log, run: Run) -> Place:
        if run.id not in self._places and len(self._places) >= MOST_PLACES:
            self._places.pop(next(iter(self._places)))
        return self._places.setdefault(run.id, Place(base_of(log.folder)))

    def _key(self, log: Log, run: Run, tag: str) -> str | None:
        """The metric's key; None where the run has the very metric from the library itself."""
        known = log.keys.get((run.id, tag), "")
        if known != "":
            return known
        place = self._place(log, run)
        key: str | None = key_of(tag, log.folder, place.base)
        if key not in place.keys and run.has_metric(key):
            key = None if _logs_the_same(run) else f"tensorboard/{key}"
        if key is not None:
            place.keys.add(key)
        log.keys[run.id, tag] = key
        return key

    def _give_words(self, log: Log, run: Run, news: News) -> None:
        known = run.params if run.is_open and _logs_the_same(run) else {}
        for said in news.said:
            new = {name: value for name, value in (said.hparams or {}).items() if name not in known}
            if new:
                run.log_params(new)
        if news.damaged:
            run.note(f"{news.damaged} records of {log.file.path.name} are damaged and were left out")
        if news.broken:
            run.note(f"{log.file.path.name} cannot be read past byte {log.file.offset:,}: no record begins there")

    def _place_waiting(self, log: Log) -> None:
        tells = any(news.tells for news in log.waiting)
        if self._run_at(log, log.born) is None and not self._join_own(log):
            gone = log.closed or (log.writer is not None and log.writer() is None)
            if not tells or self._is_told(log):
                if gone:
                    log.waiting.clear()
                return
            busy = any(other is not log and not other.closed and related(other, log) for other in self._logs)
            if time.monotonic() - log.since < ALONE_AFTER and (not gone or busy):
                return
            if not self._make_own(log):
                log.waiting.clear()
                return
        waiting, log.waiting = log.waiting, []
        for news in waiting:
            self._give(log, news)

    def _is_told(self, log: Log) -> bool:
        """True where an earlier run knows all this: Lightning writes a file more for each test, and tells the run."""
        tags = {tag for news in log.waiting for tag in news.points} - _LIGHTNINGS
        for place in self._places.values():
            run = place.told() if log.folder in place.folders else None
            if run is not None and all(run.has_metric(tag) or run.has_metric(f"test_{tag}") for tag in tags):
                return True
        return False

    # Runs of writers that no training's run was open for.

    def _join_own(self, log: Log) -> bool:
        for run in self._own:
            place = self._places.get(run.id)
            if run.is_open and place is not None and belongs(log.folder, place.base):
                log.own = run
                return True
        return False

    def _make_own(self, log: Log) -> bool:
        """A run for the log; False where there can be none: one line has made too many, or nothing is recorded."""
        probe = log.probe
        if probe is None or not probe.can_log:
            return False
        probe.name = log.folder.name or "tensorboard"
        if probe.folded:
            self._fold(log, probe)
            return False
        self._making = threading.get_ident()
        try:
            run = log.own = probe.run
        finally:
            self._making = None
        self._own.add(run)
        return True

    def _fold(self, log: Log, probe: ProbeRun) -> None:
        last: dict[str, float] = {}
        for news in log.waiting:
            for said in news.said:
                probe.log_params(said.hparams or {})
            last.update({tag: float(points.values[-1]) for tag, points in news.points.items()})
        probe.log_metrics(last)

    def _end_own(self) -> None:
        for run in list(self._own):
            if not any(log.own is run for log in self._logs):
                self._own.discard(run)
                error = getattr(sys, "last_value", None)
                status = "FINISHED" if error is None or hasattr(sys, "ps1") else "FAILED"
                run.end(status, error if status == "FAILED" else None, None)

    def _keep(self, log: Log) -> None:
        run = log.home
        assert run is not None
        place = self._place(log, run)
        path = log.file.path
        spent = sum(size for other, size in place.kept.items() if other != path)
        inside = relative(log.folder, place.base)
        if place.kept.get(path) != _size(path):
            place.kept[path] = keep(run, path, f"{inside}/{path.name}" if inside else path.name, log.secrets, spent)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _logs_the_same(run: Run) -> bool:
    return run.is_open and run.tags.get("autotrack.plugin") in _SAME_METRICS
