"""HTTP as uvicorn speaks it, with the bounds that it leaves to others: what comes before a request has its headers.

A head that comes too slowly or is too long is refused here, before anything of it is kept; so is what is no HTTP. The
answers are those of the app: JSON, with the headers of every answer.
"""

from __future__ import annotations

import http
from asyncio.events import TimerHandle
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from . import limits
from .answers import JSON, SECURITY, encode
from .app import App
from .errors import ApiError, body_of


class Protocol(HttpToolsProtocol):
    """One connection."""

    _head: TimerHandle | None = None
    _size = 0
    _refused = False

    @property
    def patience(self) -> float:
        """Seconds in which a request's headers have to be here."""
        app: Any = self.app
        return app.patience if isinstance(app, App) else 30.0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._have_head()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        super().data_received(data)
        idle = self.cycle is None or self.cycle.response_complete
        if idle and not self._refused and self.timeout_keep_alive_task is None:
            self._await_head()

    def on_message_begin(self) -> None:
        self._size = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > limits.URL:
            self._refuse(ApiError(414, "BAD_REQUEST", f"a URL has at most {limits.URL:,} bytes here"))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._size += len(name) + len(value)
        if self._size > limits.HEADERS:
            self._refuse(ApiError(431, "BAD_REQUEST", f"headers have at most {limits.HEADERS:,} bytes in all here"))
        else:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._have_head()
        if self._refused:
            return
        if not self.url.startswith(b"/"):  # to a proxy, or about the server as a whole
            self._refuse(ApiError(421, "BAD_REQUEST", "a request names a path that begins with /"))
            return
        if not self.parser.should_upgrade():
            super().on_headers_complete()
        elif any(name in (b"content-length", b"transfer-encoding") and value != b"0" for name, value in self.headers):
            # The parser takes what follows for the other protocol, whether that is spoken here or not.
            self._refuse(ApiError(400, "BAD_REQUEST", "there is nothing to upgrade to: send this as HTTP/1.1"))
        else:
            super().on_headers_complete()
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if not self._refused:
            super().on_message_complete()

    def shutdown(self) -> None:
        stopping = self.app_state.get("stopping")
        if stopping is not None:
            stopping.set()
        super().shutdown()

    def send_400_response(self, msg: str) -> None:
        self._refuse(ApiError(400, "BAD_REQUEST", "this is no request of HTTP/1.1 that can be read"))

    def _unsupported_upgrade_warning(self) -> None:
        """There is nothing to upgrade to: the request is answered as what it is besides."""

    def _await_head(self) -> None:
        if self._head is None:
            self._head = self.loop.call_later(self.patience, self._too_slow)

    def _have_head(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _too_slow(self) -> None:
        self._head = None
        if self.headers is None:
            self.transport.close()  # it has not even begun
        else:
            self._refuse(ApiError(408, "BAD_REQUEST", f"no whole request came in {self.patience:g} s"))

    def _refuse(self, error: ApiError) -> None:
        """Answers by itself, once, and ends the connection. An answer that is being given is not disturbed."""
        if self._refused:
            return
        self._refused = True
        self._have_head()
        if self.cycle is None or self.cycle.response_complete:
            body = encode(body_of(error))
            phrase = http.HTTPStatus(error.status).phrase
            lines = [f"HTTP/1.1 {error.status} {phrase}".encode(), b"content-type: " + JSON.encode()]
            lines += [name + b": " + value for name, value in SECURITY]
            lines += [f"content-length: {len(body)}".encode(), b"connection: close", b"", body]
            self.transport.write(b"\r\n".join(lines))
        self.transport.close()
