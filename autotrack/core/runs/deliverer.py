"""Has the store take in the journals: on a thread of its own, for a store may take as long as a network likes."""

from __future__ import annotations

import logging
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
            if not left:
                self._wake.wait(EAGERLY if self._tracker.delivers_eagerly() else SELDOM)
        # One that was held up until the program had to end delivers no more: its tracker is closed.
        self._taken = False
        if time.monotonic() < self._last:
            self._pass(self._last)

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
            if not self._away:
                self._away = True
                why = mask(str(error).replace(location.uri, location.shown))
                warn(
                    f"{location.shown} did not take the runs ({why}); they are kept in {location.journal} and tried "
                    "again",
                    silent=self._tracker.settings.silent,
                )
            return False
        self._away = False
        self._taken = not delivery.left and not delivery.busy
        return bool(delivery.left) and not delivery.busy and time.monotonic() >= deadline
