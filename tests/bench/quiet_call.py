"""What a watched method costs where nothing is to be recorded: inside another fit, and after ``disable()``."""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter
from typing import Any

from sklearn.base import BaseEstimator

import autotrack

from .harness import Place, Row, median

CALLS = 20_000


class Inner(BaseEstimator):  # type: ignore[misc]
    """Does nothing, so that only the way there is measured."""

    def fit(self, X: Any = None, y: Any = None) -> Inner:
        return self


class Outer(BaseEstimator):  # type: ignore[misc]
    """Calls the inner fit many times; ``a_call`` is the seconds of one."""

    def fit(self, X: Any = None, y: Any = None) -> Outer:
        self.a_call = _a_call()
        return self


def _a_call() -> float:
    inner = Inner()
    start = perf_counter()
    for _ in range(CALLS):
        inner.fit()
    return (perf_counter() - start) / CALLS


def rows(place: Place) -> Iterator[Row]:
    plain: list[float] = []
    nested: list[float] = []
    undone: list[float] = []
    own = Inner.__dict__["fit"]
    for _ in range(place.scaled(9, 2)):
        plain.append(_a_call())
        autotrack.enable(models=False)
        if Inner.__dict__["fit"] is own:
            raise RuntimeError("enable() does not watch the class: nothing would be measured")
        nested.append(Outer().fit().a_call)
        autotrack.disable()
        undone.append(_a_call())
    floor = median(plain)
    yield Row("nested call, added", median(nested) - floor, "s", 1e-6, floor, "a plain call")
    yield Row("call after disable(), added", median(undone) - floor, "s", 1e-6, floor, "a plain call")
