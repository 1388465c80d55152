"""Models as MLflow 3 logs them: things of an experiment, with files of their own."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from sqlalchemy import select

from autotrack.core.errors import NotFoundError
from autotrack.core.keys import check_text, new_id
from autotrack.core.registered import LoggedMetric, LoggedModel
from autotrack.core.runs.names import run_name
from autotrack.store import experiments as lives
from autotrack.store import schema
from autotrack.store.engines.dialect import among
from autotrack.store.store import Store

from ..calls import Call
from ..errors import invalid
from . import files, names, places, render, wire
from . import registry_wire as bodies
from .artifacts import listed
from .experiments import experiment_at
from .searching import seen
from .table import CREATE_IN, READ_LOGGED_MODEL, SEARCH, WRITE_LOGGED_MODEL, table

ROUTES = table()
RESULTS, MOST = 50, 100
_STATUS = {1: "PENDING", 2: "READY", 3: "UPLOAD_FAILED"}


def told(model: LoggedModel, location: str | None) -> dict[str, Any]:
    """A logged model in MLflow's words; ``location`` is where the artifacts of its experiment are said to be."""
    root = location or f"{places.SCHEME}/{model.experiment_id}"
    info = {
        "model_id": model.id,
        "experiment_id": model.experiment_id,
        "name": model.name,
        "creation_timestamp_ms": render.milliseconds(model.created),
        "last_updated_timestamp_ms": render.milliseconds(model.updated),
        "artifact_uri": f"{root}/models/{model.id}/artifacts",
        "status": f"LOGGED_MODEL_{model.status}",
        "model_type": model.model_type or None,
        "source_run_id": model.run or None,
        "status_message": model.status_message,
        "tags": render.pairs(model.tags.items(), bodies.TAG_VALUE),
    }
    data = {
        "params": render.pairs(model.params.items(), names.PARAM_VALUE),
        "metrics": [_metric(model.id, metric) for metric in model.metrics],
    }
    return {"info": render.without_empty(info), "data": render.without_empty(data)}


def _metric(model: str, metric: LoggedMetric) -> dict[str, Any]:
    return render.without_empty(
        {
            "key": metric.key,
            "value": render.value_of(metric.value),
            "timestamp": render.milliseconds(metric.time),
            "step": metric.step,
            "dataset_name": metric.dataset_name,
            "dataset_digest": metric.dataset_digest,
            "model_id": model,
            "run_id": metric.run,
        }
    )


def _told(store: Store, *models: LoggedModel) -> list[dict[str, Any]]:
    table = schema.experiments
    wanted = sorted({model.experiment_id for model in models})
    with store.reading() as connection:
        query = select(table.c.id, table.c.artifact_location).where(among(table.c.id, wanted))
        at = {row[0]: row[1] for row in connection.execute(query)}
    return [told(model, at.get(model.experiment_id)) for model in models]


@ROUTES.post("/logged-models", CREATE_IN, body=bodies.CreateLoggedModel)
def create(call: Call) -> dict[str, Any]:
    """Begins a logged model; its files come next."""
    body: bodies.CreateLoggedModel = call.body
    experiment = experiment_at(call, body.experiment_id)
    if experiment.lifecycle != lives.ACTIVE:
        raise invalid(
            f"The experiment {experiment.id} must be in the 'active' state. Current state is {experiment.lifecycle}."
        )
    identity = new_id()
    made = call.services.store.logged_models.create(
        LoggedModel(
            id=f"m-{identity}",
            experiment_id=experiment.id,
            name=_name(body.name) or run_name(identity),
            model_type=body.model_type,
            run=body.source_run_id or None,
            params=_pairs(body.params, "params"),
            tags=_pairs(body.tags, "tags"),
        )
    )
    return {"model": _told(call.services.store, made)[0]}


def _name(name: str | None) -> str | None:
    if name and any(letter in name for letter in "/:.%\"'"):
        raise invalid(
            f"Invalid model name ({name[:200]}) provided. Model name must be a non-empty string and cannot contain the "
            "following characters: / : . % \" '"
        )
    return check_text(name, "name") if name else None


def _pairs(values: wire.Tags, where: str) -> dict[str, str]:
    return {
        names.key_of(value.key, f"{where}[{at}].key"): value.value or ""
        for at, value in enumerate(wire.items(values, where))
    }


@ROUTES.post("/logged-models/search", SEARCH, body=bodies.SearchLoggedModels)
def search(call: Call) -> dict[str, Any]:
    """Logged models of experiments that match a filter, a page of them."""
    body: bodies.SearchLoggedModels = call.body
    wanted = seen(call, wire.items(body.experiment_ids, "experiment_ids"))
    most, offset = wire.page_size(body.max_results, "max_results", RESULTS, MOST), wire.offset_of(body.page_token)
    datasets = [
        (wire.needed(each.dataset_name, "dataset_name"), each.dataset_digest or None)
        for each in wire.items(body.datasets, "datasets")
    ]
    orders = [
        (wire.needed(order.field_name, "field_name"), order.ascending is None or bodies.said_yes(order.ascending))
        for order in wire.items(body.order_by, "order_by")
    ]
    store = call.services.store
    found = store.logged_models.search(
        wanted, body.filter or "", datasets=datasets, order_by=orders, max_results=most + 1, offset=offset
    )
    token = wire.token_of(offset + most) if len(found) > most else None
    return render.paged("models", _told(store, *found[:most]), token)


@ROUTES.get("/logged-models/{model_id}", READ_LOGGED_MODEL)
def get(call: Call) -> dict[str, Any]:
    """A logged model."""
    store = call.services.store
    return {"model": _told(store, store.logged_models.get(call.path["model_id"]))[0]}


@ROUTES.patch("/logged-models/{model_id}", WRITE_LOGGED_MODEL, body=bodies.FinalizeLoggedModel)
def finalize(call: Call) -> dict[str, Any]:
    """Says that a logged model is complete, or that it will not be."""
    status = call.body.status
    found = _STATUS.get(int(status)) if str(status).isdigit() else str(status or "").removeprefix("LOGGED_MODEL_")
    if found not in ("READY", "UPLOAD_FAILED"):
        raise invalid(f"Invalid value {status!r:.60} for parameter 'status' supplied.")
    store = call.services.store
    return {"model": _told(store, store.logged_models.set_status(call.path["model_id"], found))[0]}


@ROUTES.delete("/logged-models/{model_id}", WRITE_LOGGED_MODEL)
def delete(call: Call) -> None:
    """Deletes a logged model softly; one that is deleted stays so."""
    store, model = call.services.store, call.path["model_id"]
    with store.reading() as connection:
        places.model_root(connection, model)  # deleted or not
    with suppress(NotFoundError):
        store.logged_models.delete(model)


@ROUTES.patch("/logged-models/{model_id}/tags", WRITE_LOGGED_MODEL, body=bodies.LoggedModelTags)
def set_tags(call: Call) -> None:
    """Sets tags of a logged model."""
    call.services.store.logged_models.set_tags(call.path["model_id"], _pairs(call.body.tags, "tags"))


@ROUTES.delete("/logged-models/{model_id}/tags/{key:path}", WRITE_LOGGED_MODEL)
def delete_tag(call: Call) -> None:
    """Takes a tag of a logged model away."""
    call.services.store.logged_models.delete_tag(call.path["model_id"], call.path["key"])


@ROUTES.post("/logged-models/{model_id}/params", WRITE_LOGGED_MODEL, body=bodies.LoggedModelParams)
def log_params(call: Call) -> None:
    """Adds params to a logged model."""
    call.services.store.logged_models.set_params(call.path["model_id"], _pairs(call.body.params, "params"))


@ROUTES.get("/logged-models/{model_id}/artifacts/directories", READ_LOGGED_MODEL, query=bodies.LoggedModelFolder)
def list_files(call: Call) -> dict[str, Any]:
    """What is in a folder of a logged model; names are relative to the model."""
    store, folder = call.services.store, call.query.artifact_directory_path or ""
    model = store.logged_models.get(call.path["model_id"])
    entries = files.entries(store, places.folder_of_model(model.experiment_id, model.id), folder)
    return {
        "root_uri": _told(store, model)[0]["info"]["artifact_uri"],
        **listed([(each.path, each) for each in entries]),
    }
