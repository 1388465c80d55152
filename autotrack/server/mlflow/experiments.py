"""Experiments of MLflow's API."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from autotrack.core.entities import Experiment
from autotrack.core.errors import NotFoundError
from autotrack.store import experiments as lives
from autotrack.store import schema
from autotrack.store.engines.dialect import among, whole
from autotrack.store.filters import parse_filter, parse_order
from autotrack.store.filters.plain import Rows
from autotrack.store.filters.subjects import EXPERIMENTS

from ..calls import Call
from ..errors import ApiError, invalid
from ..services import Services
from . import names, places, render, wire
from .table import CREATE, READ_EXPERIMENT, SEARCH, WRITE_EXPERIMENT, table

ROUTES = table()

#: The experiment that MLflow's clients log to where they are told none.
DEFAULT = ("0", "Default")
_ENSURED = "mlflow.default"
#: Experiments on one page at most.
MOST = 50_000
_TAGS = schema.experiment_tags
_ROWS = Rows(
    EXPERIMENTS,
    {column.name: column for column in schema.experiments.columns},
    {"tag": (_TAGS, _TAGS.c.experiment_id == schema.experiments.c.id)},
)


@whole
def ensure_default(services: Services) -> None:
    """Makes the experiment that is always there; once for each process."""
    if _ENSURED not in services.extra:
        if services.store.writable:
            with services.store.writing() as connection:
                lives.ensure(connection, *DEFAULT)
        services.extra[_ENSURED] = True


def experiment_at(call: Call, identity: str | None) -> Experiment:
    """The experiment with that id, deleted or not (ApiError 400, NotFoundError)."""
    wanted = names.experiment_id(identity)
    ensure_default(call.services)
    with call.services.store.reading() as connection:
        found = lives.at(connection, wanted)
    if found is None:
        raise NotFoundError(f"No Experiment with id={wanted} exists")
    return found


def _active(call: Call, identity: str | None) -> Experiment:
    found = experiment_at(call, identity)
    if found.lifecycle != lives.ACTIVE:
        raise invalid(f"The experiment {found.id} must be in the 'active' state. Current state is {found.lifecycle}.")
    return found


@ROUTES.post("/experiments/create", CREATE, body=wire.CreateExperiment)
@whole
def create_experiment(call: Call) -> dict[str, Any]:
    """Makes an experiment."""
    body: wire.CreateExperiment = call.body
    name = names.experiment_name(body.name, "name")
    place = places.chosen(body.artifact_location)
    tags = dict(names.experiment_tag(tag.key, tag.value) for tag in wire.items(body.tags, "tags"))
    ensure_default(call.services)
    with call.services.store.writing() as connection:
        made = lives.create(connection, name, tags)
        if place is not None:
            lives.place(connection, made, f"{places.SCHEME}/{made}/{place}")
    return {"experiment_id": made}


@ROUTES.get("/experiments/get", READ_EXPERIMENT, body=wire.ExperimentById)
def get_experiment(call: Call) -> dict[str, Any]:
    """An experiment by its id."""
    return {"experiment": render.experiment(experiment_at(call, call.body.experiment_id))}


@ROUTES.get("/experiments/get-by-name", READ_EXPERIMENT, body=wire.ExperimentByName)
def get_by_name(call: Call) -> dict[str, Any]:
    """An experiment by its name."""
    name = wire.needed(call.body.experiment_name, "experiment_name")
    ensure_default(call.services)
    with call.services.store.reading() as connection:
        found = lives.named(connection, name)
    if found is None:
        raise NotFoundError(f"Could not find experiment with name '{name[:600]}'")
    return {"experiment": render.experiment(found)}


@ROUTES.post("/experiments/update", WRITE_EXPERIMENT, body=wire.UpdateExperiment)
@whole
def update_experiment(call: Call) -> None:
    """Gives an experiment another name."""
    body: wire.UpdateExperiment = call.body
    found = experiment_at(call, body.experiment_id)
    if body.new_name:
        name = names.experiment_name(body.new_name, "name")
        if found.lifecycle != lives.ACTIVE:
            raise ApiError(500, "INVALID_STATE", "Cannot rename a non-active experiment.")
        with call.services.store.writing() as connection:
            lives.rename_at(connection, found.id, name)


@ROUTES.post("/experiments/delete", WRITE_EXPERIMENT, body=wire.ExperimentById)
@whole
def delete_experiment(call: Call) -> None:
    """Deletes an experiment softly, with its runs."""
    found = experiment_at(call, call.body.experiment_id)
    with call.services.store.writing() as connection:
        lives.delete_at(connection, found.id)


@ROUTES.post("/experiments/restore", WRITE_EXPERIMENT, body=wire.ExperimentById)
@whole
def restore_experiment(call: Call) -> None:
    """Brings back a deleted experiment and the runs that went with it."""
    found = experiment_at(call, call.body.experiment_id)
    with call.services.store.writing() as connection:
        lives.restore_at(connection, found.id)


@ROUTES.post("/experiments/set-experiment-tag", WRITE_EXPERIMENT, body=wire.ExperimentTag)
@whole
def set_experiment_tag(call: Call) -> None:
    """Sets a tag of an experiment."""
    body: wire.ExperimentTag = call.body
    key, value = names.experiment_tag(body.key, body.value)
    found = _active(call, body.experiment_id)
    with call.services.store.writing() as connection:
        lives.set_tag(connection, found.id, key, value)


@ROUTES.post("/experiments/delete-experiment-tag", WRITE_EXPERIMENT, body=wire.ExperimentTag)
@whole
def delete_experiment_tag(call: Call) -> None:
    """Takes a tag of an experiment away."""
    body: wire.ExperimentTag = call.body
    key = names.key_of(body.key, "key")
    found = _active(call, body.experiment_id)
    with call.services.store.writing() as connection:
        if not lives.delete_tag(connection, found.id, key):
            raise NotFoundError(f"No tag with name: {key} in experiment with id {found.id}")


@ROUTES.post("/experiments/search", SEARCH, body=wire.SearchExperiments)
def search_experiments(call: Call) -> dict[str, Any]:
    """Experiments that match a filter, a page of them."""
    return _search(call)


@ROUTES.get("/experiments/search", SEARCH, body=wire.SearchExperiments)
def find_experiments(call: Call) -> dict[str, Any]:
    """The same, asked by GET."""
    return _search(call)


def _search(call: Call) -> dict[str, Any]:
    body: wire.SearchExperiments = call.body
    most = wire.page_size(body.max_results, "max_results", None, MOST)
    offset, lifecycle = wire.offset_of(body.page_token), wire.lifecycle(body.view_type, "view_type")
    node = parse_filter(body.filter or "", mlflow=True, subject=EXPERIMENTS)
    orders = parse_order(wire.items(body.order_by, "order_by"), mlflow=True, subject=EXPERIMENTS)
    table, readable = schema.experiments, call.readable
    query = select(table)
    if node is not None:
        query = query.where(_ROWS.condition(node))
    if lifecycle != "all":
        query = query.where(table.c.lifecycle == lifecycle)
    if readable is not None:
        query = query.where(among(table.c.id, sorted(readable)))
    keys = _ROWS.order(orders) or [table.c.created.desc()]
    query = query.order_by(*keys, table.c.id.desc()).limit(most + 1).offset(offset)
    ensure_default(call.services)
    with call.services.store.reading() as connection:
        found = lives.selected(connection, query)
    token = wire.token_of(offset + most) if len(found) > most else None
    return render.paged("experiments", [render.experiment(each) for each in found[:most]], token)
