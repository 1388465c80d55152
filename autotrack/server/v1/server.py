"""What the server says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from autotrack.core.version import __version__

from .. import limits
from ..answers import Answer, encode
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


@ROUTES.get("/openapi.json", PUBLIC, answer=dict[str, Any])
def openapi(call: Call) -> Answer:
    """This description of the API (OpenAPI 3.1)."""
    return Answer(_openapi())


@cache
def _openapi() -> bytes:
    from ..app import api_tables
    from ..openapi import described

    return encode(described(route for table in api_tables() for route in table.routes))
