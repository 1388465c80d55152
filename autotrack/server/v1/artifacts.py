"""Files of runs, over HTTP: whole, in parts that survive a connection, and ranges of them.

A file is there whole or not at all: it is written under another name, its sha256 is compared with the one announced,
then it gets its name and the run's record says so.
"""

from __future__ import annotations

import asyncio
import re
import time
from typing import Annotated, BinaryIO, Literal

import msgspec

from autotrack.core.artifact_paths import check_artifact_path
from autotrack.core.cache import digest_of
from autotrack.core.entities import ArtifactRecord
from autotrack.core.errors import NotFoundError
from autotrack.core.journal.records import Record
from autotrack.store.files.rows import folder_of, recorded
from autotrack.store.intake.direct import Change, Standing

from .. import limits, uploads
from ..answers import Answer
from ..calls import Call
from ..errors import ApiError
from ..routing import Of, Permission, Role, Table
from ..streams import body_blocks, file_answer

ROUTES = Table("/api/v1")
READ = Permission(Role.VIEWER, Of.RUN, ("run",))
WRITE = Permission(Role.EDITOR, Of.RUN, ("run",))

_SHA256 = "^[0-9a-f]{64}$"
Digest = Annotated[str, msgspec.Meta(pattern=_SHA256)]
Number = Annotated[int, msgspec.Meta(ge=0, lt=uploads.MOST_PARTS)]


class File(msgspec.Struct):
    """A file or folder of a run; ``path`` is relative to the run, a folder's ``size`` is 0."""

    path: str
    size: int
    is_folder: bool


class Files(msgspec.Struct):
    """What is in a folder."""

    files: list[File]


class Where(msgspec.Struct):
    """A folder of a run's files; "" is the top."""

    path: str = ""


class Announced(msgspec.Struct):
    """The sha256 of what is sent, which it is compared with."""

    sha256: Digest | None = None


class Stored(msgspec.Struct):
    """A file as it was stored."""

    path: str
    size: int
    sha256: str


class Upload(msgspec.Struct):
    """A file that is to be sent in parts of ``part`` bytes."""

    path: str
    size: Annotated[int, msgspec.Meta(ge=0, le=limits.ARTIFACT)]
    sha256: Digest
    part: Annotated[int, msgspec.Meta(ge=64 * limits.KIB, le=limits.INGEST)]


class Parts(msgspec.Struct):
    """The parts that are here, of ``count``; ``done``: the whole file is here already."""

    upload: str
    parts: list[int]
    count: int
    done: bool


@ROUTES.get("/runs/{run}/artifacts", READ, query=Where, answer=Files)
def listed(call: Call) -> Files:
    """What is in a folder of a run's files, by name."""
    found = call.services.store.artifacts.list(_folder(call), call.query.path)
    return Files([File(entry.path, entry.size, entry.is_folder) for entry in found])


class As(msgspec.Struct):
    """``view=page``: a file whose name ends in ``.html`` comes as a page, in a sandbox that its own answer demands."""

    view: Literal["file", "page"] = "file"


@ROUTES.get("/runs/{run}/artifacts/{path:path}", READ, query=As)
async def get(call: Call) -> Answer:
    """A file, or the range of its bytes that is asked for. ``ETag`` is its sha256, where the run's record says it."""
    file, tag = await asyncio.to_thread(_open, call)
    page = call.query.view == "page" and call.path["path"].lower().endswith((".html", ".htm"))
    return await file_answer(call, file, tag, page=page)


def _open(call: Call) -> tuple[BinaryIO, str | None]:
    run, path = call.path["run"], call.path["path"]
    with call.services.store.reading() as connection:
        folder, record = folder_of(connection, run), recorded(connection, run, path)
    return call.services.store.artifacts.open(folder, path), None if record is None else record.sha256


@ROUTES.put(
    "/runs/{run}/artifacts/{path:path}", WRITE, body=bytes, query=Announced, answer=Stored, limit=limits.ARTIFACT
)
async def put(call: Call) -> Stored:
    """Stores a file, in the place of an older one of that name; 422 where it is not of the sha256 announced."""
    check_artifact_path(call.path["path"])
    record = await asyncio.to_thread(_put, call, asyncio.get_running_loop())
    await call.services.write(_noted(call.path["run"], record))
    return Stored(record.path, record.size, record.sha256)


def _put(call: Call, loop: asyncio.AbstractEventLoop) -> ArtifactRecord:
    storage, blocks = call.services.store.artifacts, body_blocks(call, loop)
    return storage.put_blocks(_folder(call), call.path["path"], blocks, sha256=call.query.sha256)


@ROUTES.delete("/runs/{run}/artifacts/{path:path}", WRITE)
def delete(call: Call) -> None:
    """Removes a file or a folder of a run."""
    try:
        call.services.store.artifacts.delete(_folder(call), call.path["path"])
    except NotFoundError:
        return  # it was removed before


@ROUTES.post("/runs/{run}/uploads", WRITE, body=Upload, answer=Parts)
def begin(call: Call) -> Parts:
    """Begins an upload in parts, or says which of its parts are here: the same file has the same upload."""
    wanted: Upload = call.body
    check_artifact_path(wanted.path)
    plan, storage = _plan(call.path["run"], wanted), call.services.store.artifacts
    here = uploads.present(storage, plan)
    return Parts(plan.id, here, plan.count, not here and _is_there(call, wanted))


@ROUTES.put("/runs/{run}/uploads/{upload}/{number}", WRITE, body=bytes, query=Announced, limit=limits.INGEST)
async def part(call: Call) -> None:
    """Stores a part of an upload, counted from 0; 422 where it is not of the sha256 announced."""
    upload, number = call.path["upload"], msgspec.convert(call.path["number"], Number, strict=False)
    if not re.fullmatch(r"[0-9a-f]{32}", upload):
        raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", "there is no such upload")
    await asyncio.to_thread(_folder, call)  # the run is there
    blocks = body_blocks(call, asyncio.get_running_loop())
    storage = call.services.store.artifacts
    await asyncio.to_thread(uploads.take, storage, upload, number, blocks, call.query.sha256)


@ROUTES.post("/runs/{run}/uploads/{upload}", WRITE, body=Upload, answer=Stored)
async def finish(call: Call) -> Stored:
    """Makes the file of its parts; 409 where some are missing, 422 where they are not the file announced."""
    run, wanted = call.path["run"], call.body
    plan = _plan(run, wanted)
    if plan.id != call.path["upload"]:
        raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", "there is no such upload of this file")
    storage = call.services.store.artifacts
    folder = await asyncio.to_thread(_folder, call)
    missing = plan.count - len(await asyncio.to_thread(uploads.present, storage, plan))
    if missing == plan.count and await asyncio.to_thread(_is_there, call, wanted):
        return Stored(wanted.path, wanted.size, wanted.sha256)  # it was ended before, and the answer did not arrive
    if missing:
        raise ApiError(409, "RESOURCE_CONFLICT", f"{missing} of {plan.count} parts are not here yet; send them")
    record = await asyncio.to_thread(uploads.join, storage, plan, folder)
    await call.services.write(_noted(run, record))
    await asyncio.to_thread(uploads.forget, storage, plan)
    return Stored(record.path, record.size, record.sha256)


def _plan(run: str, wanted: Upload) -> uploads.Plan:
    return uploads.Plan(run, wanted.path, wanted.size, wanted.sha256, wanted.part)


def _is_there(call: Call, wanted: Upload) -> bool:
    """True where the run has that very file already. Its record may have come before it, so the file itself is read."""
    run, storage = call.path["run"], call.services.store.artifacts
    with call.services.store.reading() as connection:
        folder, record = folder_of(connection, run), recorded(connection, run, wanted.path)
    if record is None or record.sha256 != wanted.sha256:
        return False
    try:
        with storage.open(folder, wanted.path) as file:
            if file.seek(0, 2) != wanted.size:
                return False
            return digest_of(file) == wanted.sha256
    except NotFoundError:
        return False


def _folder(call: Call) -> str:
    with call.services.store.reading() as connection:
        return folder_of(connection, call.path["run"])


def _noted(run: str, record: ArtifactRecord) -> Change:
    def records(standing: Standing) -> list[Record]:
        standing.run(run)
        said = {"path": record.path, "size": record.size, "sha256": record.sha256}
        return [{"k": "artifact", "t": time.time_ns(), "r": run, **said}]

    return Change(run, records)
