"""The cells that ran in this kernel: what they were, when they ran, what they showed."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .outputs import KINDS, Outputs, Room

#: Executions that are kept at most; past it the oldest one is forgotten.
MOST_CELLS = 10_000
#: Front ends show what is marked so, and it is no output of the cell's own: the line about the runs that it made.
OURS = "autotrack"


@dataclass(slots=True, eq=False)
class Ran:
    """One execution of a cell. ``began`` is in nanoseconds since the epoch."""

    source: str
    cell_id: str | None
    number: int | None
    outputs: Outputs
    began: int = 0
    seconds: float | None = None
    #: ``"running"``, ``"ok"``, ``"error"``, or ``"unseen"`` where it ran before the kernel was watched.
    state: str = "running"
    message: str = ""
    #: Outputs as they were, and with their secrets masked, which costs more than all else.
    masked: tuple[list[dict[str, Any]], list[dict[str, Any]]] | None = None

    @property
    def key(self) -> str:
        """What another execution of the same cell has in common with this one."""
        return self.cell_id or self.source

    def ended(self, failed: bool) -> None:
        """The cell is over."""
        self.seconds = (time.time_ns() - self.began) / 1e9
        self.state = "error" if failed else "ok"


class History:
    """What ran, in the order in which it ran; of a cell whose front end tells its id only the last execution."""

    def __init__(self, limit: int) -> None:
        self._room = Room(limit)
        self._lock = threading.Lock()
        self._cells: list[Ran] = []
        self._typed: list[str] = []
        self._messages: dict[str, Ran] = {}
        #: Where what can be updated was shown, by its id.
        self._displays: dict[str, list[Ran]] = {}
        #: The number that the kernel told its front ends for the request before it began to run the code.
        self._announced: tuple[str, int | None] = ("", None)
        #: Rises with everything that changes what the notebook looks like.
        self.version = 0

    @property
    def left(self) -> int:
        """How many characters of output may still be kept."""
        return self._room.left

    def ran_before(self, sources: Iterable[str]) -> None:
        """Takes in cells that ran while the kernel was not watched: all from the first on are given."""
        with self._lock:
            known = max((ran.number or 0 for ran in self._cells), default=0)
            for number, source in list(enumerate(sources, 1))[known:]:
                self._cells.append(Ran(source, None, number, Outputs(self._room), state="unseen"))
                self._typed.append(source)

    def begin(self, source: str, cell_id: str | None, message: str, number: int | None = None) -> Ran:
        """A cell begins to run. ``message`` is the id of the request that it is run for."""
        if number is None and self._announced[0] == message:
            number = self._announced[1]
        ran = Ran(source, cell_id, number, Outputs(self._room), began=time.time_ns(), message=message)
        with self._lock:
            again = [each for each in self._cells if cell_id is not None and each.cell_id == cell_id]
            for former in (*again, *self._cells[: max(0, len(self._cells) - MOST_CELLS)]):
                self._forget(former)
            self._cells.append(ran)
            self._typed = [*self._typed[1 - MOST_CELLS :], source]
            self._messages[message] = ran
            self.version += 1
        return ran

    def end(self, ran: Ran, failed: bool, number: int | None) -> None:
        """A cell is over; ``number`` is its number, where it is known."""
        with self._lock:
            ran.number = ran.number if number is None else number
            ran.ended(failed)
            self.version += 1

    def heard(self, message: Mapping[str, Any]) -> None:
        """Takes a message that the kernel has sent: what of it a front end shows in a cell."""
        kind, content = message.get("msg_type"), message.get("content")
        parent = message.get("parent_header")
        asked = str(parent.get("msg_id", "")) if isinstance(parent, Mapping) else ""
        if kind == "execute_input" and isinstance(content, Mapping):
            self._announced = asked, content.get("execution_count")
        if kind not in KINDS or not isinstance(content, Mapping):
            return
        metadata = content.get("metadata")
        if isinstance(metadata, Mapping) and OURS in metadata:
            return
        with self._lock:
            transient = content.get("transient")
            display_id = transient.get("display_id") if isinstance(transient, Mapping) else None
            if kind == "update_display_data":
                for ran in self._displays.get(str(display_id), ()):
                    ran.outputs.update(str(display_id), content)
            else:
                ran_for = self._messages.get(asked)
                if ran_for is None:
                    return
                ran_for.outputs.take(str(kind), content)
                if display_id is not None:
                    places = self._displays.setdefault(str(display_id), [])
                    if ran_for not in places:
                        places.append(ran_for)
            self.version += 1

    def cells(self) -> list[tuple[Ran, list[dict[str, Any]]]]:
        """All executions with their outputs as nbformat has them, as they are now."""
        with self._lock:
            return [(ran, ran.outputs.documents()) for ran in self._cells]

    def typed(self) -> list[str]:
        """The sources of all executions in their order, those of a cell that was run again or changed included."""
        with self._lock:
            return list(self._typed)

    def _forget(self, ran: Ran) -> None:
        if ran in self._cells:
            ran.outputs.clear()
            self._cells.remove(ran)
            for display_id, places in list(self._displays.items()):
                if ran in places:
                    places.remove(ran)
                if not places:
                    del self._displays[display_id]
            self._messages.pop(ran.message, None)
