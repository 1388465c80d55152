"""The logged models of a server (``core.registered.LoggedModels``)."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from autotrack.core.errors import StoreError
from autotrack.core.registered import LoggedMetric, LoggedModel
from autotrack.core.wire import decoded, encoded

from .connection import Connection
from .registry import PAGE, all_of

_MODELS = ("api", "v1", "logged-models")
#: What of a model the store sets itself, and where it is said otherwise.
_STORES_OWN = frozenset({"experiment_id", "lifecycle", "created", "updated", "metrics"})


class RemoteLoggedModels:
    """Asks a server; the methods are those of ``core.registered.LoggedModels``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def create(self, model: LoggedModel) -> LoggedModel:
        names = [field.name for field in dataclasses.fields(model) if field.name not in _STORES_OWN]
        document = {**{name: getattr(model, name) for name in names}}
        document |= {"params": dict(model.params), "tags": dict(model.tags)}
        path = ("api", "v1", "experiments", model.experiment_id, "logged-models")
        return decoded(LoggedModel, self._connection.send("POST", *path, document=document))

    def get(self, model_id: str) -> LoggedModel:
        return decoded(LoggedModel, self._connection.get(*_MODELS, model_id))

    def search(
        self,
        experiments: Sequence[str],
        filter: str = "",
        *,
        datasets: Sequence[tuple[str, str | None]] = (),
        order_by: Sequence[tuple[str, bool]] = (),
        max_results: int = 50,
        offset: int = 0,
    ) -> list[LoggedModel]:
        wanted: dict[str, Any] = {"experiments": list(experiments), "filter": filter}
        wanted |= {"datasets": list(datasets), "order_by": list(order_by)}
        found: list[LoggedModel] = []
        while len(found) < max_results:
            size = min(PAGE, max_results - len(found))
            document = {**wanted, "max_results": size, "offset": offset + len(found)}
            answer = self._connection.send("POST", *_MODELS, "search", document=document)
            some = all_of(LoggedModel, answer, "models")
            found += some
            if len(some) < size:
                break
        return found

    def set_status(self, model_id: str, status: str, message: str | None = None) -> LoggedModel:
        return self._change(model_id, (), {"status": status, "status_message": message})

    def delete(self, model_id: str) -> None:
        self._connection.send("DELETE", *_MODELS, model_id)

    def set_tags(self, model_id: str, tags: Mapping[str, str]) -> LoggedModel:
        return self._change(model_id, ("tags",), {"values": dict(tags)})

    def delete_tag(self, model_id: str, key: str) -> None:
        self._connection.send("DELETE", *_MODELS, model_id, "tags", key)

    def set_params(self, model_id: str, params: Mapping[str, str]) -> LoggedModel:
        return self._change(model_id, ("params",), {"values": dict(params)})

    def link(self, run: str, role: str, models: Collection[tuple[str, int]]) -> None:
        document = {"role": role, "models": list(models)}
        self._connection.send("POST", "api", "v1", "runs", run, "logged-models", document=document)

    def links(self, runs: Sequence[str]) -> dict[str, list[tuple[str, str, int]]]:
        found: dict[str, list[tuple[str, str, int]]] = {}
        for run in runs:
            answer = self._connection.get("api", "v1", "runs", run, "logged-models")
            try:
                listed = [(str(each["role"]), str(each["model"]), int(each["step"])) for each in answer["links"]]
            except (TypeError, KeyError, ValueError) as error:
                raise StoreError(f"{self._connection.shown} answered with no list of models ({error})") from None
            if listed:
                found[run] = listed
        return found

    def measured(self, model_id: str, metrics: Sequence[LoggedMetric]) -> None:
        document = {"metrics": [encoded(point) for point in metrics]}
        self._connection.send("POST", *_MODELS, model_id, "metrics", document=document)

    def _change(self, model_id: str, path: tuple[str, ...], document: Mapping[str, Any]) -> LoggedModel:
        answer = self._connection.send("PATCH", *_MODELS, model_id, *path, document=dict(document))
        return decoded(LoggedModel, answer)
