"""What handlers work with: the store, the thread that writes to it, and how the server was started."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from autotrack.store.intake.direct import Change, DirectWrites
from autotrack.store.store import Store

from . import limits
from .told import Told

if TYPE_CHECKING:
    from .access.access import Access


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """How a server was started (``autotrack server``)."""

    store: str
    host: str = "127.0.0.1"
    port: int = 5000
    workers: int = 1
    artifacts: str | None = None
    auth: bool = False
    allowed_hosts: tuple[str, ...] = ()
    #: sha256 of the one-time code for the first administrator; None where there are users.
    first_code: str | None = None
    #: Seconds in which a request's headers have to be here, and its body, at the least rate (``limits``).
    patience: float = 30.0
    #: Addresses and networks of proxies that are believed about who their clients are.
    proxies: tuple[str, ...] = ()
    #: Requests a second that one token may send for long (0: as many as it likes).
    rate: float = limits.RATE


@dataclass(slots=True)
class Services:
    """One a worker process."""

    settings: ServerSettings
    store: Store
    writes: DirectWrites
    #: What users may do; None where the server knows no users.
    access: Access | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    _told: Told | None = None

    async def write(self, change: Change) -> None:
        """Has a change stored, and waits until it is."""
        loop = asyncio.get_running_loop()
        if self._told is None or self._told.loop is not loop:
            self._told = Told(loop)
        await self._told.of(self.writes.submit(change))

    def close(self) -> None:
        if self.access is not None:
            self.access.close()
        self.writes.close()
        self.store.close()


def open_services(settings: ServerSettings) -> Services:
    """Opens the store (StoreError, UsageError)."""
    from autotrack.core.plugins.registry import open_sink

    if settings.artifacts is not None:
        store: object = Store.open(settings.store, artifacts=settings.artifacts)
    else:
        store = open_sink(settings.store)
    if not isinstance(store, Store):
        raise TypeError(f"{settings.store} cannot be served")
    services = Services(settings, store, DirectWrites(store.writing))
    if settings.auth:
        from .access.access import Access

        services.access = Access(store, code=settings.first_code, rate=settings.rate)
    return services
