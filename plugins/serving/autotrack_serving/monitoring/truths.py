"""Answers that wait for what turned out to be true, by the request that they were given to; and how good they were."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

#: Rows whose answers are remembered; the oldest go first.
MOST_ROWS = 200_000


class Truths(Protocol):
    """Joins answers with truths. ``count`` is of the rows whose truth is known; ``settles`` are the seconds after which
    an answer that was just given is surely known here."""

    settles: float

    @property
    def count(self) -> int: ...

    def remember(self, request: str, answers: Any) -> None:
        """Keeps the answers to a request, where they are one value a row."""

    def join(self, request: str, truths: list[Any]) -> int | None:
        """Takes what was true; the number of rows, None where the request is not known. ValueError where it has another
        number of rows, or values of another kind."""

    def measures(self) -> dict[str, float]:
        """``accuracy``, or ``mae`` and ``rmse``, over all truths so far."""


@dataclass(slots=True)
class Score:
    """How good answers were. Kinds of things (text, whole numbers, booleans) are right or wrong; other numbers are near
    or far."""

    count: int = 0
    right: int = 0
    absolute: float = 0.0
    squared: float = 0.0
    numbers: bool = False

    def add(self, request: str, answers: Any, truths: list[Any]) -> None:
        """Takes the answers to a request and what was true (ValueError where these are not as many)."""
        if len(truths) != len(answers):
            raise ValueError(f"request {request} had {len(answers)} rows, and {len(truths)} truths were sent")
        if answers.dtype.kind == "f":
            found = np.asarray(truths, float)
            self.numbers = True
            self.absolute += float(np.abs(found - answers).sum())
            self.squared += float(((found - answers) ** 2).sum())
        else:
            self.right += sum(one == other for one, other in zip(answers.tolist(), truths, strict=True))
        self.count += len(truths)

    def measures(self) -> dict[str, float]:
        """``accuracy``, or ``mae`` and ``rmse``."""
        if not self.count:
            return {}
        if self.numbers:
            return {"mae": self.absolute / self.count, "rmse": math.sqrt(self.squared / self.count)}
        return {"accuracy": self.right / self.count}
