"""The registered models of a server (``core.registered.Registry``)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from autotrack.core.errors import StoreError
from autotrack.core.registered import AliasMove, ModelVersion, RegisteredModel
from autotrack.core.wire import decoded

from .connection import Connection

T = TypeVar("T")

PAGE = 1000
_MODELS = ("api", "v1", "models")
#: What of a version the store sets itself.
_STORES_OWN = frozenset({"name", "version", "stage", "created", "updated", "aliases"})


class RemoteRegistry:
    """Asks a server; the methods are those of ``core.registered.Registry``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def create(
        self,
        name: str,
        *,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
        user: str | None = None,
    ) -> RegisteredModel:
        document = {"name": name, "description": description, "tags": dict(tags or {}), "user": user}
        return decoded(RegisteredModel, self._connection.send("POST", *_MODELS, document=document))

    def get(self, name: str) -> RegisteredModel:
        return decoded(RegisteredModel, self._connection.get(*_MODELS, name))

    def search(
        self,
        filter: str = "",
        *,
        order_by: Sequence[str] = (),
        max_results: int = 100,
        offset: int = 0,
        mlflow: bool = False,
    ) -> list[RegisteredModel]:
        return self._pages(RegisteredModel, _MODELS, "models", filter, order_by, max_results, offset)

    def rename(self, name: str, new_name: str) -> RegisteredModel:
        return decoded(RegisteredModel, self._connection.send("PATCH", *_MODELS, name, document={"name": new_name}))

    def describe(self, name: str, description: str | None) -> RegisteredModel:
        document = {"description": description}
        return decoded(RegisteredModel, self._connection.send("PATCH", *_MODELS, name, document=document))

    def delete(self, name: str) -> None:
        self._connection.send("DELETE", *_MODELS, name)

    def set_tag(self, name: str, key: str, value: str) -> None:
        self._connection.send("PUT", *_MODELS, name, "tags", key, document={"value": value})

    def delete_tag(self, name: str, key: str) -> None:
        self._connection.send("DELETE", *_MODELS, name, "tags", key)

    # Versions.

    def create_version(self, version: ModelVersion) -> ModelVersion:
        document = {
            field.name: getattr(version, field.name)
            for field in dataclasses.fields(version)
            if field.name not in _STORES_OWN
        }
        document["tags"] = dict(version.tags)
        path = (*_MODELS, version.name, "versions")
        return decoded(ModelVersion, self._connection.send("POST", *path, document=document))

    def version(self, name: str, version: int) -> ModelVersion:
        return decoded(ModelVersion, self._connection.get(*_version(name, version)))

    def versions(
        self,
        filter: str = "",
        *,
        order_by: Sequence[str] = (),
        max_results: int = 10_000,
        offset: int = 0,
        mlflow: bool = False,
    ) -> list[ModelVersion]:
        path = ("api", "v1", "versions")
        return self._pages(ModelVersion, path, "versions", filter, order_by, max_results, offset)

    def latest(self, name: str, stages: Sequence[str] = ()) -> list[ModelVersion]:
        answer = self._connection.get(*_MODELS, name, "latest", query={"stage": list(stages)})
        return all_of(ModelVersion, answer, "versions")

    def describe_version(self, name: str, version: int, description: str | None) -> ModelVersion:
        return self._change(name, version, {"description": description})

    def set_stage(self, name: str, version: int, stage: str, *, archive_others: bool = False) -> ModelVersion:
        return self._change(name, version, {"stage": stage, "archive_others": archive_others})

    def _change(self, name: str, version: int, document: dict[str, Any]) -> ModelVersion:
        return decoded(ModelVersion, self._connection.send("PATCH", *_version(name, version), document=document))

    def delete_version(self, name: str, version: int, *, user: str | None = None) -> None:
        self._connection.send("DELETE", *_version(name, version))

    def date(self, name: str, version: int | None, created: int, updated: int) -> None:
        place = (*_MODELS, name) if version is None else _version(name, version)
        self._connection.send("PATCH", *place, document={"times": [created, updated]})

    def set_version_tag(self, name: str, version: int, key: str, value: str) -> None:
        self._connection.send("PUT", *_version(name, version), "tags", key, document={"value": value})

    def delete_version_tag(self, name: str, version: int, key: str) -> None:
        self._connection.send("DELETE", *_version(name, version), "tags", key)

    # Aliases.

    def set_alias(self, name: str, alias: str, version: int, *, user: str | None = None) -> None:
        document = {"version": version, "user": user}
        self._connection.send("PUT", *_MODELS, name, "aliases", alias, document=document)

    def delete_alias(self, name: str, alias: str, *, user: str | None = None) -> None:
        self._connection.send("DELETE", *_MODELS, name, "aliases", alias)

    def at_alias(self, name: str, alias: str) -> ModelVersion:
        return decoded(ModelVersion, self._connection.get(*_MODELS, name, "aliases", alias))

    def alias_moves(self, name: str) -> list[AliasMove]:
        return all_of(AliasMove, self._connection.get(*_MODELS, name, "moves"), "moves")

    def _pages(
        self,
        kind: type[T],
        path: tuple[str, ...],
        what: str,
        filter: str,
        order_by: Sequence[str],
        max_results: int,
        offset: int,
    ) -> list[T]:
        found: list[T] = []
        while len(found) < max_results:
            size = min(PAGE, max_results - len(found))
            query = {"filter": filter, "order_by": list(order_by), "max_results": size, "offset": offset + len(found)}
            some = all_of(kind, self._connection.get(*path, query=query), what)
            found += some
            if len(some) < size:
                break
        return found


def _version(name: str, version: int) -> tuple[str, ...]:
    return (*_MODELS, name, "versions", str(version))


def all_of(kind: type[T], answer: Any, name: str) -> list[T]:
    """The entities in a list of an answer (StoreError where there is none)."""
    listed = answer.get(name) if isinstance(answer, dict) else None
    if not isinstance(listed, list):
        raise StoreError(f"the server answered with no list of {name}; is it of another version?")
    return [decoded(kind, each) for each in listed]
