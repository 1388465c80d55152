"""A data set as named columns, each part of which knows how to take in blocks of rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from .cells import Cells

if TYPE_CHECKING:
    import numpy as np


class Part(Protocol):
    """One column or several that are worked on together."""

    count: int

    @property
    def gaps(self) -> list[str]:
        """Cells that are known by their type alone: how many of which."""

    def take(self, start: int, stop: int, shares: np.ndarray[Any, Any] | None) -> None:
        """Takes in a block of rows; adds each row's share to ``shares``."""

    def results(self, rows: int, step: int) -> list[dict[str, Any]]:
        """A ``ColumnPrint``'s fields of each column, over the first ``rows``, and "digests", those of its chunks."""


class Label(NamedTuple):
    """A column's name: as it is shown, and as it is hashed (so that 0 is not "0")."""

    shown: str
    token: bytes
    role: str = "column"


@dataclass(slots=True)
class Table:
    """``labels`` are those of the parts' columns, in order; ``gaps`` say what is known not to be covered.

    ``unread`` where only the outside of the data is known, so that no part is asked to take anything in.
    """

    kind: str
    rows: int
    shape: tuple[int, ...]
    bytes: int | None
    labels: list[Label] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    unread: bool = False

    def add(self, label: Label, part: Part) -> None:
        """One more column."""
        self.labels.append(label)
        self.parts.append(part)


@dataclass(slots=True)
class UnreadPart:
    """A column of which only the type is known."""

    logical: str
    count: int = 1
    gaps: list[str] = field(default_factory=list)

    def take(self, start: int, stop: int, shares: np.ndarray[Any, Any] | None) -> None:
        """Never asked for."""

    def results(self, rows: int, step: int) -> list[dict[str, Any]]:
        """No more than the type."""
        return [{"dtype": self.logical, "digests": []}]


#: The name of what has none: an array, a series that was not named.
UNNAMED = Label("", b"")


def label(name: Any, role: str = "column") -> Label:
    """The label of a column that is called so: a string, a number, None, a tuple of these, ..."""
    if name is None or (type(name) is str and not name):
        return UNNAMED if role == "column" else Label("", b"", role)
    if type(name) is str:
        return Label(name, b"s" + name.encode("utf-8", "surrogatepass"), role)
    if type(name) is int:
        return Label(str(name), b"i%d" % name, role)
    tags, (text,) = Cells().spelled([name])
    return Label(_shown(name), b"o" + tags + text, role)


def numbered(count: int) -> list[Label]:
    """The labels of an array's columns: 0, 1, 2, ... as pandas would call them."""
    return [Label(str(number), b"i%d" % number) for number in range(count)]


def _shown(name: Any) -> str:
    kind = type(name)
    if kind is tuple:
        return ", ".join(_shown(item) for item in name)
    if kind in (str, int, float, bool):
        return str(name)
    _, (text,) = Cells().spelled([name])
    return text.decode("utf-8", "replace").rpartition("\0")[2] or kind.__name__
