"""Categorical columns, by the values that the codes stand for.

Neither the order of the categories nor those that no row has count, unless the type says that they are ordered: then
the list of them is part of the type.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .cells import Cells
from .numeric import NumericPart

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


class CategoryPart(NumericPart):
    """``fetch(rows)`` gives the 64-bit ``Values`` hashes of a slice of rows, 0 for nulls."""

    def __init__(self, label: bytes, rows: int, logical: str, fetch: Callable[[slice], Array]) -> None:
        import numpy as np

        def masked(rows: slice, columns: slice) -> tuple[Array, Array | None]:
            hashes = fetch(rows)[None, :]
            gone = hashes == 0
            return hashes, gone

        super().__init__([label], rows, np.dtype("<u8"), logical, masked)

    def results(self, rows: int, step: int) -> list[dict[str, Any]]:
        """The hashes' order means nothing: no extremes, no quantiles."""
        (found,) = super().results(rows, step)
        return [found | {"min": None, "max": None, "quantiles": ()}]


class Values:
    """The categories of one dictionary: ``hashes[code + 1]``, 0 for the code -1, and the type's name."""

    def __init__(self, values: list[Any], *, ordered: bool = False) -> None:
        import numpy as np
        from blake3 import blake3

        self.cells = Cells()
        tags, spelled = self.cells.spelled(values)
        read = int.from_bytes
        digests = [
            read(blake3(bytes((tag,)) + text).digest(8), "little") | 1 if tag else 0
            for tag, text in zip(tags, spelled, strict=True)
        ]
        self.hashes = np.array([0, *digests], "<u8")
        names = {1: "string", 3: "bool", 4: "int", 5: "float"}
        kinds = {names.get(tag, "object") for tag in tags if tag}
        name = kinds.pop() if len(kinds) == 1 else "object" if kinds else "string"
        order = f", ordered {blake3(self.hashes.view('u1')).hexdigest()[:16]}" if ordered else ""
        self.logical = f"category[{name}{order}]"
