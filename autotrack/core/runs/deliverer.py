"""Has the store take in the journals: on a thread of its own, for a store may take as long as a network likes."""

from __future__ import annotations

import logging
import os
import threading
import time
from typing import TYPE_CHECKING

from ..background import Background
from ..errors import AutotrackError
from ..guard import guard, warn
from ..locks import Lock
from ..session.masking import mask

if TYPE_CHECKING:
    from .tracker import Tracker

#: Seconds between two passes: to a store that must be told, and to one whose readers help themselves.
EAGERLY = 1.0
SELDOM = 5.0
#: Seconds that one pass may take; what is left then is for the next one.
PASS = 30.0
#: Seconds between two passes at most, to a store that is away.
RARELY = 15.0
#: Seconds that the end of the program waits for a store that was away the last time.
LAST_TRY = 0.5
#: Seconds until it is looked again whether another process still delivers.
MEANWHILE = 0.05

log = logging.getLogger("autotrack.deliverer")


class Deliverer:
    """One daemon thread a tracker, started with the first delivery that is due.

    Whatever the store does, nothing else waits for it: not the journal, not postponed work, and the end of the program
    no longer than it may.
    """

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker
        self._wake = threading.Event()
        self._lock = Lock()
        #: When the last pass must be over (``time.monotonic()``), once the program ends.
        self._last: float | None = None
        self._away = False
        #: Passes since a store that is away took something the last time.
        self._failures = 0
        self._told_kept = False
        self._busy = False
        self._thread: Background | None = None
        #: True where the last pass that ended left nothing.
        self._taken = False

    @property
    def has_begun(self) -> bool:
        """True once something was, or is being, delivered."""
        return self._thread is not None

    def begin(self) -> None:
        """Delivers from here on, every few seconds. A second call does nothing. RuntimeError where no thread starts."""
        with self._lock:
            if self._thread is None:
                thread = Background(self._work)
                thread.start()
                self._thread = thread

    def finish(self, deadline: float) -> bool:
        """Ends the thread with one more pass; True where the store has taken everything in by the deadline
        (``time.monotonic()``), which is waited for at most."""
        if self._away:  # it is tried once more, and not waited for
            deadline = min(deadline, time.monotonic() + LAST_TRY)
        self._last = deadline
        self._wake.set()
        try:
            self.begin()
        except RuntimeError:  # the interpreter ends, and starts no thread any more
            self._pass(deadline)
            return self._taken
        thread = self._thread
        if thread is None or thread.is_current():
            return False
        thread.join(deadline)
        return not thread.is_alive() and self._taken

    @property
    def is_busy(self) -> bool:
        """True while the store is being delivered to: it cannot be closed."""
        return self._thread is not None and self._thread.is_alive()

    def _work(self) -> None:
        while self._last is None:
            left = self._pass(time.monotonic() + PASS)
            self._tracker.meter.delivering = time.thread_time()
            if not left or self._failures:
                self._wake.wait(self._pause())
        # One that was held up until the program had to end delivers no more: its tracker is closed.
        self._taken = False
        while time.monotonic() < self._last:
            self._busy = False
            self._pass(self._last)
            if not self._busy:
                return
            time.sleep(MEANWHILE)  # another process delivers, and perhaps what this one has written, too

    def _pause(self) -> float:
        """Seconds until the next pass: longer and longer while the store is away, and never the same for all who
        wait for it. Programs' random numbers are their own, so these are the system's."""
        usual = EAGERLY if self._tracker.delivers_eagerly() else SELDOM
        if not self._failures:
            return usual
        longest = max(usual, min(RARELY, usual * 2.0 ** min(self._failures, 10)))
        return longest * (0.5 + os.urandom(1)[0] / 510)

    def _pass(self, deadline: float) -> bool:
        """One pass over the journals; True where it ended before all of them were read. A store that is away is
        mentioned once."""
        self._taken = False
        return bool(guard.call("delivery", self._deliver, deadline))

    def _deliver(self, deadline: float) -> bool:
        location = self._tracker.location
        try:
            delivery = self._tracker.sink().deliver(location.journal, deadline=deadline)
        except (AutotrackError, OSError) as error:
            log.debug("could not deliver", exc_info=error)
            self._failures += 1
            if not self._away:
                self._away = True
                why = mask(str(error).replace(location.uri, location.shown))
                warn(
                    f"{location.shown} did not take the runs ({why}); they are kept in {location.journal} and tried "
                    "again",
                    silent=self._tracker.settings.silent,
                )
            return False
        self._away, self._failures, self._busy = False, 0, delivery.busy
        if delivery.kept and not self._told_kept:
            self._told_kept = True
            warn(mask(delivery.kept[0]), silent=self._tracker.settings.silent)
        self._taken = not delivery.left and not delivery.busy
        return bool(delivery.left) and not delivery.busy and time.monotonic() >= deadline
