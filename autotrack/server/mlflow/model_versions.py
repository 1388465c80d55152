"""Versions of registered models in MLflow's API."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import Connection

from autotrack.core.artifact_paths import check_artifact_path
from autotrack.core.errors import ArtifactError, NotFoundError
from autotrack.core.registered import ModelVersion, check_stage
from autotrack.store.search.latest import latest_run
from autotrack.store.store import Store

from ..answers import Answer
from ..calls import Call
from ..errors import invalid
from . import files, names, places, render, wire
from . import registry_wire as bodies
from .table import READ_MODEL, READ_MODELS, WRITE_MODEL, table

ROUTES = table()
PAGES = table("")
RESULTS, MOST = 10_000, 200_000
_OF_MODEL = re.compile(r"models:/(m-[0-9a-f]{32})")
_OF_VERSION = re.compile(r"models:/([^/@:]+)/(\d{1,9})")
#: How many copies of copies are followed to the files.
_FOLLOWED = 20


def number(value: wire.Whole) -> int:
    """A version's number (ApiError 400)."""
    found = wire.whole(value, "version")
    if found < 1:
        raise invalid(f"Model version must be a positive integer, got '{found}'.")
    return found


def told_version(found: ModelVersion) -> dict[str, Any]:
    """A version in MLflow's words."""
    return render.without_empty(
        {
            "name": found.name,
            "version": str(found.version),
            "creation_timestamp": render.milliseconds(found.created),
            "last_updated_timestamp": render.milliseconds(found.updated),
            "user_id": found.user,
            "current_stage": found.stage,
            "description": found.description,
            "source": found.source,
            "run_id": found.run,
            "status": found.status,
            "status_message": found.status_message,
            "tags": render.pairs(found.tags.items(), bodies.TAG_VALUE),
            "run_link": found.run_link,
            "aliases": list(found.aliases),
            "model_id": found.logged_model,
        }
    )


@ROUTES.post("/model-versions/create", WRITE_MODEL, body=bodies.CreateVersion)
def create(call: Call) -> dict[str, Any]:
    """Adds a version to a registered model."""
    body: bodies.CreateVersion = call.body
    name, source = bodies.model_name(body.name), wire.needed(body.source, "source")
    run = names.run_id(body.run_id) if body.run_id else None
    store = call.services.store
    store.registry.get(name)
    place, model, copied_run = _checked_source(store, source, body.model_id or None)
    tags = dict(bodies.checked_tag(tag.key, tag.value) for tag in wire.items(body.tags, "tags"))
    made = store.registry.create_version(
        ModelVersion(
            name=name,
            version=0,
            source=source,
            artifact_uri=place,
            run=run or copied_run,
            logged_model=model,
            description=body.description or "",
            run_link=body.run_link or "",
            user=call.user and call.user.name,
            tags=tags,
        )
    )
    return {"model_version": told_version(made)}


def _checked_source(store: Store, source: str, model: str | None) -> tuple[str | None, str | None, str | None]:
    """Where the files of a source are in the store, the logged model that it is, and the run that a version has which
    is copied (ApiError 400, NotFoundError).

    A source is the one place where a client says what the server, or whoever loads the model, will open.
    """
    of_version, of_model = _OF_VERSION.fullmatch(source), _OF_MODEL.fullmatch(source)
    if of_version is not None:
        copied = store.registry.version(of_version[1], int(of_version[2]))
        return copied.artifact_uri, model or copied.logged_model, copied.run
    if of_model is not None:
        found = store.logged_models.get(of_model[1])
        return f"{found.experiment_id}/models/{found.id}", found.id, None
    try:
        with store.reading() as connection:
            place = _place_of(connection, source)
    except (ArtifactError, NotFoundError) as error:
        raise invalid(f"Invalid model version source: '{source[:200]}'. {error}") from None
    if place.run is not None and not place.path:
        return place.folder, model, None
    return f"{place.folder}/{place.path}".rstrip("/"), model or place.model, None


def _place_of(connection: Connection, source: str) -> places.Place:
    scheme, _, path = source.partition(":/")
    if scheme not in ("runs", "mlflow-artifacts") or not path or path.startswith("/"):
        raise ArtifactError("a model lies in this server's store: mlflow-artifacts:/..., runs:/... or models:/...")
    if any(letter in path for letter in "?#;%"):
        raise ArtifactError("its path has a query, a fragment or an escape")
    if scheme == "mlflow-artifacts":
        return places.place_at(connection, path.rstrip("/"))
    owner, *inside = check_artifact_path(path.rstrip("/"))
    run = latest_run(connection, owner, whole=False)
    return places.Place(places.folder_of(run), "/".join(inside), run=run)


@ROUTES.get("/model-versions/get", READ_MODEL, body=bodies.VersionOf)
def get(call: Call) -> dict[str, Any]:
    """A version."""
    return {"model_version": told_version(_version(call))}


def _version(call: Call) -> ModelVersion:
    return call.services.store.registry.version(bodies.model_name(call.body.name), number(call.body.version))


@ROUTES.patch("/model-versions/update", WRITE_MODEL, body=bodies.DescribeVersion)
def update(call: Call) -> dict[str, Any]:
    """Sets a version's description."""
    body: bodies.DescribeVersion = call.body
    registry, name = call.services.store.registry, bodies.model_name(body.name)
    return {"model_version": told_version(registry.describe_version(name, number(body.version), body.description))}


@ROUTES.delete("/model-versions/delete", WRITE_MODEL, body=bodies.VersionOf)
def delete(call: Call) -> None:
    """Removes a version with its aliases; its files stay with its run."""
    call.services.store.registry.delete_version(bodies.model_name(call.body.name), number(call.body.version))


@ROUTES.get("/model-versions/search", READ_MODELS, body=bodies.SearchModels)
def search(call: Call) -> dict[str, Any]:
    """Versions that match a filter, a page of them."""
    body: bodies.SearchModels = call.body
    most, offset = wire.page_size(body.max_results, "max_results", RESULTS, MOST), wire.offset_of(body.page_token)
    found = call.services.store.registry.versions(
        body.filter or "",
        order_by=wire.items(body.order_by, "order_by"),
        max_results=most + 1,
        offset=offset,
        mlflow=True,
    )
    token = wire.token_of(offset + most) if len(found) > most else None
    return render.paged("model_versions", [told_version(version) for version in found[:most]], token)


@ROUTES.get("/model-versions/get-download-uri", READ_MODEL, body=bodies.VersionOf)
def download_uri(call: Call) -> dict[str, Any]:
    """Where the files of a version are, as a client asks for them."""
    return {"artifact_uri": location(call.services.store, _version(call))}


def location(store: Store, version: ModelVersion) -> str:
    """Where the files of a version are, as a client asks for them (NotFoundError)."""
    for _ in range(_FOLLOWED):
        copied = _OF_VERSION.fullmatch(version.source)
        if copied is None:
            break
        version = store.registry.version(copied[1], int(copied[2]))
    source = version.source
    of_model = _OF_MODEL.fullmatch(source)
    with store.reading() as connection:
        if of_model is not None:
            return places.model_root(connection, of_model[1])
        if source.startswith("runs:/"):
            place = _place_of(connection, source)
            if place.run is not None:
                return f"{render.artifact_root(place.run)}/{place.path}".rstrip("/")
    return source


@PAGES.get("/model-versions/get-artifact", READ_MODEL, query=bodies.FileOfVersion)
def get_artifact(call: Call) -> Answer:
    """A file of a version, to be saved."""
    query: bodies.FileOfVersion = call.query
    store = call.services.store
    version = store.registry.version(bodies.model_name(query.name), number(query.version))
    if not version.artifact_uri or ":/" in version.artifact_uri:
        raise NotFoundError(f"the files of {version.name} version {version.version} are not in this server's store")
    folder, path = version.artifact_uri, wire.needed(query.path, "path")
    return files.attachment(store, places.Place(folder, path))


@ROUTES.post("/model-versions/transition-stage", WRITE_MODEL, body=bodies.TransitionStage)
def transition_stage(call: Call) -> dict[str, Any]:
    """Moves a version to a stage."""
    body: bodies.TransitionStage = call.body
    stage, others = check_stage(wire.needed(body.stage, "stage")), bodies.said_yes(body.archive_existing_versions)
    if others and stage not in ("Staging", "Production"):
        raise invalid(
            f"Model version transition cannot archive existing model versions because '{stage}' is not an Active stage."
        )
    moved = call.services.store.registry.set_stage(
        bodies.model_name(body.name), number(body.version), stage, archive_others=others
    )
    return {"model_version": told_version(moved)}


@ROUTES.post("/model-versions/set-tag", WRITE_MODEL, body=bodies.VersionTag)
def set_tag(call: Call) -> None:
    """Sets a tag of a version."""
    body: bodies.VersionTag = call.body
    tag = bodies.checked_tag(body.key, body.value)
    call.services.store.registry.set_version_tag(bodies.model_name(body.name), number(body.version), *tag)


@ROUTES.delete("/model-versions/delete-tag", WRITE_MODEL, body=bodies.VersionTag)
def delete_tag(call: Call) -> None:
    """Takes a tag of a version away."""
    body: bodies.VersionTag = call.body
    key = bodies.tag_key(body.key)
    call.services.store.registry.delete_version_tag(bodies.model_name(body.name), number(body.version), key)
