"""How often somebody may be wrong: so many times a minute from one address, and for one user."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from math import ceil

from ..errors import ApiError

#: Addresses and users that are remembered; the longest unheard-of is forgotten first.
MOST = 20_000


class Throttle:
    """Counts attempts under keys; those that succeed are taken back. Of one process, in its event loop."""

    def __init__(self, limit: int = 10, seconds: float = 60.0, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self.seconds = seconds
        self._clock = clock
        self._attempts: OrderedDict[str, deque[float]] = OrderedDict()

    def enter(self, keys: Sequence[str]) -> float:
        """Counts an attempt, before it is known how it ends: many at once count, too. ApiError 429 for one too many;
        otherwise what ``forgive`` wants."""
        now = self._clock()
        lists = [self._of(key, now) for key in keys]
        full = [attempts for attempts in lists if len(attempts) >= self.limit]
        if full:
            wait = max(attempts[0] for attempts in full) + self.seconds - now
            raise ApiError(
                429,
                "REQUEST_LIMIT_EXCEEDED",
                f"there were {self.limit} wrong passwords within {self.seconds:g} s for this user or from this address",
                {"Retry-After": str(max(1, ceil(wait)))},
            )
        for attempts in lists:
            attempts.append(now)
        return now

    def forgive(self, keys: Sequence[str], attempt: float) -> None:
        """Takes back an attempt that was right."""
        for key in keys:
            attempts = self._attempts.get(key)
            if attempts is not None and attempt in attempts:
                attempts.remove(attempt)

    def _of(self, key: str, now: float) -> deque[float]:
        attempts = self._attempts.setdefault(key, deque())
        self._attempts.move_to_end(key)
        while attempts and attempts[0] <= now - self.seconds:
            attempts.popleft()
        while len(self._attempts) > MOST:
            self._attempts.popitem(last=False)
        return attempts


def address_key(address: str) -> str:
    """The key of an address; all of an IPv6 network of /64 is one, for one machine has as many as it likes."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return f"address {address[:64]}"
    if found.version == 6 and found.ipv4_mapped is None:
        return f"address {ipaddress.ip_network((found, 64), strict=False)}"
    return f"address {found}"
