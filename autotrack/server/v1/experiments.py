"""Experiments. In a path an experiment is named by its id alone: a name may be another one's id."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from msgspec import field
from sqlalchemy import Connection

from autotrack.core.entities import Experiment
from autotrack.core.errors import NotFoundError
from autotrack.core.wire import encoded
from autotrack.store.experiments import delete_tag, set_tag

from ..calls import Call
from ..routing import Table
from . import forms
from .permissions import CREATE, READ_EXPERIMENT, SEARCH, WRITE_EXPERIMENT
from .visible import visible

ROUTES = Table("/api/v1")


class WhichExperiments(forms.Query):
    lifecycle: forms.Lifecycle = "active"
    #: Only the one of this name.
    name: forms.Name | None = None


@dataclass(frozen=True, slots=True)
class Experiments:
    experiments: list[Experiment]


@ROUTES.get("/experiments", SEARCH, query=WhichExperiments, answer=Experiments)
def list_experiments(call: Call) -> dict[str, Any]:
    """Experiments, newest first, with how many active runs each has."""
    which: WhichExperiments = call.query
    found = visible(call).experiments(which.lifecycle)
    return {"experiments": [encoded(each) for each in found if which.name is None or each.name == which.name]}


class NewExperiment(forms.Body):
    name: forms.Name
    tags: forms.Texts = field(default_factory=dict)


@ROUTES.post("/experiments", CREATE, body=NewExperiment, answer=Experiment, status=201)
def create_experiment(call: Call) -> dict[str, Any]:
    """Makes an experiment."""
    return encoded(call.services.store.create_experiment(call.body.name, call.body.tags))


@ROUTES.get("/experiments/{experiment}", READ_EXPERIMENT, answer=Experiment)
def get_experiment(call: Call) -> dict[str, Any]:
    """An experiment by its id, deleted or not."""
    return encoded(_at(call))


class RenameExperiment(forms.Body):
    name: forms.Name


@ROUTES.patch("/experiments/{experiment}", WRITE_EXPERIMENT, body=RenameExperiment, answer=Experiment)
def rename_experiment(call: Call) -> dict[str, Any]:
    """Gives an experiment another name; its id stays."""
    call.services.store.rename_experiment(_at(call).name, call.body.name)
    return encoded(_at(call))


class ExperimentTags(forms.Body):
    """Tags to set, and keys of those to take away."""

    set: forms.Texts = field(default_factory=dict)
    remove: list[forms.Key] = field(default_factory=list)


@ROUTES.post("/experiments/{experiment}/tags", WRITE_EXPERIMENT, body=ExperimentTags, answer=Experiment)
def tag_experiment(call: Call) -> dict[str, Any]:
    """Sets and takes away tags of an experiment."""
    found, body = _at(call), call.body

    def work(connection: Connection) -> None:
        for key in body.remove:
            delete_tag(connection, found.id, key)
        for key, value in sorted(body.set.items()):
            set_tag(connection, found.id, key, value)

    call.services.store.write(work)
    return encoded(_at(call))


@ROUTES.delete("/experiments/{experiment}", WRITE_EXPERIMENT, answer=Experiment)
def delete_experiment(call: Call) -> dict[str, Any]:
    """Deletes an experiment softly, with its runs."""
    call.services.store.delete_experiment(_at(call).name)
    return encoded(_at(call))


@ROUTES.post("/experiments/{experiment}/restore", WRITE_EXPERIMENT, answer=Experiment)
def restore_experiment(call: Call) -> dict[str, Any]:
    """Brings a deleted experiment back, with the runs that went with it."""
    call.services.store.restore_experiment(_at(call).name)
    return encoded(_at(call))


def _at(call: Call) -> Experiment:
    identity = call.path["experiment"]
    for found in call.services.store.experiments("all"):
        if found.id == identity:
            return found
    raise NotFoundError(f"there is no experiment with the id {identity[:80]!r}; GET /api/v1/experiments lists them")
