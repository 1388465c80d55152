"""Files in and out of the store: streamed, whole or not at all, and never run by a browser."""

from __future__ import annotations

import asyncio
import mimetypes
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import BinaryIO
from urllib.parse import quote

from sqlalchemy import delete, or_

from autotrack.core.entities import ArtifactRecord, Entry
from autotrack.core.errors import ArtifactError, NotFoundError
from autotrack.core.guard import attempt
from autotrack.store import schema
from autotrack.store.engines.dialect import whole
from autotrack.store.files.local import BLOCK
from autotrack.store.intake.direct import Change, Standing
from autotrack.store.store import Store

from ..answers import Answer
from ..calls import Call
from ..errors import invalid
from .places import Place
from .runs import Record, active

#: What a browser that opens the file all the same may do with it: nothing.
_SANDBOX = "sandbox; default-src 'none'; frame-ancestors 'none'"
_UNKNOWN = "application/octet-stream"


async def store(call: Call, place: Place) -> None:
    """Stores a request's body as a file, and notes it on its run (ApiError, ArtifactError)."""
    if not place.path:
        raise invalid("the path of an artifact ends with a file's name")
    run = place.run
    if run is not None and run.lifecycle != "active":
        raise invalid(f"The run {run.id} must be in the 'active' state. Current state is {run.lifecycle}.")
    loop = asyncio.get_running_loop()
    pieces = _blocks(call.stream())

    def blocks() -> Iterator[bytes]:
        while block := asyncio.run_coroutine_threadsafe(anext(pieces, b""), loop).result():
            yield block

    artifacts = call.services.store.artifacts
    made = await asyncio.to_thread(artifacts.put_blocks, place.folder, place.path, blocks())
    if run is not None:
        await call.services.write(Change(run.id, _noting(run.id, made)))


async def _blocks(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """A body in larger pieces than those in which it comes: each crosses from the loop to a thread."""
    some: list[bytes] = []
    size = 0
    async for piece in stream:
        some.append(piece)
        size += len(piece)
        if size >= BLOCK:
            yield b"".join(some)
            some, size = [], 0
    if some:
        yield b"".join(some)


class _noting:
    """The record of a file that is stored."""

    def __init__(self, run: str, made: ArtifactRecord) -> None:
        self._run = run
        self._made = made

    def __call__(self, standing: Standing) -> Sequence[Record]:
        active(standing, self._run)
        made = self._made
        fields = {"path": made.path, "size": made.size, "sha256": made.sha256}
        return [{"k": "artifact", "t": time.time_ns(), "r": self._run, **fields}]


def attachment(store: Store, place: Place) -> Answer:
    """A file as a response: to be saved, not shown (NotFoundError)."""
    if not place.path:
        raise invalid("the path of an artifact ends with a file's name")
    file = store.artifacts.open(place.folder, place.path)
    size = file.seek(0, 2)
    file.seek(0)
    name = place.path.rpartition("/")[2]
    plain = "".join(
        letter if letter.isascii() and letter.isprintable() and letter not in '"\\' else "_" for letter in name
    )
    headers = {
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}",
        "Content-Length": str(size),
        "Content-Security-Policy": _SANDBOX,
    }
    return Answer(_pieces(file), media=mimetypes.guess_type(name)[0] or _UNKNOWN, headers=headers)


async def _pieces(file: BinaryIO) -> AsyncIterator[bytes]:
    try:
        while piece := await asyncio.to_thread(file.read, BLOCK):
            yield piece
    finally:
        file.close()


def entries(store: Store, folder: str, path: str) -> list[Entry]:
    """What is in a folder; nothing in what is a file (ArtifactError)."""
    try:
        return store.artifacts.list(folder, path)
    except ArtifactError:
        with store.artifacts.open(folder, path):
            return []


@whole
def remove(store: Store, place: Place) -> None:
    """Removes a file or a folder, and what its run knows of it. What is not there is removed already."""
    _, error = attempt(store.artifacts.delete, place.folder, place.path)
    if error is not None and not isinstance(error, NotFoundError):
        raise error
    if place.run is None:
        return
    table = schema.artifacts
    gone = [table.c.run == place.run.number]
    if place.path:
        # Everything below it: "0" comes after "/".
        inside = (table.c.path >= f"{place.path}/") & (table.c.path < f"{place.path}0")
        gone.append(or_(table.c.path == place.path, inside))
    with store.writing() as connection:
        connection.execute(delete(table).where(*gone))
