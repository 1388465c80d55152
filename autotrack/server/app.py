"""The ASGI app: gate, route, permission, handler, answer. Nothing reaches a handler by another way."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable

from autotrack.core.guard import attempt_async

from .answers import Answer, answer_of, encode
from .asgi import Receive, Scope, Send
from .calls import Call
from .errors import ApiError, api_error, body_of
from .gate import Gate
from .proxies import Proxies
from .repeats import HEADER, may_repeat, once
from .routing import Role, Router, Table
from .services import ServerSettings, Services, open_services


class App:
    """Serves one store. ``services`` are opened when the server starts, in each worker."""

    def __init__(
        self,
        router: Router,
        gate: Gate,
        open_with: Callable[[], Services],
        patience: float = 30.0,
        proxies: Proxies = Proxies(),  # noqa: B008 - it knows none, and never will
    ) -> None:
        #: Seconds in which a request has to be here (``protocol``).
        self.patience = patience
        self.router = router
        self.services: Services | None = None
        self._gate = gate
        self._proxies = proxies
        self._open = open_with

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        elif scope["type"] == "http":
            answer, error = await attempt_async(self._answer(scope, receive))
            if answer is None:
                answer = refusal(error or RuntimeError("no answer"), mlflow=is_mlflow(scope["path"]))
            await answer.send(send, head=scope["method"] == "HEAD")
        else:  # a websocket: there are none here
            await send({"type": "websocket.close", "code": 1000})

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        self._proxies.see_through(scope, headers)
        self._gate.check(scope, headers)
        method: str = scope["method"]
        route, path, allowed = self.router.find(method, scope["path"])
        if route is None:
            if allowed:
                allow = {"Allow": ", ".join(sorted(allowed))}
                raise ApiError(405, "BAD_REQUEST", f"{method} is not to be had here", allow)
            raise ApiError(404, "ENDPOINT_NOT_FOUND", f"there is nothing at {scope['path'][:200]}")
        if self.services is None:
            self.services = self._open()
        call = Call(self.services, route, path, scope, headers, receive)
        access = self.services.access if route.permission.role is not Role.PUBLIC else None
        if access is not None:
            await access.identify(call)  # before a body is read from somebody who may not send one
        await call.read()
        if access is not None:
            await access.check(call)
        if call.header(HEADER) and may_repeat(route):
            return await once(call, lambda: self._handled(call))
        return await self._handled(call)

    @staticmethod
    async def _handled(call: Call) -> Answer:
        route = call.route
        if inspect.iscoroutinefunction(route.handler):
            result = await route.handler(call)
        else:
            result = await asyncio.to_thread(route.handler, call)
        if call.services.access is not None and route.permission.role is not Role.PUBLIC:
            call.services.access.confirm(call)
        answer = answer_of(result)
        if answer.status == 200:
            answer.status = route.status
        return answer

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Set when the server begins to stop (``protocol``): answers that have no end by themselves end then.
        scope.get("state", {})["stopping"] = asyncio.Event()
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                if self.services is None:
                    self.services = self._open()
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                if self.services is not None:
                    await asyncio.to_thread(self.services.close)
                await send({"type": "lifespan.shutdown.complete"})
                return


def refusal(error: BaseException, *, mlflow: bool) -> Answer:
    """The answer that an exception comes to."""
    found = api_error(error, mlflow=mlflow)
    return Answer(encode(body_of(found)), found.status, headers=found.headers)


def is_mlflow(path: str) -> bool:
    """True for paths of MLflow's API, whose errors have MLflow's statuses."""
    return path.startswith(("/api/2.0/", "/ajax-api/", "/api/3.0/", "/get-artifact", "/model-versions/"))


def api_tables() -> list[Table]:
    """The routes of both APIs."""
    from .mlflow import mlflow_tables
    from .v1 import native_tables

    return [*mlflow_tables(), *native_tables()]


def tables() -> list[Table]:
    """Every route that there is."""
    from .pages import page_tables

    return [*api_tables(), *page_tables()]


def make_app(settings: ServerSettings, services: Services | None = None) -> App:
    """The app for these settings; ``services`` that are open already are used as they are."""
    from .mlflow import mlflow_path
    from .plugins import plugin_table

    hosts = [*settings.allowed_hosts, *([settings.host] if settings.host not in ("0.0.0.0", "::", "") else [])]
    router = Router([*tables(), plugin_table()], mlflow_path)
    app = App(router, Gate(hosts), lambda: open_services(settings), settings.patience, Proxies(settings.proxies))
    app.services = services
    return app
