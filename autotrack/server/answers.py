"""What a handler answers with, and how it is sent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from .asgi import Send

JSON = "application/json"

_encoder = msgspec.json.Encoder()
encode = _encoder.encode

#: On every response: nothing of it is sniffed, framed or sent on as a referrer, and no script is run from elsewhere.
SECURITY = (
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
_POLICY, _CACHE = b"content-security-policy", b"cache-control"


@dataclass(slots=True)
class Answer:
    """A response. ``content`` is the whole body, or what gives it piece by piece."""

    content: bytes | AsyncIterator[bytes] = b"{}"
    status: int = 200
    media: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)

    async def send(self, send: Send, *, head: bool = False) -> None:
        """Sends it; ``head``: without its body."""
        given = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in self.headers.items()]
        names = {name for name, _ in given}
        lines = [(b"content-type", self.media.encode("latin-1")), *given]
        lines += [line for line in SECURITY if line[0] not in names]
        if isinstance(self.content, bytes):
            lines.append((b"content-length", str(len(self.content)).encode()))
        await send({"type": "http.response.start", "status": self.status, "headers": lines})
        if isinstance(self.content, bytes) or head:
            body = b"" if head else self.content
            await send({"type": "http.response.body", "body": body})
            return
        async for piece in self.content:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


def answer_of(result: Any) -> Answer:
    """A handler's result as a response: None is ``{}``, anything else is said in JSON."""
    if isinstance(result, Answer):
        return result
    return Answer(b"{}" if result is None else encode(result))
