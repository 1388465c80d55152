"""Artifacts of MLflow's API: files go through this server, into its store and out of it."""

from __future__ import annotations

import asyncio
from typing import Any

from autotrack.store.search.latest import LatestRun, latest_run

from .. import limits
from ..answers import Answer
from ..calls import Call
from ..errors import ApiError
from . import files, places, render, wire
from .table import ARTIFACTS, READ_ARTIFACT, READ_RUN, WRITE_ARTIFACT, WRITE_RUN, table

ROUTES = table()
PROXY = table(ARTIFACTS)
PAGES = table("")
TABLES = (ROUTES, PROXY, PAGES)


@PROXY.put("/artifacts/{path:path}", WRITE_ARTIFACT, body=bytes, limit=limits.ARTIFACT)
async def upload(call: Call) -> Answer:
    """Stores a file of a run or of a logged model, whole or not at all."""
    place = await asyncio.to_thread(_place, call, call.path["path"])
    await files.store(call, place)
    return Answer(b"")


@PROXY.get("/artifacts/{path:path}", READ_ARTIFACT)
def download(call: Call) -> Answer:
    """A file of a run or of a logged model."""
    place = _place(call, call.path["path"])
    return files.attachment(call.services.store, place)


@PROXY.delete("/artifacts/{path:path}", WRITE_ARTIFACT)
def remove(call: Call) -> None:
    """Removes a file, or a folder with all that is in it."""
    files.remove(call.services.store, _place(call, call.path["path"]))


@PROXY.get("/artifacts", READ_ARTIFACT, query=wire.Path)
def list_proxied(call: Call) -> dict[str, Any]:
    """What is in a folder; names are relative to it."""
    place = _place(call, wire.needed(call.query.path, "path"))
    entries = files.entries(call.services.store, place.folder, place.path)
    return listed([(entry.path.rpartition("/")[2], entry) for entry in entries])


@ROUTES.get("/artifacts/list", READ_RUN, body=wire.ListArtifacts)
def list_artifacts(call: Call) -> dict[str, Any]:
    """What is in a folder of a run's artifacts; names are relative to the run."""
    body: wire.ListArtifacts = call.body
    run = _run(call, wire.run_of(body))
    entries = files.entries(call.services.store, places.folder_of(run), body.path or "")
    return {"root_uri": render.artifact_root(run), **listed([(entry.path, entry) for entry in entries])}


def listed(entries: list[tuple[str, Any]]) -> dict[str, Any]:
    """Files and folders as MLflow lists them."""
    found = [
        {"path": name, "is_dir": True} if entry.is_folder else {"path": name, "is_dir": False, "file_size": entry.size}
        for name, entry in entries
    ]
    return render.paged("files", found, None)


@PAGES.get("/get-artifact", READ_RUN, query=wire.PathOfRun)
def get_artifact(call: Call) -> Answer:
    """A file of a run, to be saved."""
    query: wire.PathOfRun = call.query
    run = _run(call, wire.run_of(query))
    return files.attachment(
        call.services.store, places.Place(places.folder_of(run), wire.needed(query.path, "path"), run=run)
    )


@PAGES.post("/api/2.0/mlflow/upload-artifact", WRITE_RUN, query=wire.PathOfRun, body=bytes, limit=10 * limits.MIB)
async def upload_artifact(call: Call) -> None:
    """Stores a small file of a run, as MLflow's page sends it."""
    query: wire.PathOfRun = call.query
    run = await asyncio.to_thread(_run, call, wire.run_of(query))
    await files.store(call, places.Place(places.folder_of(run), wire.needed(query.path, "path"), run=run))


def _run(call: Call, run_id: str) -> LatestRun:
    with call.services.store.reading() as connection:
        return latest_run(connection, run_id, whole=False)


def _place(call: Call, path: str) -> places.Place:
    with call.services.store.reading() as connection:
        return places.place_at(connection, path)


# What needs a store that hands out its own URLs. MLflow's clients go on without it.


@ROUTES.post("/artifacts/presigned-upload-url", WRITE_RUN, body=wire.PathOfRun)
def presigned_upload(call: Call) -> None:
    """Not there: files go through this server."""
    raise _not_there("Presigned upload")


@ROUTES.post("/artifacts/presigned-download-url", READ_RUN, body=wire.PathOfRun)
def presigned_download(call: Call) -> None:
    """Not there: files go through this server."""
    raise _not_there("Presigned download")


@PROXY.get("/presigned/{path:path}", READ_ARTIFACT)
def presigned(call: Call) -> None:
    """Not there: files go through this server."""
    raise _not_there("Multipart download")


@PROXY.post("/mpu/create/{path:path}", WRITE_ARTIFACT)
def create_multipart(call: Call) -> None:
    """Not there: files go through this server, in one piece of any size."""
    raise _not_there("Multipart upload")


@PROXY.post("/mpu/complete/{path:path}", WRITE_ARTIFACT)
def complete_multipart(call: Call) -> None:
    """Not there (see ``create_multipart``)."""
    raise _not_there("Multipart upload")


@PROXY.post("/mpu/abort/{path:path}", WRITE_ARTIFACT)
def abort_multipart(call: Call) -> None:
    """Not there (see ``create_multipart``)."""
    raise _not_there("Multipart upload")


def _not_there(what: str) -> ApiError:
    # MLflow answers 501. Its clients look at the message, or take 404 as well; nothing that is sent here is a 5xx.
    return ApiError(404, "NOT_IMPLEMENTED", f"{what} is not supported for the current artifact repository")
