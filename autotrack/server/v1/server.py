"""What the server says of itself."""

from __future__ import annotations

from dataclasses import dataclass

from autotrack.core.version import __version__

from .. import limits
from ..calls import Call
from ..routing import PUBLIC, Table

ROUTES = Table("/api/v1")

#: The number of this API: what is under it only gains.
API = 1


@dataclass(frozen=True, slots=True)
class Server:
    """``auth``: whether one has to log in. ``limits``: the bytes that bodies may have, and rows that a page may."""

    version: str
    api: int
    auth: bool
    limits: dict[str, int]


@ROUTES.get("/server", PUBLIC, answer=Server)
async def server(call: Call) -> Server:
    """The server's version, and what it allows."""
    sizes = {"json": limits.JSON, "log": limits.BATCH, "batch": limits.INGEST, "artifact": limits.ARTIFACT}
    more = {"page": limits.PAGE, "filter": limits.FILTER, "url": limits.URL, "headers": limits.HEADERS}
    return Server(__version__, API, call.services.settings.auth, {**sizes, **more})
