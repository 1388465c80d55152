"""Experiments of MLflow's API."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from autotrack.core.entities import Experiment
from autotrack.core.errors import NotFoundError
from autotrack.store.store import Store

from ..calls import Call
from . import render, wire
from .table import CREATE, READ_EXPERIMENT, table

ROUTES = table()


class GetExperiment(Struct):
    experiment_id: wire.Text = None


class GetByName(Struct):
    experiment_name: wire.Text = None


@ROUTES.post("/experiments/create", CREATE, body=wire.CreateExperiment)
def create_experiment(call: Call) -> dict[str, Any]:
    """Makes an experiment."""
    body: wire.CreateExperiment = call.body
    tags = {tag.key or "": tag.value or "" for tag in body.tags or []}
    made = call.services.store.create_experiment(wire.needed(body.name, "name"), tags)
    return {"experiment_id": made.id}


@ROUTES.get("/experiments/get", READ_EXPERIMENT, body=GetExperiment)
def get_experiment(call: Call) -> dict[str, Any]:
    """An experiment by its id."""
    wanted = wire.needed(call.body.experiment_id, "experiment_id")
    return {"experiment": render.experiment(experiment_at(call.services.store, wanted))}


@ROUTES.get("/experiments/get-by-name", READ_EXPERIMENT, body=GetByName)
def get_by_name(call: Call) -> dict[str, Any]:
    """An experiment by its name."""
    name = wire.needed(call.body.experiment_name, "experiment_name")
    for found in call.services.store.experiments("all"):
        if found.name == name:
            return {"experiment": render.experiment(found)}
    raise NotFoundError(f"Could not find experiment with name '{name}'")


def experiment_at(store: Store, identity: str) -> Experiment:
    """The experiment with that id (NotFoundError)."""
    for found in store.experiments("all"):
        if found.id == identity:
            return found
    raise NotFoundError(f"No Experiment with id={identity} exists")
