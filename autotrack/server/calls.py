"""One request, as a handler gets it."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from sqlalchemy import Connection

from autotrack.store.access.answered import end

from . import limits
from .asgi import Receive, Scope
from .errors import ApiError
from .routing import Role, Route
from .services import Services

_ESCAPE = re.compile(rb"\\.", re.DOTALL)
_STRING = re.compile(rb'"[^"]*"')
_REST = bytes(set(range(256)) - set(b'[]{}"'))
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_TOO_DEEP = b"[" * (limits.DEPTH + 1)
_NO_NUMBER = re.compile(rb"NaN|Infinity")


class Call:
    """A request: its route, the variables of its path, its body and query as the route wants them, and its user."""

    __slots__ = ("_receive", "body", "headers", "key", "path", "query", "route", "said", "scope", "services", "user")

    def __init__(
        self,
        services: Services,
        route: Route,
        path: Mapping[str, str],
        scope: Scope,
        headers: Mapping[bytes, bytes],
        receive: Receive,
    ) -> None:
        self.services = services
        self.route = route
        self.path = path
        self.scope = scope
        self.headers = headers
        self._receive = receive
        self.body: Any = None
        self.query: Any = None
        #: Who asks; None where the server knows no users.
        self.user: Any = None
        #: The body as it came, and what an Idempotency-Key makes of the request ("" where there is none).
        self.said = b""
        self.key = ""

    @property
    def readable(self) -> frozenset[str] | None:
        """The ids of the experiments whose things the user may see; None: of all there are."""
        return None if self.user is None else self.user.within(Role.VIEWER)

    @property
    def writable(self) -> frozenset[str] | None:
        """The ids of the experiments that the user may write to; None: to all there are."""
        return None if self.user is None else self.user.within(Role.EDITOR)

    def require(self, role: Role, experiment_id: str) -> None:
        """ApiError where the user has not this role in an experiment: 404 where he may not see it, else 403."""
        if self.user is not None:
            self.user.require(role, experiment_id)

    def header(self, name: str) -> str:
        """A header's value, "" where it is not there."""
        return self.headers.get(name.lower().encode(), b"").decode("latin-1")

    @property
    def also(self) -> Callable[[Connection, int], None] | None:
        """For ``Change.also`` of a handler that answers ``{}``: keeps that answer in the change's own transaction."""
        key = self.key
        return (lambda connection, run: end(connection, key, 200, b"{}", time.time_ns())) if key else None

    async def read(self) -> None:
        """Reads query and body as the route wants them (ApiError 400, 408, 413, 415, 422)."""
        route = self.route
        if route.query is not None:
            self.query = _query(self.scope["query_string"], route.query)
        if route.body is None or route.body is bytes:
            return
        data = self.said = await self.content()
        # MLflow's clients send the fields of a GET in the query or, some of them, as a body.
        if not data and route.method in ("GET", "DELETE"):
            self.body = _query(self.scope["query_string"], route.body)
            return
        kind = self.header("content-type").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise ApiError(
                400 if route.mlflow else 415,
                "INVALID_PARAMETER_VALUE" if route.mlflow else "BAD_REQUEST",
                f"Bad Request. Content-Type should be 'application/json'; this request has {kind[:60] or 'none'!r}",
            )
        self.body = decode(data or b"{}", route.body, lax=route.mlflow)

    async def gone(self) -> None:
        """Waits until nobody waits for the answer any more. The body must have been read."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def content(self) -> bytes:
        """The whole body."""
        pieces = []
        async for piece in self.stream():
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def stream(self) -> AsyncIterator[bytes]:
        """The body in the pieces in which it comes: no more than the route's limit, no slower than the least rate."""
        limit, size = self.route.limit, 0
        length = self.headers.get(b"content-length")
        if length is not None and (not length.isdigit() or int(length) > limit):
            raise _too_large(limit)
        if self.headers.get(b"content-encoding", b"identity") != b"identity" and not self.route.compressed:
            raise ApiError(415, "BAD_REQUEST", "this route takes no compressed body")
        more, began, patience = True, time.monotonic(), self.services.settings.patience
        while more:
            left = began + patience + size / limits.LEAST_RATE - time.monotonic()
            try:
                async with asyncio.timeout(max(left, 0)):
                    message = await self._receive()
            except TimeoutError:
                raise ApiError(408, "BAD_REQUEST", "the body comes too slowly", {"Connection": "close"}) from None
            if message["type"] == "http.disconnect":
                raise ApiError(400, "BAD_REQUEST", "the connection ended before the body did")
            piece: bytes = message.get("body", b"")
            more = message.get("more_body", False)
            size += len(piece)
            if size > limit:
                raise _too_large(limit)
            if piece:
                yield piece


def _too_large(limit: int) -> ApiError:
    return ApiError(413, "BAD_REQUEST", f"a body has at most {limit:,} bytes here", {"Connection": "close"})


@lru_cache(maxsize=512)
def _decoder(kind: Any, lax: bool) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind, strict=not lax)


def decode(data: bytes, kind: Any, *, lax: bool = False) -> Any:
    """JSON as a type. ``lax`` takes numbers that are written as strings, as some clients write all of them.

    Raises msgspec.DecodeError or ValidationError, and ApiError for JSON that says one thing twice or nests too deep.
    """
    # Where nothing free-form is read, what nests too deep is passed over or refused by the decoder itself.
    if not lax and data.count(b"[") + data.count(b"{") > limits.DEPTH and _is_deep(data):
        raise ApiError(400, "BAD_REQUEST", f"JSON nests at most {limits.DEPTH} deep here")
    try:
        found = _decoder(kind, lax).decode(data)
    except msgspec.DecodeError:
        if isinstance(sys.exception(), msgspec.ValidationError) or not _NO_NUMBER.search(data):
            raise
        # NaN and Infinity, bare: no JSON, and what Python's own encoder writes.
        found = msgspec.convert(_loaded(data), kind, strict=not lax)
    if len(data) <= limits.KIB * 4:
        _loaded(data, _once)
    return found


def _loaded(data: bytes, pairs: Callable[[list[tuple[str, Any]]], Any] | None = None) -> Any:
    """What Python's own reader makes of JSON (ApiError 400)."""
    try:
        return json.loads(data, object_pairs_hook=pairs)
    except (ValueError, RecursionError) as error:
        raise ApiError(400, "BAD_REQUEST", f"the body is no valid JSON: {error}") from None


def _is_deep(data: bytes) -> bool:
    """True where JSON nests deeper than it may, found without a loop over its bytes. False for some that is no JSON."""
    if b"\\" in data:
        data = _ESCAPE.sub(b"", data)
    brackets = _STRING.sub(b"", data.translate(None, _REST)).translate(_ONE_KIND)
    if _TOO_DEEP in brackets:
        return True
    import numpy as np

    depth = 0
    for start in range(0, len(brackets), limits.MIB):
        some = np.frombuffer(brackets[start : start + limits.MIB], np.uint8)
        depths = depth + np.cumsum(np.where(some == ord("["), 1, -1))
        if depths.max() > limits.DEPTH:
            return True
        depth = int(depths[-1])
    return False


def _once(pairs: list[tuple[str, Any]]) -> None:
    if len({key for key, _ in pairs}) != len(pairs):
        raise ApiError(400, "BAD_REQUEST", "a JSON object here says one key twice")


@lru_cache(maxsize=512)
def _fields(kind: Any) -> dict[str, bool]:
    """The names of a query's fields, and whether each is a list."""
    return {
        field.encode_name: "list[" in str(field.type) or "tuple[" in str(field.type)
        for field in msgspec.structs.fields(kind)
    }


def _query(text: bytes, kind: Any) -> Any:
    """A query string as a struct: a repeated name is a list, ``a[]`` as well; names that are not known are ignored."""
    try:
        pairs = parse_qsl(text.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=2000)
    except (UnicodeDecodeError, ValueError) as error:
        raise ApiError(400, "BAD_REQUEST", f"the query string cannot be read: {error}") from None
    fields = _fields(kind)
    values: dict[str, Any] = {}
    for name, value in pairs:
        name = name.removesuffix("[]")
        if fields.get(name):
            values.setdefault(name, []).append(value)
        elif name in fields:
            values[name] = value
    return msgspec.convert(values, kind, strict=False, str_keys=True)
