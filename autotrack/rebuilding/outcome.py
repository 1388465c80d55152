"""What came of holding one run against another, as it is put together piece by piece."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from autotrack.answers.timing import is_timing
from autotrack.core.entities import RunRecord
from autotrack.core.gaps import Gap

from .verdict import Difference

#: On a run of a project, whose launcher logged its parameters.
LAUNCHED = "autotrack.project"
#: Names that are listed.
_FEW = 4


@dataclass(slots=True)
class Outcome:
    """``compared`` in words; ``differences``; ``left_out`` is what was not compared, and why."""

    compared: list[str] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    left_out: list[Gap] = field(default_factory=list)
    #: Whether something that came out was held against something; params and data go in.
    came_out: bool = False
    #: Whether something could not be compared that is a result.
    in_part: bool = False
    #: What the user says tells times.
    own: frozenset[str] = frozenset()

    def is_timing(self, key: str) -> bool:
        """Whether what has this name is not compared, for it says how long something took."""
        return key in self.own or is_timing(key)

    def count(self, number: int, one: str, more: str, *, came_out: bool = True) -> None:
        """So many of them were held against each other."""
        if number:
            self.compared.append(f"{number:,} {one if number == 1 else more}")
            self.came_out |= came_out

    def differ(self, difference: Difference) -> None:
        self.differences.append(difference)

    def leave_out(self, part: str, what: str, close: str = "", *, lost: bool = False) -> None:
        """``lost``: what was not compared is a result of the program's."""
        self.left_out.append(Gap(part, what, close))
        self.in_part |= lost


def spared(run: RunRecord, part: str) -> bool:
    """Whether autotrack left a part out of a run, so as not to slow its program down."""
    return any(note.startswith(f"{part} left out: autotrack's own time would pass ") for note in notes_of(run))


def notes_of(run: RunRecord) -> list[str]:
    """What a run notes of its own recording."""
    notes = run.health.get("notes")
    return [str(note) for note in notes] if isinstance(notes, Sequence) and not isinstance(notes, str) else []


def other_as(what: str, text: str, a: Any, b: Any) -> Difference:
    """A difference of something without steps, of which there is no nearly."""
    return Difference(what, text, None, False, a, b)


def listed(names: Iterable[str]) -> str:
    """The first names, and how many more there are."""
    every = list(dict.fromkeys(names))
    more = len(every) - _FEW
    return ", ".join(every if more <= 1 else every[:_FEW]) + (f" and {more} more" if more > 1 else "")


def short(value: str | None) -> str:
    return "none" if value is None else value if len(value) <= 60 else value[:57] + "..."
