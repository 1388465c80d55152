"""How often somebody may be wrong: so many times a minute from one address, and for one user."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from math import ceil
from typing import Protocol

from sqlalchemy import Connection

from autotrack.store.access.attempts import keep_times, times_of
from autotrack.store.engines.dialect import whole

from ..errors import ApiError

SECOND = 1_000_000_000
#: Seconds for which it is believed that there were too many, so that thousands of guesses are no thousand transactions.
BELIEVED = 0.5


class Writing(Protocol):
    """What is needed of a store."""

    @property
    def writing(self) -> Callable[[], AbstractContextManager[Connection]]: ...


class Throttle:
    """Counts attempts under keys, for all processes that serve a store; those that succeed are taken back."""

    def __init__(
        self, store: Writing, limit: int = 10, seconds: float = 60.0, clock: Callable[[], int] = time.time_ns
    ) -> None:
        self.limit = limit
        self.seconds = seconds
        self._store = store
        self._clock = clock
        self._full: dict[str, tuple[int, int]] = {}

    @whole
    def enter(self, keys: Sequence[str]) -> int:
        """Counts an attempt, before it is known how it ends: many at once count, too. ApiError 429 for one too many;
        otherwise what ``forgive`` wants. It writes to the store."""
        now = self._clock()
        for key in keys:
            until, free = self._full.get(key, (0, 0))
            if now < until:
                raise self._refusal(free - now)
        with self._store.writing() as connection:
            # A clock that was set back leaves none that count for ever.
            oldest = now - round(self.seconds * SECOND)
            times = {
                key: [at for at in found if oldest < at <= now + SECOND]
                for key, found in times_of(connection, keys).items()
            }
            full = {key: found for key, found in times.items() if len(found) >= self.limit}
            keep_times(connection, times if full else {key: [*found, now] for key, found in times.items()})
        if full:
            free = max(found[0] for found in full.values()) + round(self.seconds * SECOND)
            if len(self._full) > 10_000:
                self._full.clear()
            self._full |= dict.fromkeys(full, (now + round(BELIEVED * SECOND), free))
            raise self._refusal(free - now)
        return now

    @whole
    def forgive(self, keys: Sequence[str], attempt: int) -> None:
        """Takes back an attempt that was right."""
        with self._store.writing() as connection:
            times = times_of(connection, keys)
            for found in times.values():
                if attempt in found:
                    found.remove(attempt)
            keep_times(connection, times)

    def _refusal(self, wait: int) -> ApiError:
        return ApiError(
            429,
            "REQUEST_LIMIT_EXCEEDED",
            f"there were {self.limit} wrong passwords within {self.seconds:g} s for this user or from this address",
            {"Retry-After": str(max(1, ceil(wait / SECOND)))},
        )


def address_key(address: str) -> str:
    """The key of an address; all of an IPv6 network of /64 is one, for one machine has as many as it likes."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return f"address {address[:64]}"
    if found.version == 6 and found.ipv4_mapped is None:
        return f"address {ipaddress.ip_network((found, 64), strict=False)}"
    return f"address {found}"
