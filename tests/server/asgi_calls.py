"""Requests to the app itself, in this process: the whole way from gate to answer, without a socket."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from typing import Any
from urllib.parse import unquote

from autotrack.server.app import App


class Asgi:
    """Sends requests to an app, in an event loop of its own; answers (status, headers, body)."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.loop = asyncio.new_event_loop()

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        authorization: str | None = None,
        query: str = "",
        client: str = "127.0.0.1",
        headers: dict[str, str] | None = None,
    ) -> tuple[int, dict[str, str], bytes]:
        return self.loop.run_until_complete(
            self.asked(
                method, path, body, authorization=authorization, query=query, client=client, headers=headers or {}
            )
        )

    def together(self, *requests: Any) -> list[tuple[int, dict[str, str], bytes]]:
        """Sends what ``asked`` made, all at once."""

        async def all_of() -> list[Any]:
            return list(await asyncio.gather(*requests))

        return self.loop.run_until_complete(all_of())

    async def asked(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        authorization: str | None = None,
        query: str = "",
        client: str = "127.0.0.1",
        headers: dict[str, str] | None = None,
    ) -> tuple[int, dict[str, str], bytes]:
        given = {"host": "127.0.0.1:5000", **(headers or {})}
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            given.setdefault("content-type", "application/json")
        if authorization is not None:
            given["authorization"] = authorization
        scope = {
            "type": "http",
            "method": method,
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in given.items()],
            "client": (client, 1),
            "scheme": "http",
        }
        messages: list[dict[str, Any]] = []
        waiting = [{"type": "http.request", "body": body or b"", "more_body": False}]

        async def receive() -> dict[str, Any]:
            return waiting.pop() if waiting else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            messages.append(dict(message))

        await self.app(scope, receive, send)
        lines = {name.decode(): value.decode("latin-1") for name, value in messages[0]["headers"]}
        return messages[0]["status"], lines, b"".join(m.get("body", b"") for m in messages[1:])

    def close(self) -> None:
        if self.app.services is not None:
            self.app.services.close()
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()


def bearer(token: str) -> str:
    return f"Bearer {token}"


def basic(user: str, password: str) -> str:
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"
