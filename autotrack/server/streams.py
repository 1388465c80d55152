"""Bodies and files of any size, a piece at a time."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from .answers import Answer
from .calls import Call
from .errors import ApiError

BLOCK = 256 * 1024
BYTES = "application/octet-stream"
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")

#: What nobody's browser is to run or to show as a page of this server's.
INERT = {
    "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
    "Content-Disposition": "attachment",
}


def body_blocks(call: Call, loop: asyncio.AbstractEventLoop) -> Iterator[bytes]:
    """A request's body for a thread that takes it piece by piece; no more of it is read than is taken."""
    pieces = call.stream()
    while (piece := asyncio.run_coroutine_threadsafe(_next(pieces), loop).result()) is not None:
        yield piece


async def _next(pieces: AsyncIterator[bytes]) -> bytes | None:
    return await anext(pieces, None)


@dataclass(frozen=True, slots=True)
class Range:
    """Bytes ``start`` to ``stop`` (exclusive) of a file."""

    start: int
    stop: int


def wanted_range(text: str, size: int) -> Range | None:
    """The one range that a ``Range`` header asks for; None where it asks for everything, or for what is no range."""
    found = _RANGE.fullmatch(text.replace(" ", ""))
    if found is None or found[1] == found[2] == "":
        return None
    if found[1] == "":
        start, stop = max(0, size - int(found[2])), size
    else:
        start, stop = int(found[1]), min(size, int(found[2]) + 1) if found[2] else size
    if start >= stop:
        raise ApiError(416, "BAD_REQUEST", f"the file has {size:,} bytes", {"Content-Range": f"bytes */{size}"})
    return Range(start, stop)


#: A page that somebody logged, for a frame in ours or a tab of its own: its scripts run in an origin of nobody's,
#: reach no server, and lead nowhere else.
SANDBOXED = {
    "Content-Security-Policy": "sandbox allow-scripts; default-src data: blob: 'unsafe-inline' 'unsafe-eval'; "
    "connect-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'",
}
HTML = "text/html; charset=utf-8"


async def file_answer(call: Call, file: BinaryIO, tag: str | None, *, page: bool = False) -> Answer:
    """A file as a response, or the part of it that is asked for. ``tag``: what stands for its content. Closes it.

    ``page``: as an HTML page that runs shut off, where it is else something to be saved.
    """
    try:
        size = await asyncio.to_thread(file.seek, 0, 2)
        condition = call.header("if-range")
        asked = call.header("range") if not condition or (tag and condition == f'"{tag}"') else ""
        found = wanted_range(asked, size)
        part = found or Range(0, size)
    except BaseException:
        file.close()
        raise
    media = HTML if page else BYTES
    headers = {
        **(SANDBOXED if page else INERT),
        "Accept-Ranges": "bytes",
        "Content-Length": str(part.stop - part.start),
    }
    if tag:
        headers["ETag"] = f'"{tag}"'
    if found is not None:
        headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{size}"
    if call.scope["method"] == "HEAD":
        file.close()
        return Answer(_nothing(), status=200, media=media, headers=headers)
    return Answer(_blocks(file, part), status=200 if found is None else 206, media=media, headers=headers)


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""


async def _blocks(file: BinaryIO, part: Range) -> AsyncIterator[bytes]:
    try:
        await asyncio.to_thread(file.seek, part.start)
        left = part.stop - part.start
        while left > 0 and (block := await asyncio.to_thread(file.read, min(BLOCK, left))):
            left -= len(block)
            yield block
    finally:
        file.close()
