"""Registered models, their versions, aliases and stages (``core.registered.Registry``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import msgspec

from autotrack.core.registered import AliasMove, ModelVersion, RegisteredModel
from autotrack.core.wire import encoded

from ..calls import Call
from ..routing import Of, Permission, Role, Table
from . import forms

ROUTES = Table("/api/v1")
READ = Permission(Role.VIEWER, Of.MODEL)
WRITE = Permission(Role.EDITOR, Of.MODEL)

Number = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]


class Search(forms.Query):
    """A search of names or of versions, a page of it."""

    filter: forms.Filter = ""
    order_by: list[forms.Filter] = msgspec.field(default_factory=list)
    max_results: forms.Page = 100
    offset: forms.Count = 0


@dataclass(frozen=True, slots=True)
class Models:
    models: list[RegisteredModel]


@dataclass(frozen=True, slots=True)
class Versions:
    versions: list[ModelVersion]


@dataclass(frozen=True, slots=True)
class Moves:
    moves: list[AliasMove]


class Name(forms.Body):
    """A new registered model. ``user``: who makes it, where the server does not know."""

    name: forms.Name
    description: forms.Text | None = None
    tags: forms.Texts = msgspec.field(default_factory=dict)
    user: forms.Text | None = None


Moment = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class Change(forms.Body):
    """What is to change of a model; a field that is left out stays. ``times``: when it was made and changed (ns), where
    another tracker had it first."""

    name: forms.Name | msgspec.UnsetType = msgspec.UNSET
    description: forms.Text | msgspec.UnsetType | None = msgspec.UNSET
    times: tuple[Moment, Moment] | msgspec.UnsetType = msgspec.UNSET


class NewVersion(forms.Body):
    """A version to be: the store gives it its number."""

    source: forms.Text
    artifact_uri: forms.Text | None = None
    run: forms.Text | None = None
    logged_model: forms.Text | None = None
    digest: forms.Text | None = None
    description: forms.Text | None = None
    status: forms.Text = "READY"
    status_message: forms.Text | None = None
    run_link: forms.Text | None = None
    user: forms.Text | None = None
    tags: forms.Texts = msgspec.field(default_factory=dict)


class VersionChange(forms.Body):
    """What is to change of a version. ``archive_others``: the stage's other versions go to Archived; ``times`` as of a
    model."""

    description: forms.Text | msgspec.UnsetType | None = msgspec.UNSET
    stage: forms.Text | msgspec.UnsetType = msgspec.UNSET
    archive_others: bool = False
    times: tuple[Moment, Moment] | msgspec.UnsetType = msgspec.UNSET


class Value(forms.Body):
    """A tag's value."""

    value: forms.Text


class Target(forms.Body):
    """The version that an alias is to stand for."""

    version: Number
    user: forms.Text | None = None


class Stages(forms.Query):
    stage: list[forms.Text] = msgspec.field(default_factory=list)


@ROUTES.get("/models", READ, query=Search, answer=Models)
def search(call: Call) -> dict[str, Any]:
    """Registered models, by name unless ordered."""
    return {"models": [encoded(each) for each in call.services.store.registry.search(**_asked(call.query))]}


@ROUTES.post("/models", WRITE, body=Name, answer=RegisteredModel, status=201)
def create(call: Call) -> dict[str, Any]:
    """Names a model."""
    new: Name = call.body
    registry, who = call.services.store.registry, _user(call, new.user)
    return encoded(registry.create(new.name, description=new.description, tags=new.tags, user=who))


@ROUTES.get("/models/{model}", READ, answer=RegisteredModel)
def get(call: Call) -> dict[str, Any]:
    """A registered model."""
    return encoded(call.services.store.registry.get(call.path["model"]))


@ROUTES.patch("/models/{model}", WRITE, body=Change, answer=RegisteredModel)
def change(call: Call) -> dict[str, Any]:
    """Describes a model, or gives it another name."""
    registry, name, wanted = call.services.store.registry, call.path["model"], call.body
    found = registry.get(name)
    if wanted.description is not msgspec.UNSET:
        found = registry.describe(name, wanted.description)
    if wanted.name is not msgspec.UNSET:
        found = registry.rename(name, wanted.name)
    if wanted.times is not msgspec.UNSET:
        registry.date(found.name, None, *wanted.times)
        found = registry.get(found.name)
    return encoded(found)


@ROUTES.delete("/models/{model}", WRITE)
def delete(call: Call) -> None:
    """Removes a model with its versions, aliases and tags."""
    call.services.store.registry.delete(call.path["model"])


@ROUTES.put("/models/{model}/tags/{key:path}", WRITE, body=Value)
def set_tag(call: Call) -> None:
    """Sets a model's tag."""
    call.services.store.registry.set_tag(call.path["model"], call.path["key"], call.body.value)


@ROUTES.delete("/models/{model}/tags/{key:path}", WRITE)
def delete_tag(call: Call) -> None:
    """Takes a model's tag away."""
    call.services.store.registry.delete_tag(call.path["model"], call.path["key"])


@ROUTES.get("/models/{model}/latest", READ, query=Stages, answer=Versions)
def latest(call: Call) -> dict[str, Any]:
    """The newest version of each stage, or of those stages."""
    found = call.services.store.registry.latest(call.path["model"], call.query.stage)
    return {"versions": [encoded(each) for each in found]}


@ROUTES.get("/models/{model}/moves", READ, answer=Moves)
def moves(call: Call) -> dict[str, Any]:
    """How the model's aliases moved, newest first."""
    return {"moves": [encoded(each) for each in call.services.store.registry.alias_moves(call.path["model"])]}


@ROUTES.get("/versions", READ, query=Search, answer=Versions)
def versions(call: Call) -> dict[str, Any]:
    """Versions of all models, by name, newest first, unless ordered."""
    return {"versions": [encoded(each) for each in call.services.store.registry.versions(**_asked(call.query))]}


@ROUTES.post("/models/{model}/versions", WRITE, body=NewVersion, answer=ModelVersion, status=201)
def create_version(call: Call) -> dict[str, Any]:
    """Adds a version to a model."""
    given = {name: getattr(call.body, name) for name in NewVersion.__struct_fields__}
    version = ModelVersion(call.path["model"], 0, **{**given, "user": _user(call, call.body.user)})
    return encoded(call.services.store.registry.create_version(version))


@ROUTES.get("/models/{model}/versions/{version}", READ, answer=ModelVersion)
def version(call: Call) -> dict[str, Any]:
    """A version of a model."""
    return encoded(call.services.store.registry.version(*_version(call)))


@ROUTES.patch("/models/{model}/versions/{version}", WRITE, body=VersionChange, answer=ModelVersion)
def change_version(call: Call) -> dict[str, Any]:
    """Describes a version, or moves it to a stage."""
    registry, wanted = call.services.store.registry, call.body
    found = registry.version(*_version(call))
    if wanted.description is not msgspec.UNSET:
        found = registry.describe_version(*_version(call), wanted.description)
    if wanted.stage is not msgspec.UNSET:
        found = registry.set_stage(*_version(call), wanted.stage, archive_others=wanted.archive_others)
    if wanted.times is not msgspec.UNSET:
        registry.date(*_version(call), *wanted.times)
        found = registry.version(*_version(call))
    return encoded(found)


@ROUTES.delete("/models/{model}/versions/{version}", WRITE)
def delete_version(call: Call) -> None:
    """Removes a version with its aliases and tags."""
    call.services.store.registry.delete_version(*_version(call), user=_user(call, None))


@ROUTES.put("/models/{model}/versions/{version}/tags/{key:path}", WRITE, body=Value)
def set_version_tag(call: Call) -> None:
    """Sets a version's tag."""
    call.services.store.registry.set_version_tag(*_version(call), call.path["key"], call.body.value)


@ROUTES.delete("/models/{model}/versions/{version}/tags/{key:path}", WRITE)
def delete_version_tag(call: Call) -> None:
    """Takes a version's tag away."""
    call.services.store.registry.delete_version_tag(*_version(call), call.path["key"])


@ROUTES.get("/models/{model}/aliases/{alias}", READ, answer=ModelVersion)
def at_alias(call: Call) -> dict[str, Any]:
    """The version that an alias stands for."""
    return encoded(call.services.store.registry.at_alias(call.path["model"], call.path["alias"]))


@ROUTES.put("/models/{model}/aliases/{alias}", WRITE, body=Target)
def set_alias(call: Call) -> None:
    """Has an alias stand for a version, whatever it stood for before."""
    who = _user(call, call.body.user)
    call.services.store.registry.set_alias(call.path["model"], call.path["alias"], call.body.version, user=who)


@ROUTES.delete("/models/{model}/aliases/{alias}", WRITE)
def delete_alias(call: Call) -> None:
    """Takes an alias away."""
    call.services.store.registry.delete_alias(call.path["model"], call.path["alias"], user=_user(call, None))


def _asked(wanted: Search) -> dict[str, Any]:
    return {name: getattr(wanted, name) for name in Search.__struct_fields__}


def _version(call: Call) -> tuple[str, int]:
    return call.path["model"], msgspec.convert(call.path["version"], Number, strict=False)


def _user(call: Call, said: str | None) -> str | None:
    """Who asks; where the server knows no users, who the client says it is."""
    return said if call.user is None else str(call.user.name)
