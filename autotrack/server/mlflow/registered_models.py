"""Registered models of MLflow's API, and the aliases that name their versions."""

from __future__ import annotations

import re
from typing import Any

from autotrack.core.errors import NotFoundError
from autotrack.core.registered import RegisteredModel, check_alias
from autotrack.store.filters import parse_filter, parse_order
from autotrack.store.filters.subjects import REGISTERED_MODELS

from ..calls import Call
from ..errors import invalid
from . import registry_wire as bodies
from . import render, wire
from .model_versions import number, told_version
from .table import READ_MODEL, READ_MODELS, WRITE_MODEL, table

ROUTES = table()
RESULTS, MOST = 100, 1000
_PROMPT = "mlflow.prompt.is_prompt"
#: The condition that MLflow's client adds to each search of its own accord.
_PROMPTS = re.compile(
    rf"(\s+AND\s+)?\btags?\.([`\"]){re.escape(_PROMPT)}\2\s*(?P<op>!=|=)\s*'(?P<value>true|false)'", re.IGNORECASE
)


def told(found: RegisteredModel) -> dict[str, Any]:
    """A registered model in MLflow's words."""
    return render.without_empty(
        {
            "name": found.name,
            "creation_timestamp": render.milliseconds(found.created),
            "last_updated_timestamp": render.milliseconds(found.updated),
            "user_id": found.user,
            "description": found.description,
            "latest_versions": [told_version(version) for version in found.latest],
            "tags": render.pairs(found.tags.items(), bodies.TAG_VALUE),
            "aliases": [{"alias": alias, "version": str(version)} for alias, version in found.aliases.items()],
        }
    )


@ROUTES.post("/registered-models/create", WRITE_MODEL, body=bodies.CreateModel)
def create(call: Call) -> dict[str, Any]:
    """Names a model."""
    body: bodies.CreateModel = call.body
    tags = dict(bodies.checked_tag(tag.key, tag.value) for tag in wire.items(body.tags, "tags"))
    made = call.services.store.registry.create(
        bodies.model_name(body.name), description=body.description, tags=tags, user=call.user and call.user.name
    )
    return {"registered_model": told(made)}


@ROUTES.get("/registered-models/get", READ_MODEL, body=bodies.ModelName)
def get(call: Call) -> dict[str, Any]:
    """A registered model."""
    return {"registered_model": told(call.services.store.registry.get(bodies.model_name(call.body.name)))}


@ROUTES.post("/registered-models/rename", WRITE_MODEL, body=bodies.RenameModel)
def rename(call: Call) -> dict[str, Any]:
    """Gives a registered model another name."""
    body: bodies.RenameModel = call.body
    if not body.new_name:
        raise invalid("Registered model name cannot be empty.")
    renamed = call.services.store.registry.rename(bodies.model_name(body.name), bodies.model_name(body.new_name))
    return {"registered_model": told(renamed)}


@ROUTES.patch("/registered-models/update", WRITE_MODEL, body=bodies.DescribeModel)
def update(call: Call) -> dict[str, Any]:
    """Sets a registered model's description."""
    body: bodies.DescribeModel = call.body
    described = call.services.store.registry.describe(bodies.model_name(body.name), body.description)
    return {"registered_model": told(described)}


@ROUTES.delete("/registered-models/delete", WRITE_MODEL, body=bodies.ModelName)
def delete(call: Call) -> None:
    """Removes a registered model with its versions; their files stay with their runs."""
    call.services.store.registry.delete(bodies.model_name(call.body.name))


def without_prompts(filter: str) -> str:
    """A filter of MLflow's as one of ours: prompts, which MLflow keeps among the models, are left out unless they are
    asked for (FilterError where it is not in MLflow's language)."""
    asked = _PROMPTS.search(filter)
    rest = filter if asked is None else _PROMPTS.sub("", filter).removeprefix(" AND ").strip()
    rest = re.sub(r"^\s*AND\s+", "", rest, flags=re.IGNORECASE)
    parse_filter(rest, mlflow=True, subject=REGISTERED_MODELS)
    is_prompt = f"tags.`{_PROMPT}` = 'true'"
    clause = (
        is_prompt if asked is not None and (asked["op"] == "=") == (asked["value"] == "true") else f"NOT {is_prompt}"
    )
    return f"{rest} AND {clause}" if rest.strip() else clause


@ROUTES.get("/registered-models/search", READ_MODELS, body=bodies.SearchModels)
def search(call: Call) -> dict[str, Any]:
    """Registered models that match a filter, a page of them."""
    body: bodies.SearchModels = call.body
    most, offset = wire.page_size(body.max_results, "max_results", RESULTS, MOST), wire.offset_of(body.page_token)
    orders = wire.items(body.order_by, "order_by")
    parse_order(orders, mlflow=True, subject=REGISTERED_MODELS)
    found = call.services.store.registry.search(
        without_prompts(body.filter or ""), order_by=orders, max_results=most + 1, offset=offset
    )
    token = wire.token_of(offset + most) if len(found) > most else None
    return render.paged("registered_models", [told(model) for model in found[:most]], token)


def _latest(call: Call) -> dict[str, Any]:
    body: bodies.LatestVersions = call.body
    found = call.services.store.registry.latest(bodies.model_name(body.name), wire.items(body.stages, "stages"))
    return render.paged("model_versions", [told_version(version) for version in found], None)


@ROUTES.get("/registered-models/get-latest-versions", READ_MODEL, body=bodies.LatestVersions)
def latest_versions(call: Call) -> dict[str, Any]:
    """The newest version of each stage."""
    return _latest(call)


@ROUTES.post("/registered-models/get-latest-versions", READ_MODEL, body=bodies.LatestVersions)
def post_latest_versions(call: Call) -> dict[str, Any]:
    """The same, asked by POST."""
    return _latest(call)


@ROUTES.post("/registered-models/set-tag", WRITE_MODEL, body=bodies.ModelTag)
def set_tag(call: Call) -> None:
    """Sets a tag of a registered model."""
    body: bodies.ModelTag = call.body
    call.services.store.registry.set_tag(bodies.model_name(body.name), *bodies.checked_tag(body.key, body.value))


@ROUTES.delete("/registered-models/delete-tag", WRITE_MODEL, body=bodies.ModelTag)
def delete_tag(call: Call) -> None:
    """Takes a tag of a registered model away."""
    body: bodies.ModelTag = call.body
    call.services.store.registry.delete_tag(bodies.model_name(body.name), bodies.tag_key(body.key))


@ROUTES.post("/registered-models/alias", WRITE_MODEL, body=bodies.Alias)
def set_alias(call: Call) -> None:
    """Has an alias name a version."""
    body: bodies.Alias = call.body
    name, alias = bodies.model_name(body.name), check_alias(body.alias)
    who = call.user and call.user.name
    call.services.store.registry.set_alias(name, alias, number(body.version), user=who)


@ROUTES.delete("/registered-models/alias", WRITE_MODEL, body=bodies.Alias)
def delete_alias(call: Call) -> None:
    """Takes an alias away; one that is not there is gone already."""
    body: bodies.Alias = call.body
    registry, name, alias = call.services.store.registry, bodies.model_name(body.name), check_alias(body.alias)
    if alias in registry.get(name).aliases:
        registry.delete_alias(name, alias, user=call.user and call.user.name)


@ROUTES.get("/registered-models/alias", READ_MODEL, body=bodies.Alias)
def get_by_alias(call: Call) -> dict[str, Any]:
    """The version that an alias names."""
    body: bodies.Alias = call.body
    name, alias = bodies.model_name(body.name), check_alias(body.alias)
    registry = call.services.store.registry
    registry.get(name)
    try:
        return {"model_version": told_version(registry.at_alias(name, alias))}
    except NotFoundError:
        raise invalid(f"Registered model alias {alias} not found.") from None
