"""Takes writers' records, as ``core.sink.Intake`` has it, over HTTP."""

from __future__ import annotations

import asyncio
import zlib

import msgspec

from autotrack.core.entities import Delivery
from autotrack.core.journal.lastwords import LastWord
from autotrack.core.journal.shipping import MEDIA, Shipped, unpacked

from .. import limits
from ..access.batches import require_batch
from ..calls import Call
from ..errors import ApiError
from ..routing import Of, Permission, Role, Table

ROUTES = Table("/api/v1")
#: Which runs a batch is about, only its handler can tell.
WRITE = Permission(Role.EDITOR, Of.ANY)


class Position(msgspec.Struct):
    """How far a writer's records are in the store."""

    events: int
    points: int


class End(msgspec.Struct):
    """How a writer ended (see ``Intake.end_writer``). ``seen`` in nanoseconds since the epoch."""

    seen: int | None = None
    signal: str | None = None
    traceback: str = ""
    exit_code: int | None = None


@ROUTES.get("/writers/{writer}", WRITE, answer=Position)
def cursor(call: Call) -> Position:
    """How far the store is with a writer's records; 0 and 0 for one that it does not know."""
    require_batch(call, call.path["writer"])
    found = call.services.store.cursor(call.path["writer"])
    return Position(found.events, found.points)


@ROUTES.post(
    "/writers/{writer}/batches", WRITE, body=bytes, takes=MEDIA, answer=Delivery, limit=limits.INGEST, compressed=True
)
async def apply(call: Call) -> Delivery:
    """Stores a batch of a writer's records, each once however often it is sent."""
    if call.header("content-type") != MEDIA:
        raise ApiError(415, "BAD_REQUEST", f"a batch is sent as {MEDIA}")
    data = await call.content()
    return await asyncio.to_thread(_apply, call, data)


def _apply(call: Call, data: bytes) -> Delivery:
    if call.header("content-encoding") == "deflate":
        data = inflated(data, limits.INGEST)
    shipped: Shipped = unpacked(data)
    require_batch(call, call.path["writer"], shipped.batch.events)
    return call.services.store.apply(
        call.path["writer"], shipped.cursor, shipped.batch, host=shipped.host, seen=shipped.seen
    )


@ROUTES.post("/writers/{writer}/end", WRITE, body=End)
def end(call: Call) -> None:
    """Ends the runs that a dead writer left running."""
    body: End = call.body
    require_batch(call, call.path["writer"])
    word = None if body.signal is None else LastWord(body.signal, body.traceback)
    call.services.store.end_writer(call.path["writer"], seen=body.seen, word=word, exit_code=body.exit_code)


def inflated(data: bytes, limit: int) -> bytes:
    """Unpacks a body, and no more of it than may be (ApiError 400, 413)."""
    unpacker = zlib.decompressobj()
    try:
        found = unpacker.decompress(data, limit)
    except zlib.error as error:
        raise ApiError(400, "BAD_REQUEST", f"the body cannot be unpacked: {error}") from None
    if unpacker.unconsumed_tail:
        raise ApiError(413, "BAD_REQUEST", f"a body has at most {limit:,} bytes here, unpacked")
    if not unpacker.eof:
        raise ApiError(400, "BAD_REQUEST", "the body ends too soon")
    return found
