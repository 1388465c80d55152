"""What a request asks about, as arrays: rows that can be put together with those of other requests and taken apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class Rows:
    """``count`` rows in the form that the model takes.

    ``kind`` says what ``data`` is: ``matrix`` is one array of all columns (or the model's only array), ``columns`` and
    ``arrays`` are dicts of equally long arrays by name, of which the first becomes a table. ``whole`` is what goes to
    the model as it is, alone.
    """

    kind: str
    data: Any
    count: int

    @property
    def joins(self) -> bool:
        """True where the rows of several requests may be asked about in one call."""
        return self.kind != "whole"

    def at(self, index: int) -> Rows:
        """One of the rows."""
        cut = slice(index, index + 1)
        if isinstance(self.data, dict):
            return Rows(self.kind, {name: values[cut] for name, values in self.data.items()}, 1)
        return Rows(self.kind, self.data[cut], 1)

    @property
    def size(self) -> int:
        """Bytes, as far as they are known."""
        parts = self.data.values() if isinstance(self.data, dict) else [self.data]
        return sum(int(getattr(part, "nbytes", 0)) for part in parts)


def whole(data: Any) -> Rows:
    """Data that are not looked into."""
    length = getattr(data, "shape", None)
    count = int(length[0]) if length else len(data) if isinstance(data, (list, tuple)) else 1
    return Rows("whole", data, count)


def together(parts: Sequence[Rows]) -> Rows:
    """The rows of several requests of one kind, in their order."""
    if len(parts) == 1:
        return parts[0]
    first, count = parts[0], sum(part.count for part in parts)
    if first.kind == "matrix":
        return Rows("matrix", np.concatenate([part.data for part in parts]), count)
    return Rows(first.kind, {name: np.concatenate([part.data[name] for part in parts]) for name in first.data}, count)


def model_input(rows: Rows, names: Sequence[Any] | None) -> Any:
    """What the model is handed: ``names`` are the columns of the table that it takes, None where it takes arrays."""
    if rows.kind == "columns" or (rows.kind == "matrix" and names is not None):
        import pandas

        return pandas.DataFrame(rows.data, columns=names) if rows.kind == "matrix" else pandas.DataFrame(rows.data)
    return rows.data


def apart(answers: Any, counts: Sequence[int]) -> list[Any] | None:
    """The answers to each request; None where they are not one answer a row."""
    total = sum(counts)
    if isinstance(answers, dict):
        parts = {key: apart(value, counts) for key, value in answers.items()}
        if any(part is None for part in parts.values()):
            return None
        return [{key: part[at] for key, part in parts.items() if part is not None} for at in range(len(counts))]
    length = getattr(answers, "shape", (None,))
    if (length[0] if length else None) != total and not (isinstance(answers, list) and len(answers) == total):
        return None
    cut = getattr(answers, "iloc", answers)
    found, start = [], 0
    for count in counts:
        found.append(cut[start : start + count])
        start += count
    return found
