"""Registers models with an MLflow server by its REST API, which numbers versions itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .facts import ModelVersion, RegisteredModel
from .registry_sending import LeftOut
from .wire import Absent, Wire

#: What is said of a version that only counts, and is removed: ours of that number was deleted, or not brought.
_FILLER = "autotrack: only a number, to be removed"


class ServerRegistry:
    """The registry of an MLflow server."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def register(self, model: RegisteredModel, left_out: LeftOut) -> bool:
        """See ``registry_sending.RegistryTarget``."""
        there, new = self._model(model)
        known = {int(each["version"]): each for each in self._versions(model.name)}
        for version in model.versions:
            found = known.get(version.version)
            if found is None:
                if not self._counted_up(model.name, version, max(known, default=0), left_out):
                    continue
                known[version.version] = {"source": version.source}
                new = True
            elif found.get("source") != version.source:
                left_out(f"version {version.version} of {model.name!r:.120}", "another model has that number there")
                known.pop(version.version)
        aliases = {each["alias"]: int(each["version"]) for each in there.get("aliases", ())}
        for alias, number in model.aliases.items():
            if number in known and aliases.get(alias) != number:
                body = {"name": model.name, "alias": alias, "version": str(number)}
                self._wire.post("registered-models/alias", body)
                new = True
        return new

    def _model(self, model: RegisteredModel) -> tuple[Mapping[str, Any], bool]:
        try:
            there = self._wire.get("registered-models/get", name=model.name)["registered_model"]
        except Absent:
            body = {"name": model.name, "description": model.description, "tags": _pairs(model.tags)}
            return self._wire.post("registered-models/create", body)["registered_model"], True
        known = {pair["key"]: pair.get("value", "") for pair in there.get("tags", ())}
        for key, value in model.tags.items():
            if known.get(key) != value:
                self._wire.post("registered-models/set-tag", {"name": model.name, "key": key, "value": value})
        return there, False

    def _versions(self, name: str) -> list[dict[str, Any]]:
        asked = {"filter": f"name = '{name}'" if "'" not in name else f'name = "{name}"'}
        return list(self._wire.pages("model-versions/search", "model_versions", asked, method="GET"))

    def _counted_up(self, name: str, version: ModelVersion, last: int, left_out: LeftOut) -> bool:
        """Makes versions until one has the number, which is then this one; False where the number is used up."""
        while True:
            # How far the server has counted only a new version says: numbers of deleted ones do not come again.
            is_next = last + 1 >= version.version
            made = self._wire.post("model-versions/create", _body(name, version, filler=not is_next))["model_version"]
            last = int(made["version"])
            if is_next and last == version.version:
                break
            self._wire.post("model-versions/delete", {"name": name, "version": str(last)}, method="DELETE")
            if last >= version.version:
                left_out(f"version {version.version} of {name!r:.120}", "its number was used and deleted there")
                return False
        if version.stage != "None":
            body = {"name": name, "version": str(last), "stage": version.stage, "archive_existing_versions": False}
            self._wire.post("model-versions/transition-stage", body)
        return True


def _body(name: str, version: ModelVersion, *, filler: bool) -> dict[str, Any]:
    if filler:  # with files that the server accepts as a source
        return {"name": name, "source": version.source, "run_id": version.run, "description": _FILLER}
    return {
        "name": name,
        "source": version.source,
        "run_id": version.run,
        "description": version.description,
        "run_link": version.run_link,
        "tags": _pairs(version.tags),
    }


def _pairs(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in values.items()]
