"""Telling plugins' observers what happens to runs: off the training thread, in order, within the exit's time.

``run_started`` and ``run_ended`` are told by the thread that starts or ends the run. All else is queued for the
courier, and only where a plugin implements the hook; metric points are read back from this process's own journal, so
that logging one does not even know whether somebody listens.
"""

from __future__ import annotations

import struct
import weakref
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from ..guard import guard, warn
from ..locks import Lock
from ..plugins.registry import plugins

if TYPE_CHECKING:
    from ..journal.reader import Cursor
    from .tracker import Tracker
    from .view import RunView

#: How long the end of a run waits for observers that have not heard all of it yet; then ``run_ended`` is queued too.
PATIENCE = 1.0
#: Calls that may wait for slow observers; beyond this they are dropped and counted.
MAX_WAITING = 10_000


class Observers:
    """The observers of one tracker's runs."""

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker
        self._lock = Lock()
        self._runs: weakref.WeakValueDictionary[str, RunView] = weakref.WeakValueDictionary()
        self._cursor: Cursor | None = None
        #: Series of this process's journal: run, key, and whether values are integers.
        self._series: dict[int, tuple[str, str, bool]] = {}
        #: Calls that are queued or under way, and calls that were dropped.
        self._waiting = 0
        self.dropped = 0
        self._behind = False

    def tell(self, hook: str, run: RunView, details: Mapping[str, Any]) -> None:
        """Has the observers of a hook told of something that is in the journal."""
        with guard.section("observers"):
            if hook == "run_started":
                self._runs[run.id] = run
                plugins().notify(hook, run=run, **details)
            elif hook == "run_ended":
                self._tell_end(run, details)
            elif plugins().has(hook):
                self._queue(hook, run, details)

    def _queue(self, hook: str, run: RunView, details: Mapping[str, Any]) -> None:
        if self._waiting >= MAX_WAITING:
            self.dropped += 1
            if self.dropped == 1:
                warn(
                    f"plugins that observe runs are {MAX_WAITING} calls behind; they do not hear of everything now",
                    silent=self._tracker.settings.silent,
                )
            return
        with self._lock:
            self._waiting += 1
        self._tracker.later(f"observers of {hook}", partial(self._tell_now, hook, run, details))

    def _tell_now(self, hook: str, run: RunView, details: Mapping[str, Any]) -> None:
        try:
            plugins().notify(hook, run=run, **details)
        finally:
            with self._lock:
                self._waiting -= 1

    def _tell_end(self, run: RunView, details: Mapping[str, Any]) -> None:
        manager = plugins()
        if not manager.has("run_ended"):
            return
        self.tell_points()
        if self._waiting == 0:
            self._behind = False
        elif not self._behind:
            # Once too slow, they are not waited for again until they have caught up.
            self._behind = not self._tracker.drain(PATIENCE)
        if self._waiting:
            self._queue("run_ended", run, details)
        else:
            manager.notify("run_ended", run=run, **details)

    # Metric points.

    def tell_points(self) -> None:
        """Queues what was logged since the last time for ``metrics_logged``, a batch a run."""
        if not plugins().has("metrics_logged"):
            return
        with self._lock:
            for run, points in self._new_points():
                self._queue("metrics_logged", run, {"points": points})

    def _new_points(self) -> list[tuple[RunView, list[tuple[str, int, int, float]]]]:
        path = self._tracker.journal().path
        from ..journal.reader import Cursor, JournalReader
        from ..journal.slots import decode_points

        found: dict[str, list[tuple[str, int, int, float]]] = {}
        with JournalReader(path) as reader:
            more = True
            while more:
                batch = reader.read(self._cursor or Cursor(), final=False)
                self._cursor, more = batch.cursor, batch.more
                for event in batch.events:
                    if event.get("k") == "series":
                        self._series[event["id"]] = (event["r"], event["key"], event["dtype"] == "i8")
                for _, slots in batch.points:
                    for _, step, stamp, bits, number in decode_points(slots):
                        if number not in self._series:  # its record is damaged
                            continue
                        run_id, key, whole = self._series[number]
                        value = bits if whole else struct.unpack("<d", struct.pack("<q", bits))[0]
                        found.setdefault(run_id, []).append((key, step, stamp, value))
        return [(self._run(run_id), points) for run_id, points in found.items()]

    def _run(self, run_id: str) -> RunView:
        from .run import Run

        tracker = self._tracker
        return self._runs.get(run_id) or Run(run_id, tracker=lambda: tracker, sink=tracker.sink)
