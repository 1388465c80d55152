"""Asks what the pages ask: a server over HTTP, any other store through the server's own app in this process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from autotrack.client.remote.connection import Connection
from autotrack.core.addresses import is_server
from autotrack.core.errors import NotFoundError, StoreError

from ..asgi import Message, Scope
from ..services import ServerSettings, open_services

_API = "/api/v1"
_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Said:
    """An answer: its bytes, and of what kind they are."""

    content: bytes
    media: str

    def json(self) -> Any:
        return json.loads(self.content)


class Asking(Protocol):
    """Something that answers as ``/api/v1`` does (NotFoundError, StoreError where it does not)."""

    def ask(self, path: str, query: Mapping[str, Any] | None = None, document: Any = None) -> Said:
        """The answer to a GET, or to a POST where there is a document. ``path`` is below ``/api/v1``, not escaped."""

    def close(self) -> None: ...


def asking(uri: str) -> Asking:
    """What answers for a store (StoreError where it cannot be opened)."""
    return Elsewhere(uri) if is_server(uri) else Here(uri)


class Elsewhere:
    """A server."""

    def __init__(self, uri: str) -> None:
        self._connection = Connection(uri)

    def ask(self, path: str, query: Mapping[str, Any] | None = None, document: Any = None) -> Said:
        segments = [part for part in f"{_API}{path}".split("/") if part]
        body = None if document is None else json.dumps(document).encode()
        headers = None if body is None else {"Content-Type": _JSON}
        method = "GET" if body is None else "POST"
        with self._connection.open(method, *segments, query=query, body=body, headers=headers) as response:
            content = b"".join(self._connection.reading(response, 1 << 20))
            return Said(content, response.headers.get("Content-Type", ""))

    def close(self) -> None:
        self._connection.close()


class Here:
    """A store of ours, asked without a port: requests go into the app as a server would hand them over."""

    def __init__(self, uri: str) -> None:
        from ..app import make_app

        settings = ServerSettings(uri)
        self._services = open_services(settings)
        self._app = make_app(settings, self._services)
        self._runner = asyncio.Runner()

    def ask(self, path: str, query: Mapping[str, Any] | None = None, document: Any = None) -> Said:
        body = None if document is None else json.dumps(document).encode()
        status, said = self._runner.run(self._answer(path, query or {}, body))
        if status < 400:
            return said
        message = str(said.json().get("message", status)) if said.media == _JSON else str(status)
        raise (NotFoundError if status == 404 else StoreError)(message)

    async def _answer(self, path: str, query: Mapping[str, Any], body: bytes | None) -> tuple[int, Said]:
        headers = [(b"host", b"localhost")]
        if body is not None:
            headers += [(b"content-type", _JSON.encode()), (b"content-length", str(len(body)).encode())]
        scope: Scope = {
            "type": "http",
            "method": "GET" if body is None else "POST",
            "path": _API + path,
            "raw_path": quote(_API + path).encode(),
            "query_string": urlencode({name: value for name, value in query.items() if value is not None}).encode(),
            "headers": headers,
            "state": {},
        }
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body or b"", "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        await self._app(scope, receive, send)
        told = dict(sent[0]["headers"])
        content = b"".join(message.get("body", b"") for message in sent[1:])
        return int(sent[0]["status"]), Said(content, told[b"content-type"].decode("latin-1"))

    def close(self) -> None:
        self._runner.close()
        self._services.close()
