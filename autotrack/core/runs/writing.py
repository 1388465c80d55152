"""How a run writes: records into the journal, refusals and losses into its health. Nothing raises into training."""

from __future__ import annotations

import time
from typing import Any

from .. import keys
from ..errors import UsageError
from ..guard import Failure, Handing, guard, warn
from ..session.masking import mask
from .view import RunView

#: How many different refusals a run's health quotes; all are counted.
MAX_REFUSALS = 20
#: How many notes, and how many failures, a run's health has; those left out are counted. It is read with every listing.
MAX_NOTES = 100


class RunWriting(RunView):
    """What the writing halves of ``Run`` share."""

    def __init__(self, run_id: str, **places: Any) -> None:
        super().__init__(run_id, **places)
        self._warned: set[str] = set()
        #: What was refused or lost so far, by kind, and as much of it as the journal has.
        self._counts: dict[str, int] = {}
        self._said: dict[str, int] = {}
        self._refusals: list[str] = []
        self._told: set[str] = set()
        self._noted: set[str] = set()
        self._failures = 0

    def note(self, message: str) -> None:
        """Writes down something about the recording itself (what was left out, and why). The same note is written once;
        that one, and those past the first hundred, are counted."""
        with self.refusing("notes", "note"):
            told = mask(keys.printable(str(message)))
            if told in self._noted or len(self._noted) >= MAX_NOTES:
                self._count("notes_left_out")
                return
            self._noted.add(told)
            self._write({"k": "health", "health": {"notes": [told]}})

    def note_failure(self, failure: Failure) -> None:
        """Writes down a failure of autotrack's own, up to a hundred of them; further ones are counted."""
        self._failures += 1
        if self._failures > MAX_NOTES:
            self._count("errors_left_out")
            return
        self._write({"k": "health", "health": {"errors": [mask(f"{failure.site}: {failure.error}")]}})

    def write_health(self) -> None:
        """Writes down what was refused or lost since the last time, so that a sudden end does not hide it."""
        if self._counts == self._said and not self._refusals:
            return
        with self._tracker_of().lock:  # the courier comes here, and threads that train
            health: dict[str, Any] = {key: count for key, count in self._counts.items() if count != self._said.get(key)}
            self._said.update(health)
            refusals, self._refusals = self._refusals, []
        if refusals:
            health["refusals"] = refusals
        if health:
            self._write({"k": "health", "health": health})

    def _write(self, record: dict[str, Any]) -> None:
        """Hands one event to the tracker. UsageError where the record holds something that no store can keep."""
        record.setdefault("t", time.time_ns())
        record["r"] = self.id
        self._record = None
        self._tracker_of().event(record)

    def _notify(self, observer: str, **details: Any) -> None:
        self._tracker_of().observers.tell(observer, self, details)

    def refusing(self, kind: str, what: str) -> Handing:
        """A bad argument or a full disk costs a warning and is counted; only ``strict`` raises."""
        return guard.handing(lambda error: self._refuse(kind, f"{what}: {error}", error))

    def _count(self, what: str) -> None:
        tracker = self._tracker_of()
        with tracker.lock:
            self._counts[what] = self._counts.get(what, 0) + 1
        tracker.has_news(self)

    def _refuse(self, kind: str, message: str, error: BaseException | None = None) -> None:
        """A value that cannot be kept: raised under ``strict``, else counted, noted, and said once a kind and run."""
        settings = self._tracker_of().settings
        if settings.strict:
            raise UsageError(message) from error
        if kind not in self._warned:
            self._warned.add(kind)
            warn(f"not kept: {message}", silent=settings.silent)
        told = mask(keys.printable(message[:500]))
        with self._tracker_of().lock:
            if told not in self._told and len(self._told) < MAX_REFUSALS:
                self._told.add(told)
                self._refusals.append(told)
        self._count(f"refused_{kind}")
