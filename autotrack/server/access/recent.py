"""What was found out a moment ago and need not be looked up again."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """At most ``most`` values, each for ``seconds``. For one thread: the event loop's."""

    def __init__(self, seconds: float, most: int = 10_000) -> None:
        self._seconds = seconds
        self._most = most
        self._kept: OrderedDict[K, tuple[float, V]] = OrderedDict()

    def get(self, key: K) -> V | None:
        """The value; None where there is none, or it is too old."""
        found = self._kept.get(key)
        if found is None:
            return None
        until, value = found
        if until < time.monotonic():
            del self._kept[key]
            return None
        return value

    def put(self, key: K, value: V) -> None:
        """Keeps a value; the oldest goes where there are too many."""
        self._kept.pop(key, None)
        self._kept[key] = (time.monotonic() + self._seconds, value)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def clear(self) -> None:
        """Forgets everything."""
        self._kept.clear()
