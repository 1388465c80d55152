"""The function inside a decorated one, as a place where a wrapper can be put.

A decorator of the usual kind keeps what it decorates in a cell of its closure and names it as ``__wrapped__``. Put
there, a wrapper sees every call, and the decorated function stays the object that it is: whoever holds it already (a
scorer, a partial, a dict of metrics) is watched as well, and pickle still finds it under its name.
"""

from __future__ import annotations

from types import CellType, FunctionType
from typing import Any

CONTENTS = "cell_contents"


class Inside:
    """One such place. Looks like any owner of an attribute: ``vars``, ``getattr`` and ``setattr`` of CONTENTS work."""

    __slots__ = ("__weakref__", "_cell", "target")

    def __init__(self, cell: CellType, target: str) -> None:
        self._cell = cell
        #: Where the decorated function stands: ``"module:name"``.
        self.target = target

    @property
    def cell_contents(self) -> Any:
        return self._cell.cell_contents

    @cell_contents.setter
    def cell_contents(self, value: Any) -> None:
        self._cell.cell_contents = value

    @property
    def __dict__(self) -> dict[str, Any]:  # type: ignore[override]
        return {CONTENTS: self._cell.cell_contents}

    @property
    def __name__(self) -> str:
        return self.target


def inside(function: Any, target: str) -> Inside | None:
    """The place inside a decorated function; None where the function is not made that way."""
    if type(function) is not FunctionType:
        return None
    original = function.__dict__.get("__wrapped__")
    for cell in function.__closure__ or ():
        try:
            contents = cell.cell_contents
        except ValueError:  # empty
            continue
        while contents is not None and contents is not original and type(contents) is not FunctionType:
            contents = getattr(contents, "__wrapped__", None)  # a wrapper that somebody put there
        if contents is original and original is not None:
            return Inside(cell, target)
    return None
