"""Runs that stay open between calls on one object: ``partial_fit`` loops, warm starts."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .run import Run


class Kept:
    """A run that stays open between calls on one object."""

    __slots__ = ("calls", "run")

    def __init__(self) -> None:
        self.calls = 0
        self.run: Run

    def hold(self, run: Run) -> None:
        self.run = run


class KeptRuns:
    """Runs that go on with the next call on the same object. Holds the objects weakly.

    When an object goes its run is put on a list that the courier ends: a weak reference's callback can come at any
    moment, also inside a write to the journal.
    """

    def __init__(self) -> None:
        self._kept: dict[int, tuple[weakref.ref[Any], Kept]] = {}
        self.orphans: list[Run] = []

    def find(self, obj: Any) -> Kept | None:
        """The open run of an earlier call on this very object."""
        entry = self._kept.get(id(obj))
        if entry is None or entry[0]() is not obj or not hasattr(entry[1], "run") or not entry[1].run.is_open:
            return None
        return entry[1]

    def promise(self, obj: Any) -> Kept | None:
        """A place for the run that starts now; None for objects that cannot be held weakly."""
        kept, number = Kept(), id(obj)

        def gone(_: object) -> None:
            entry = self._kept.get(number)
            if entry is not None and entry[1] is kept:
                del self._kept[number]
                if hasattr(kept, "run"):
                    self.orphans.append(kept.run)

        try:
            self._kept[number] = weakref.ref(obj, gone), kept
        except TypeError:
            return None
        return kept

    def end_orphans(self) -> None:
        """Ends the runs whose objects are gone."""
        while self.orphans:
            self.orphans.pop().end("FINISHED", None, None)
