"""What went into a matrix of XGBoost's, described while it is still in the user's own tables and arrays.

A ``DMatrix`` keeps a copy in a form of its own. So the data are fingerprinted when it is built, and what was found
waits here, beside the matrix and never on it, for a training that uses it.
"""

from __future__ import annotations

import weakref
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from autotrack.plugin import argument_name, attempt, saw_file

from .files import path_in

if TYPE_CHECKING:
    from autotrack.plugin import Call, ProbeRun

#: Rows that go into a model's example.
EXAMPLE_ROWS = 5
#: What of a matrix is described, by the argument's name: its place, and what stands behind the context.
_PARTS = {"weight": (2, " weight"), "label": (1, " target"), "data": (0, "")}
#: A matrix that only hands data to another one while that is built.
_PROXY = "_ProxyDMatrix"


@dataclass(slots=True)
class Contents:
    """What is known of a matrix: by argument the user's name for it and its description, and a few rows, copied."""

    described: dict[str, tuple[str | None, Any]] = field(default_factory=dict)
    example: Any = None


class Matrices:
    """What is known of the matrices that are alive, by identity: a class of the user's may compare as it likes."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[weakref.ref[Any], Contents]] = {}
        self._building: set[int] = set()

    def of(self, matrix: Any) -> Contents | None:
        """What is known of this very matrix."""
        entry = self._known.get(id(matrix))
        return entry[1] if entry is not None and entry[0]() is matrix else None

    def keep(self, matrix: Any, contents: Contents) -> None:
        """Remembers the contents as long as the matrix lives."""
        number = id(matrix)

        def gone(reference: object) -> None:
            entry = self._known.get(number)
            if entry is not None and entry[0] is reference:
                del self._known[number]

        reference, _ = attempt(weakref.ref, matrix, gone)
        if reference is not None:
            self._known[number] = reference, contents

    def begin(self, matrix: Any) -> None:
        """The matrix is being built: what sets its parts now is XGBoost."""
        self._building.add(id(matrix))

    def end(self, matrix: Any) -> None:
        """The matrix is built, or could not be."""
        self._building.discard(id(matrix))

    def is_building(self, matrix: Any) -> bool:
        return id(matrix) in self._building


matrices = Matrices()


def built(call: Call, run: ProbeRun) -> Generator[None, None, None]:
    """A matrix is built from the user's data, which are described first; not so those of an estimator's own."""
    matrix = call.obj
    if type(matrix).__name__ == _PROXY:
        yield
        return
    contents = Contents()
    if call.outer is None:
        for name, (position, _) in _PARTS.items():
            _describe(call, run, contents, name, position)
        contents.example = rows_of(_given(call, "data", 0))
    matrices.begin(matrix)
    try:
        yield
    finally:
        matrices.end(matrix)
    if call.error is None and call.outer is None:
        matrices.keep(matrix, contents)


def relabelled(call: Call, run: ProbeRun) -> Generator[None, None, None]:
    """The user sets the labels or weights of a matrix: what was known of those is no longer true."""
    matrix, name = call.obj, call.name.removeprefix("set_")
    known = None if matrices.is_building(matrix) else matrices.of(matrix)
    if known is not None:
        known.described.pop(name, None)
        _describe(call, run, known, name, 0)
    yield


def _describe(call: Call, run: ProbeRun, contents: Contents, name: str, position: int) -> None:
    data = _given(call, name, position)
    path = path_in(data) if name == "data" else None
    if path is not None:
        saw_file(path, "read")
    elif data is not None and describable(data):
        found = run.describe(data)
        if found is not None:
            contents.described[name] = argument_name(call, name, position), found


def _given(call: Call, name: str, position: int) -> Any:
    """An argument as it was passed: ``weight`` by name alone."""
    if name == "weight" and call.name != "set_weight":
        return call.kwargs.get(name)
    return call.args[position] if len(call.args) > position else call.kwargs.get(name)


def describable(data: Any) -> bool:
    """True for what can be fingerprinted: tables, arrays, lists; an iterator, say, is left alone."""
    return isinstance(data, (list, tuple)) or isinstance(getattr(data, "shape", None), tuple)


def rows_of(data: Any) -> Any:
    """A copy of the first rows of a table, array or sparse matrix of rows; None for anything else."""
    if hasattr(data, "iloc"):
        return attempt(lambda: data.iloc[:EXAMPLE_ROWS].copy())[0]
    rows = hasattr(data, "dtype") and len(getattr(data, "shape", ())) == 2 and getattr(data, "format", "csr") == "csr"
    return attempt(lambda: data[:EXAMPLE_ROWS].copy())[0] if rows else None


def log_matrix(run: ProbeRun, matrix: Any, name: str | None, context: str) -> None:
    """The data of a matrix as data sets of a run, under this name or else the one that the user's code has for them.

    Labels and weights are data sets of their own, so that a label that was changed shows as a change of the labels.
    """
    contents = matrices.of(matrix)
    if contents is None:
        return
    own = name or contents.described.get("data", (None, None))[0] or "dtrain"
    for part, (called, described) in contents.described.items():
        suffix = _PARTS[part][1]
        shown = own if part == "data" else f"{name}.{part}" if name else called or f"{own}.{part}"
        run.log_described(described, shown, f"{context}{suffix}")
