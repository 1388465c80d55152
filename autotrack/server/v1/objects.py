"""Contents by their sha256, which records refer to (``core.objects``), over HTTP."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Annotated

import msgspec

from .. import limits
from ..answers import Answer
from ..calls import Call
from ..errors import ApiError
from ..routing import Of, Permission, Role, Table

ROUTES = Table("/api/v1")
#: Who knows a sha256 has seen what refers to it.
READ = Permission(Role.VIEWER, Of.USER)
WRITE = Permission(Role.EDITOR)

BYTES = "application/octet-stream"
Digest = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class Digests(msgspec.Struct):
    """Contents by their sha256."""

    digests: Annotated[list[Digest], msgspec.Meta(max_length=1000)]


@ROUTES.post("/objects/missing", WRITE, body=Digests, answer=Digests)
def missing(call: Call) -> Digests:
    """Which of these contents are not here; the others are kept as if they had just been sent."""
    objects = call.services.store.objects
    return Digests([digest for digest in dict.fromkeys(call.body.digests) if not objects.renew(digest)])


@ROUTES.get("/objects/{sha256}", READ)
def get(call: Call) -> Answer:
    """The content with that sha256, as bytes."""
    digest = call.path["sha256"]
    content = call.services.store.objects.get(digest)
    return Answer(content, media=BYTES, headers={"Content-Disposition": "attachment", "ETag": f'"{digest}"'})


@ROUTES.put("/objects/{sha256}", WRITE, body=bytes, limit=limits.INGEST)
async def put(call: Call) -> None:
    """Keeps a content; 422 where it is not of that sha256."""
    digest, content = call.path["sha256"], await call.content()
    await asyncio.to_thread(_put, call, digest, content)


def _put(call: Call, digest: str, content: bytes) -> None:
    call.services.store.objects.path(digest)  # a sha256 it is, then
    if hashlib.sha256(content).hexdigest() != digest:
        raise ApiError(422, "INVALID_PARAMETER_VALUE", "what arrived is not of that sha256; send it again")
    call.services.store.objects.put(content)
