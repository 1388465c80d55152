"""The ASGI app (https://asgi.readthedocs.io): which address is answered by what, with the limits that hold for all."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autotrack.plugin import attempt

from .answering import bare, encoded
from .batching import Batcher
from .counting import Counts
from .intake import ARROW, JSON, Asked
from .observing import Observation, Observer
from .refused import BAD_REQUEST, FAILED, NOT_FOUND, TOO_LARGE, Refused, failed
from .scorer import Scorer

if TYPE_CHECKING:
    from .monitoring.truths import Truths

log = logging.getLogger("autotrack.serving")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
#: Writes the answers to a request.
Form = Callable[[Asked, Any], bytes]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

#: Bytes of a request's body from which on it is read on the thread that predicts; of one to a model that is swift, to
#: which the same bytes are about a thousand rows.
_LARGE, _LARGE_SWIFT = 1 << 16, 1 << 18
#: Headers of every answer.
_ALWAYS = [(b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store")]


@dataclass(frozen=True, slots=True)
class Options:
    """How a model is served. ``timeout`` in seconds, ``max_bytes`` a request's body."""

    max_rows: int = 1000
    batch_ms: float = 0.0
    timeout: float = 60.0
    max_bytes: int = 100 << 20


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer."""

    body: bytes
    content_type: bytes = b"application/json"
    status: int = 200
    headers: tuple[tuple[bytes, bytes], ...] = ()


class ScoringApp:
    """Answers requests to one model."""

    def __init__(
        self,
        scorer: Scorer,
        options: Options,
        observer: Observer,
        version: str,
        counts: Counts | None = None,
        truths: Truths | None = None,
    ) -> None:
        self.scorer = scorer
        self.options = options
        self.observer = observer
        self.version = version
        self.counts = counts or Counts()
        #: Joins feedback with answers; None where nothing is reported.
        self.truths = truths
        self._batcher: Batcher | None = None

    @property
    def batcher(self) -> Batcher:
        """Made on the loop that serves."""
        if self._batcher is None:
            options = self.options
            self._batcher = Batcher(
                self.scorer.ask,
                max_rows=options.max_rows,
                batch_ms=options.batch_ms,
                timeout=options.timeout,
                joins=self.scorer.joins,
                swift=self.scorer.swift,
            )
        return self._batcher

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        if scope["type"] != "http":
            return
        began = time.perf_counter()
        method, path = scope["method"], scope["path"]
        route, rows = path, 0
        try:
            if path == "/invocations":
                reply, rows = await self._invocations(scope, receive, began)
            else:
                from .routes import answer

                (found,) = await asyncio.gather(answer(self, method, path, scope, receive), return_exceptions=True)
                if isinstance(found, BaseException):
                    raise failed(found) if isinstance(found, Exception) else found
                route, reply = found
        except Refused as error:
            reply = Reply(error.body(), error.content_type, error.status)
        status = reply.status
        self.counts.answered(route if status != 404 else "other", status, time.perf_counter() - began, rows)
        await send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [
                    (b"content-type", reply.content_type),
                    (b"content-length", str(len(reply.body)).encode()),
                    *_ALWAYS,
                    *reply.headers,
                ],
            }
        )
        await send({"type": "http.response.body", "body": b"" if method == "HEAD" else reply.body})

    async def _invocations(self, scope: Scope, receive: Receive, began: float) -> tuple[Reply, int]:
        if scope["method"] != "POST":
            raise Refused(405, BAD_REQUEST, "send rows to be predicted with POST")
        content_type = accept = request = ""
        for name, value in scope["headers"]:
            if name == b"content-type":
                content_type = value.decode("latin-1")
            elif name == b"accept":
                accept = value.decode("latin-1")
            elif name == b"x-request-id":
                request = value.decode("latin-1")[:128]
        body = await self.body(scope, receive)
        request = request if request.isprintable() and request else secrets.token_hex(8)
        form = _arrow if ARROW in accept else _json
        if len(body) < (_LARGE_SWIFT if self.batcher.swift else _LARGE) and content_type.startswith(JSON):
            asked = self._read(content_type, body)
            answers = await self.batcher.answer(asked.rows, asked.params)
            content = form(asked, answers)
        else:  # what takes long is not done where all others wait
            asked, answers, content = await self.batcher.do(lambda: self._all(content_type, body, form), len(body))
        self._answered(asked, answers, request, began)
        kind = ARROW.encode() if form is _arrow else b"application/json"
        return Reply(
            content, kind, headers=((b"x-request-id", request.encode("latin-1", "replace")),)
        ), asked.rows.count

    def _read(self, content_type: str, body: bytes | bytearray) -> Asked:
        asked, error = attempt(self.scorer.intake.read, content_type, body)
        if asked is None:
            raise failed(error) if error is not None else AssertionError
        return asked

    def _all(self, content_type: str, body: bytes | bytearray, form: Form) -> tuple[Asked, Any, bytes]:
        asked = self._read(content_type, body)
        answers = self.scorer.ask(asked.rows, asked.params)
        return asked, answers, form(asked, answers)

    async def predicted(self, asked: Asked, request: str, began: float) -> Any:
        """The model's answers to a request."""
        answers = await self.batcher.answer(asked.rows, asked.params)
        self._answered(asked, answers, request, began)
        return answers

    def _answered(self, asked: Asked, answers: Any, request: str, began: float) -> None:
        """Keeps the answers for what will turn out to be true, and has the request recorded."""
        if self.truths is not None and request:
            attempt(self.truths.remember, request, answers)
        self.observer.see(Observation(request, time.time(), asked.rows, answers, time.perf_counter() - began))

    async def body(self, scope: Scope, receive: Receive) -> bytes | bytearray:
        """The whole body (Refused where it is too large, before it has come)."""
        limit = self.options.max_bytes
        for name, value in scope["headers"]:
            if name == b"content-length" and value.isdigit() and int(value) > limit:
                await _let_pass(receive, 2 * limit)
                raise _too_large(limit)
        message = await receive()
        if message["type"] == "http.request" and not message.get("more_body"):
            found: bytes = message.get("body", b"")
            if len(found) > limit:
                raise _too_large(limit)
            return found
        collected = bytearray()
        while message["type"] == "http.request":
            collected += message.get("body", b"")
            if len(collected) > limit:
                collected.clear()
                await _let_pass(receive, limit)
                raise _too_large(limit)
            if not message.get("more_body"):
                return collected
            message = await receive()
        raise Refused(400, BAD_REQUEST, "the request ended before its body was there")

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            else:
                if self._batcher is not None:
                    self._batcher.close()
                self.observer.close()
                await send({"type": "lifespan.shutdown.complete"})
                return


async def _let_pass(receive: Receive, most: int) -> None:
    """Reads what still comes and keeps nothing of it: most clients look at an answer only when all is sent."""
    while most > 0:
        message = await receive()
        if message["type"] != "http.request" or not message.get("more_body"):
            return
        most -= len(message.get("body", b""))


def _json(asked: Asked, answers: Any) -> bytes:
    try:
        return bare(answers) if asked.bare else encoded(answers)
    except (TypeError, ValueError, RecursionError) as error:
        raise Refused(500, FAILED, f"the model's answer has no form in JSON: {str(error)[:300]}") from None


def _arrow(asked: Asked, answers: Any) -> bytes:
    from .arrow import stream

    return stream(answers)


def _too_large(limit: int) -> Refused:
    return Refused(413, TOO_LARGE, f"a request has at most {limit:,} bytes here; send fewer rows at a time")


def not_found(path: str) -> Refused:
    """There is nothing at an address."""
    return Refused(404, NOT_FOUND, f"there is nothing at {path[:200]}; see /docs")
