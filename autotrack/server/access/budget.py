"""How many requests one token may send: a budget that fills up again, so that one client does not take a server for
itself."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from math import ceil

from .. import limits
from ..errors import ApiError

#: Tokens that are remembered; the longest unheard-of is forgotten first, which fills its budget.
MOST = 20_000


class Budget:
    """``rate`` requests a second for each key for long, ``limits.BURST`` seconds' worth at once. Of one process, in its
    event loop. A rate of 0: as many as they like."""

    def __init__(self, rate: float = limits.RATE, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate = rate
        self._most = rate * limits.BURST
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def spend(self, key: str) -> None:
        """Takes one request off a key's budget (ApiError 429, which says when there is one again)."""
        if not self.rate:
            return
        now = self._clock()
        left, at = self._left.pop(key, (self._most, now))
        left = min(self._most, left + (now - at) * self.rate) - 1.0
        self._left[key] = (max(left, 0.0), now)
        if len(self._left) > MOST:
            self._left.popitem(last=False)
        if left < 0.0:
            raise ApiError(
                429,
                "REQUEST_LIMIT_EXCEEDED",
                f"this token has sent more than {self.rate:g} requests a second; send fewer, or more in each",
                {"Retry-After": str(max(1, ceil(-left / self.rate)))},
            )
