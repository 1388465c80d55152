"""Runs that stay open between calls on one object: ``partial_fit`` loops, warm starts."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from ..guard import guard

if TYPE_CHECKING:
    from .run import Run


class Kept:
    """What a later call on the same object goes on with: the run, and the names it uses there.

    ``owned`` is False where the run is the user's own, which such calls joined.
    """

    __slots__ = ("calls", "example", "owned", "prefix", "run", "save_seconds", "saved")

    def __init__(self) -> None:
        self.calls = 0
        self.run: Run | None = None
        self.prefix = ""
        self.owned = False
        #: How long saving the model took the last time, and after which call that was.
        self.save_seconds = 0.0
        self.saved = 0
        #: A few rows, copied, that go with the model when it is saved at the run's end.
        self.example: Any = None

    def hold(self, run: Run, prefix: str, owned: bool) -> None:
        """Takes the run that the first call started or joined."""
        self.run, self.prefix, self.owned = run, prefix, owned


#: Runs that wait for the next call on their object at most; past it the one that waits longest is ended.
MAX_KEPT = 256


class KeptRuns:
    """Runs that go on with the next call on the same object. Holds the objects weakly.

    When an object goes its run is put on a list that the courier ends: a weak reference's callback can come at any
    moment, also inside a write to the journal.
    """

    def __init__(self) -> None:
        self._kept: dict[int, tuple[weakref.ref[Any], Kept]] = {}
        #: What ends the runs that nothing goes on with; the one that is being ended stays the first until that is done.
        self.orphans: deque[Callable[[], None]] = deque()

    def find(self, obj: Any) -> Kept | None:
        """The open run of an earlier call on this very object."""
        entry = self._kept.get(id(obj))
        if entry is None or entry[0]() is not obj:
            return None
        self._kept[id(obj)] = self._kept.pop(id(obj), entry)  # the last one now
        run = entry[1].run
        return entry[1] if run is not None and run.is_open else None

    def promise(self, obj: Any) -> Kept | None:
        """A place for the run that starts now; None for objects that cannot be held weakly."""
        kept, number = Kept(), id(obj)

        def gone(_: object) -> None:
            entry = self._kept.get(number)
            if entry is not None and entry[1] is kept:
                del self._kept[number]
                if kept.run is not None and kept.owned:
                    self.orphans.append(partial(kept.run.end, "FINISHED", None, None))

        self._make_room()
        try:
            self._kept[number] = weakref.ref(obj, gone), kept
        except TypeError:
            return None
        return kept

    def _make_room(self) -> None:
        while len(self._kept) >= MAX_KEPT:
            oldest = next(iter(list(self._kept)), None)
            entry = self._kept.pop(oldest, None) if oldest is not None else None
            if entry is not None and entry[1].run is not None and entry[1].owned:
                entry[1].run.end("FINISHED", None, None)

    def end_orphans(self) -> None:
        """Ends the runs whose objects are gone. The courier's care alone."""
        while self.orphans:
            guard.call("the end of runs", self.orphans[0])
            self.orphans.popleft()
