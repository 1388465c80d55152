"""Answers that wait for what turned out to be true, by the request that they were given to; and how good they were."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

#: Rows whose answers are remembered; the oldest go first.
MOST_ROWS = 200_000
#: How good answers were is told of about so many of the latest rows whose truth came: what a model has come to after a
#: year is not hidden by the year.
WINDOW = 20_000


class Truths(Protocol):
    """Joins answers with truths. ``count`` is of all rows whose truth came; ``settles`` are the seconds after which an
    answer that was just given is surely known here."""

    settles: float

    @property
    def count(self) -> int: ...

    def remember(self, request: str, answers: Any) -> None:
        """Keeps the answers to a request, where they are one value a row."""

    def join(self, request: str, truths: list[Any]) -> int | None:
        """Takes what was true; the number of rows, None where the request is not known. ValueError where it has another
        number of rows, or values of another kind."""

    def measures(self) -> dict[str, float]:
        """``accuracy``, or ``mae`` and ``rmse``, over about the latest ``WINDOW`` rows whose truth came."""

    def shared(self, server: str, counts: bytes) -> list[bytes]:
        """Takes what this process of a server has counted of its rows; answers what each of them has."""


@dataclass(slots=True)
class Score:
    """How good answers were. Kinds of things (text, whole numbers, booleans) are right or wrong; other numbers are near
    or far. Sums are over ``rows``, of which older ones count less; ``count`` is of all that there were."""

    rows: float = 0.0
    right: float = 0.0
    absolute: float = 0.0
    squared: float = 0.0
    numbers: bool = False
    count: int = 0

    def add(self, request: str, answers: Any, truths: list[Any]) -> None:
        """Takes the answers to a request and what was true (ValueError where these are not as many, or of another
        kind). Where one of the two is no finite number, there is no distance to be measured."""
        if len(truths) != len(answers):
            raise ValueError(f"request {request} had {len(answers)} rows, and {len(truths)} truths were sent")
        while self.rows > WINDOW:
            self._halve()
        if answers.dtype.kind == "f":
            try:
                found = np.asarray(truths, float)
            except OverflowError as error:
                raise ValueError(f"request {request}: {error}") from None
            with np.errstate(over="ignore", invalid="ignore"):
                distances = np.abs(found - answers)
                squares = distances**2
            known = np.isfinite(squares)
            self.numbers = True
            self.rows += int(known.sum())
            self.absolute += float(distances[known].sum())
            self.squared += float(squares[known].sum())
        else:
            self.rows += len(truths)
            self.right += sum(one == other for one, other in zip(answers.tolist(), truths, strict=True))
        self.count += len(truths)

    def measures(self) -> dict[str, float]:
        """``accuracy``, or ``mae`` and ``rmse``."""
        if not self.rows:
            return {}
        if self.numbers:
            return {"mae": self.absolute / self.rows, "rmse": math.sqrt(self.squared / self.rows)}
        return {"accuracy": self.right / self.rows}

    def _halve(self) -> None:
        self.rows /= 2
        self.right /= 2
        self.absolute /= 2
        self.squared /= 2
