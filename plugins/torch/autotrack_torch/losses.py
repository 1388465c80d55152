"""The losses of the backward passes since the last step, summed where they are: nothing is fetched from a device."""

from __future__ import annotations

import sys
from typing import Any


class Losses:
    """The sum of what ``backward`` was called on: the objective whose gradient the next step follows.

    With a closure (LBFGS) each pass starts anew, so that the first one is the loss of the step.
    """

    __slots__ = ("_first", "_total", "count")

    def __init__(self) -> None:
        self.count = 0
        self._first: float | None = None
        self._total = 0.0

    def add(self, tensors: Any) -> None:
        """Counts one backward pass. What is no plain tensor with one number is counted without its value."""
        value = self._value(tensors)
        self.count += 1
        if value is not None:
            if self._first is None:
                self._first = value
            self._total += value

    def _value(self, tensors: Any) -> float | None:
        if isinstance(tensors, (list, tuple)):
            values = [self._value(tensor) for tensor in tensors]
            return sum(value for value in values if value is not None) if any(v is not None for v in values) else None
        if type(tensors) is not sys.modules["torch"].Tensor or tensors.numel() != 1 or not tensors.is_cpu:
            return None
        return float(tensors.item())

    def take(self, closure: bool) -> float | None:
        """The loss of the step that has just been made; starts anew."""
        first, total = self._first, self._total
        self.count, self._first, self._total = 0, None, 0.0
        if first is None:
            return None
        return first if closure else total
