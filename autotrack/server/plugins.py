"""Routes that plugins bring (``register_routes``): behind the same gate and permissions as all others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, BinaryIO, cast
from urllib.parse import parse_qsl

from autotrack.core.guard import warn
from autotrack.core.plugins.pages import Reply, Request, ServerRoute
from autotrack.core.plugins.registry import plugins

from . import limits
from .answers import SECURITY, Answer
from .calls import Call
from .errors import ApiError
from .routing import Of, Permission, Role, Table
from .streams import INERT
from .v1.visible import visible

PREFIX = "/api/v1/plugins"
#: What a plugin's route cannot begin with: the panels are there (``v1.panels``).
TAKEN = "panels"
_FIXED = {*(name.lower() for name in INERT), *(name.decode() for name, _ in SECURITY), "set-cookie", "content-length"}


def plugin_table() -> Table:
    """The routes of the loaded plugins. One that cannot be served costs a warning and itself."""
    table = Table(PREFIX)
    seen = set()
    for plugin, routes in plugins().routes().items():
        for route in routes:
            if not isinstance(route, ServerRoute):
                warn(f"plugin {plugin!r} registers {type(route).__name__} where ServerRoute objects are wanted")
            elif (plugin, route.method, route.path) in seen or route.path.split("/")[0] == TAKEN:
                warn(f"plugin {plugin!r} cannot have the route {route.method} {route.path!r}: it is taken")
            else:
                seen.add((plugin, route.method, route.path))
                permission = _permission(route)
                path = f"/{plugin}/{route.path}"
                table.add(route.method, path, permission, body=bytes, limit=limits.JSON)(_handler(route))
    return table


def _permission(route: ServerRoute) -> Permission:
    role = Role(route.role)
    if "{run}" in route.path:
        return Permission(role, Of.RUN, ("run",))
    return Permission(role, Of.ANY) if role is Role.VIEWER else Permission(role)


def _handler(route: ServerRoute) -> Callable[[Call], Any]:
    async def handle(call: Call) -> Answer | Any:
        body = await call.content()
        try:
            query = dict(parse_qsl(call.scope["query_string"].decode("ascii"), keep_blank_values=True))
        except ValueError as error:
            raise ApiError(400, "BAD_REQUEST", f"the query string cannot be read: {error}") from None
        user = None if call.user is None else cast("str", call.user.name)
        store, files = visible(call), call.services.store.artifacts

        def opened(run: str, path: str) -> BinaryIO:
            return files.open(store.run(run).files, path)

        request = Request(dict(call.path), query, body, store, opened, user)
        answer = await asyncio.to_thread(route.handler, request)
        if not isinstance(answer, Reply):
            return answer
        headers = {name: value for name, value in answer.headers.items() if name.lower() not in _FIXED}
        return Answer(answer.content, answer.status, answer.media, {**headers, **INERT})

    handle.__doc__ = route.handler.__doc__
    return handle
