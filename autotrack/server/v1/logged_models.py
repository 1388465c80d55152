"""Models as MLflow 3 logs them: things of an experiment, made by a run (``core.registered.LoggedModels``)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any, BinaryIO, Literal

import msgspec

from autotrack.core.registered import LoggedMetric, LoggedModel
from autotrack.core.wire import encoded
from autotrack.store.registry.needed import MODELS

from ..answers import Answer
from ..calls import Call
from ..routing import Of, Permission, Role, Table
from ..streams import file_answer
from . import forms
from .artifacts import File, Files, Where
from .permissions import READ_RUN, SEARCH, WRITE_EXPERIMENT, WRITE_RUN

ROUTES = Table("/api/v1")
READ = Permission(Role.VIEWER, Of.LOGGED_MODEL, ("model",))
WRITE = Permission(Role.EDITOR, Of.LOGGED_MODEL, ("model",))

Status = Literal["PENDING", "READY", "UPLOAD_FAILED"]
Id = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]


class NewModel(forms.Body):
    """A logged model to be; its times are the store's."""

    id: Id
    name: forms.Name
    model_type: forms.Text | None = None
    run: forms.Text | None = None
    status: Status = "PENDING"
    status_message: forms.Text | None = None
    params: forms.Texts = msgspec.field(default_factory=dict)
    tags: forms.Texts = msgspec.field(default_factory=dict)


class Search(forms.Body):
    """``experiments`` are ids, ``datasets`` names with a digest or null, ``order_by`` fields, true: ascending."""

    experiments: list[forms.Text]
    filter: forms.Filter = ""
    datasets: list[tuple[forms.Text, forms.Text | None]] = msgspec.field(default_factory=list)
    order_by: list[tuple[forms.Filter, bool]] = msgspec.field(default_factory=list)
    max_results: forms.Page = 50
    offset: forms.Count = 0


class Change(forms.Body):
    """How far a model is."""

    status: Status
    status_message: forms.Text | None = None


class Texts(forms.Body):
    values: forms.Texts


class Point(forms.Body):
    """A value that a run measured on the model, perhaps on a data set; ``time`` is in nanoseconds."""

    key: forms.Key
    value: forms.Number
    step: forms.Int64
    time: forms.Int64
    run: forms.Identity
    dataset_name: forms.Text | None = None
    dataset_digest: forms.Text | None = None


class Points(forms.Body):
    metrics: Annotated[list[Point], msgspec.Meta(max_length=10_000)]


class NewLinks(forms.Body):
    """Models that a run took in or brought out, each with a step."""

    role: Literal["input", "output"]
    models: Annotated[list[tuple[Id, forms.Int64]], msgspec.Meta(max_length=1000)]


@dataclass(frozen=True, slots=True)
class Found:
    models: list[LoggedModel]


@dataclass(frozen=True, slots=True)
class Link:
    """A model that a run took in (``input``) or brought out (``output``)."""

    role: str
    model: str
    step: int


@dataclass(frozen=True, slots=True)
class Links:
    links: list[Link]


@ROUTES.post("/experiments/{experiment}/logged-models", WRITE_EXPERIMENT, body=NewModel, answer=LoggedModel, status=201)
def create(call: Call) -> dict[str, Any]:
    """Adds a model to an experiment."""
    given = {name: getattr(call.body, name) for name in NewModel.__struct_fields__}
    made = LoggedModel(experiment_id=call.path["experiment"], **given)
    return encoded(call.services.store.logged_models.create(made))


@ROUTES.post("/logged-models/search", SEARCH, body=Search, answer=Found)
def search(call: Call) -> dict[str, Any]:
    """Active models of experiments, newest first unless ordered, a page of them."""
    wanted, readable = call.body, call.readable
    found = call.services.store.logged_models.search(
        [each for each in wanted.experiments if readable is None or each in readable],
        wanted.filter,
        datasets=wanted.datasets,
        order_by=wanted.order_by,
        max_results=wanted.max_results,
        offset=wanted.offset,
    )
    return {"models": [encoded(each) for each in found]}


@ROUTES.get("/logged-models/{model}", READ, answer=LoggedModel)
def get(call: Call) -> dict[str, Any]:
    """A logged model."""
    return encoded(call.services.store.logged_models.get(call.path["model"]))


@ROUTES.get("/logged-models/{model}/artifacts", READ, query=Where, answer=Files)
def files(call: Call) -> Files:
    """What is in a folder of a model's files, by name."""
    found = call.services.store.artifacts.list(_folder(call), call.query.path)
    return Files([File(entry.path, entry.size, entry.is_folder) for entry in found])


@ROUTES.get("/logged-models/{model}/artifacts/{path:path}", READ)
async def file(call: Call) -> Answer:
    """A file of a model, or the range of its bytes that is asked for."""

    def opened() -> BinaryIO:
        return call.services.store.artifacts.open(_folder(call), call.path["path"])

    return await file_answer(call, await asyncio.to_thread(opened), None)


def _folder(call: Call) -> str:
    model = call.services.store.logged_models.get(call.path["model"])
    return f"{model.experiment_id}/{MODELS}/{model.id}"


@ROUTES.patch("/logged-models/{model}", WRITE, body=Change, answer=LoggedModel)
def change(call: Call) -> dict[str, Any]:
    """Says that a model is complete, or that it will not be."""
    store = call.services.store.logged_models
    return encoded(store.set_status(call.path["model"], call.body.status, call.body.status_message))


@ROUTES.delete("/logged-models/{model}", WRITE)
def delete(call: Call) -> None:
    """Deletes a model softly."""
    call.services.store.logged_models.delete(call.path["model"])


@ROUTES.patch("/logged-models/{model}/tags", WRITE, body=Texts, answer=LoggedModel)
def set_tags(call: Call) -> dict[str, Any]:
    """Sets tags of a model."""
    return encoded(call.services.store.logged_models.set_tags(call.path["model"], call.body.values))


@ROUTES.delete("/logged-models/{model}/tags/{key:path}", WRITE)
def delete_tag(call: Call) -> None:
    """Takes a tag of a model away."""
    call.services.store.logged_models.delete_tag(call.path["model"], call.path["key"])


@ROUTES.patch("/logged-models/{model}/params", WRITE, body=Texts, answer=LoggedModel)
def set_params(call: Call) -> dict[str, Any]:
    """Sets params of a model."""
    return encoded(call.services.store.logged_models.set_params(call.path["model"], call.body.values))


@ROUTES.post("/logged-models/{model}/metrics", WRITE, body=Points)
def measured(call: Call) -> None:
    """Notes points that were measured on a model; the same point counts once."""
    points = [
        LoggedMetric(
            point.key, float(point.value), point.step, point.time, point.run, point.dataset_name, point.dataset_digest
        )
        for point in call.body.metrics
    ]
    call.services.store.logged_models.measured(call.path["model"], points)


@ROUTES.post("/runs/{run}/logged-models", WRITE_RUN, body=NewLinks)
def link(call: Call) -> None:
    """Says that a run took models in or brought them out."""
    call.services.store.logged_models.link(call.path["run"], call.body.role, call.body.models)


@ROUTES.get("/runs/{run}/logged-models", READ_RUN, answer=Links)
def links(call: Call) -> dict[str, Any]:
    """The models that a run took in or brought out."""
    run = call.path["run"]
    return {"links": [encoded(Link(*each)) for each in call.services.store.logged_models.links([run]).get(run, [])]}
