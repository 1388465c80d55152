"""Runs that stay open between calls on one object: ``partial_fit`` loops, warm starts."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .run import Run


class Kept:
    """What a later call on the same object goes on with: the run, and the names it uses there.

    ``owned`` is False where the run is the user's own, which such calls joined.
    """

    __slots__ = ("calls", "owned", "prefix", "run")

    def __init__(self) -> None:
        self.calls = 0
        self.run: Run | None = None
        self.prefix = ""
        self.owned = False

    def hold(self, run: Run, prefix: str, owned: bool) -> None:
        """Takes the run that the first call started or joined."""
        self.run, self.prefix, self.owned = run, prefix, owned


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
        if entry is None or entry[0]() is not obj:
            return None
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
