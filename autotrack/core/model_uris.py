"""``models:/`` URIs: what they name, and the version that they stand for today.

``models:/<name>/<version>``, ``models:/<name>/latest``, ``models:/<name>/<stage>``, ``models:/<name>@<alias>`` and
``models:/<id of a logged model>``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from .registered import ModelVersion, Registry

SCHEME = "models:/"
LATEST = "latest"
_VERSION = re.compile(r"[0-9]{1,10}")


@dataclass(frozen=True, slots=True)
class ModelReference:
    """What a URI names: a logged model (``id``), or of a registered one (``name``) a version, an alias or a stage.

    The stage may be ``latest``: the version with the highest number, whatever its stage.
    """

    name: str = ""
    version: int | None = None
    alias: str | None = None
    stage: str | None = None
    id: str | None = None


def parse_model_uri(uri: str) -> ModelReference:
    """What a ``models:/`` URI names (UsageError where that cannot be meant)."""
    path = uri.removeprefix(SCHEME).strip("/")
    name, slash, rest = path.rpartition("/")
    if not slash:
        name, at, alias = path.rpartition("@")
        if at and name and alias:
            return ModelReference(name, stage=LATEST) if alias.lower() == LATEST else ModelReference(name, alias=alias)
        if path and not at:
            return ModelReference(id=path)
    elif name and "/" not in name and rest:
        if _VERSION.fullmatch(rest):
            return ModelReference(name, version=int(rest))
        if rest.lower() == LATEST:
            return ModelReference(name, stage=LATEST)
        from .registered import check_stage

        return ModelReference(name, stage=check_stage(rest))
    raise UsageError(
        f"{uri} names no model; it should be models:/<name>/<version>, models:/<name>@<alias>, models:/<name>/latest "
        "or models:/<id of a logged model>"
    )


def find_version(registry: Registry, reference: ModelReference) -> ModelVersion:
    """The version that a reference to a registered model stands for at this moment (NotFoundError)."""
    name = reference.name
    if reference.version is not None:
        return registry.version(name, reference.version)
    if reference.alias is not None:
        return registry.at_alias(name, reference.alias)
    stages = [reference.stage] if reference.stage and reference.stage != LATEST else []
    found = registry.latest(name, stages)
    if not found:
        which = f" in the stage {stages[0]}" if stages else ""
        raise NotFoundError(f"the model {name!r} has no version{which}; `autotrack models show {name}` lists them")
    return max(found, key=lambda version: version.version)
