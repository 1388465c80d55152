"""A running MLflow server, read by its REST API."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO
from urllib.parse import urlencode

from autotrack.plugin import ArtifactError

from .facts import (
    Dataset,
    Experiment,
    FileFound,
    Files,
    LoggedModel,
    ModelLink,
    ModelPoint,
    ModelVersion,
    Points,
    RegisteredModel,
    Run,
)
from .places import Places
from .wire import Absent, Refused, Wire

_RUNS, _POINTS, _MODELS = 500, 25_000, 50


class ServerSource:
    """Reads one MLflow server."""

    def __init__(self, wire: Wire, places: Places) -> None:
        self._wire = wire
        self._places = places
        self.shown = wire.shown
        self.unread: list[tuple[str, str]] = []

    def experiments(self) -> Iterator[Experiment]:
        body = {"max_results": 1000, "view_type": "ALL"}
        for found in self._wire.pages("experiments/search", "experiments", body):
            yield Experiment(
                id=str(found["experiment_id"]),
                name=str(found["name"]),
                deleted=found.get("lifecycle_stage") == "deleted",
                created=int(found.get("creation_time") or 0),
                updated=int(found.get("last_update_time") or 0),
                tags=texts(found.get("tags")),
            )

    def count(self, experiment: Experiment) -> int | None:
        return None

    def runs(self, experiment: Experiment) -> Iterator[Run]:
        # By id would be steadier under writers; MLflow orders by attributes, and start_time is the one that stays.
        body = {"experiment_ids": [experiment.id], "run_view_type": "ALL", "max_results": _RUNS}
        body["order_by"] = ["attributes.start_time ASC"]
        for found in self._wire.pages("runs/search", "runs", body):
            yield run_of(found)

    def points(self, run: Run) -> Iterator[tuple[str, Points]]:
        answer = self._wire.get("runs/get", run_id=run.id)
        for key in sorted({str(metric["key"]) for metric in answer["run"].get("data", {}).get("metrics", ())}):
            yield key, self.history(run.id, key)

    def history(self, run_id: str, key: str) -> Points:
        """All points of one metric."""
        import numpy as np

        fields = {"run_id": run_id, "metric_key": key, "max_results": _POINTS}
        found = [
            (int(point["timestamp"]), float(point["value"]), int(point.get("step", 0)))
            for point in self._wire.pages("metrics/get-history", "metrics", fields, method="GET")
        ]
        times, values, steps = zip(*found, strict=True) if found else ((), (), ())
        return Points(np.array(times, np.int64), np.array(values, np.float64), np.array(steps, np.int64))

    def files(self, uri: str, place: str) -> Files:
        if uri.startswith("mlflow-artifacts:"):
            return self._places.files(uri)
        # Kept where only the server reaches it: it hands out files of runs itself.
        return RunFiles(self._wire, place) if place else self._places.files(uri)

    def logged_models(self, experiment: Experiment) -> Iterator[LoggedModel]:
        body = {"experiment_ids": [experiment.id], "max_results": _MODELS}
        try:
            for found in self._wire.pages("logged-models/search", "models", body):
                yield logged_model_of(found)
        except Absent:
            return  # a server of MLflow 2

    def registered_models(self) -> Iterator[RegisteredModel]:
        try:
            for found in self._wire.pages("registered-models/search", "registered_models", {}, method="GET"):
                name = str(found["name"])
                asked = {"filter": f"name = '{name}'" if "'" not in name else f'name = "{name}"'}
                versions = self._wire.pages("model-versions/search", "model_versions", asked, method="GET")
                yield RegisteredModel(
                    name=name,
                    description=found.get("description") or None,
                    created=int(found.get("creation_timestamp") or 0),
                    updated=int(found.get("last_updated_timestamp") or 0),
                    tags=texts(found.get("tags")),
                    aliases={each["alias"]: int(each["version"]) for each in found.get("aliases", ())},
                    versions=tuple(sorted(map(_version_of, versions), key=lambda each: each.version)),
                )
        except Absent:
            self.unread.append(("registered models", "the server has no registry"))

    def close(self) -> None:
        self._wire.close()


class ServerFiles:
    """Files that the server hands on (``mlflow-artifacts:``)."""

    is_near = False

    def __init__(self, wire: Wire, root: str) -> None:
        self._wire = wire
        self._root = root

    def listed(self) -> Iterator[FileFound]:
        waiting = [""]
        for folder in waiting:
            above = f"{folder}/" if folder else ""
            for entry in self._wire.list_files(f"{self._root}/{folder}".rstrip("/")):
                path = f"{above}{entry['path']}"
                if entry.get("is_dir"):
                    waiting.append(path)
                else:
                    yield FileFound(path, int(entry["file_size"]) if "file_size" in entry else None)

    def open(self, path: str) -> BinaryIO:
        return self._wire.open_file(f"{self._root}/{path}")


class RunFiles:
    """Files of a run that lie where only the server reaches them."""

    is_near = False

    def __init__(self, wire: Wire, run_id: str) -> None:
        self._wire = wire
        self._run = run_id

    def listed(self) -> Iterator[FileFound]:
        waiting = [""]
        for folder in waiting:
            body = {"run_id": self._run, "path": folder or None}
            try:
                entries = list(self._wire.pages("artifacts/list", "files", body, method="GET"))
            except Refused as error:
                raise ArtifactError(f"its files cannot be listed ({error})") from error
            for entry in entries:
                if entry.get("is_dir"):
                    waiting.append(entry["path"])
                else:
                    yield FileFound(entry["path"], int(entry["file_size"]) if "file_size" in entry else None)

    def open(self, path: str) -> BinaryIO:
        return self._wire.open(f"/get-artifact?{urlencode({'path': path, 'run_uuid': self._run})}")


def run_of(found: Mapping[str, Any]) -> Run:
    """A run as the API answers it."""
    info, data = found["info"], found.get("data", {})
    inputs, outputs = found.get("inputs", {}), found.get("outputs", {})
    tags = texts(data.get("tags"))
    # A run that still writes is looked at each time: its newest points need not be its latest ones.
    seen = json.dumps(found, sort_keys=True)
    links = [ModelLink("input", str(each["model_id"])) for each in inputs.get("model_inputs", ())]
    links += [
        ModelLink("output", str(each["model_id"]), int(each.get("step", 0)))
        for each in outputs.get("model_outputs", ())
    ]
    run_id = str(info.get("run_id") or info.get("run_uuid"))
    return Run(
        id=run_id,
        name=str(info.get("run_name") or ""),
        status=str(info.get("status", "RUNNING")),
        started=int(info.get("start_time") or 0),
        ended=int(info["end_time"]) if info.get("end_time") else None,
        state=hashlib.sha256(seen.encode()).hexdigest(),
        deleted=info.get("lifecycle_stage") == "deleted",
        user=info.get("user_id") or None,
        artifact_uri=str(info.get("artifact_uri") or ""),
        params=texts(data.get("params")),
        tags=tags,
        datasets=tuple(map(_dataset_of, inputs.get("dataset_inputs", ()))),
        models=tuple(links),
        place=run_id,
    )


def _dataset_of(found: Mapping[str, Any]) -> Dataset:
    dataset = found["dataset"]
    return Dataset(
        name=str(dataset["name"]),
        digest=str(dataset["digest"]),
        source_type=str(dataset.get("source_type") or ""),
        source=str(dataset.get("source") or ""),
        schema=dataset.get("schema"),
        profile=dataset.get("profile"),
        tags=texts(found.get("tags")),
    )


def logged_model_of(found: Mapping[str, Any]) -> LoggedModel:
    """A logged model as the API answers it."""
    info, data = found["info"], found.get("data", {})
    points = [
        ModelPoint(
            str(each["key"]),
            float(each["value"]),
            int(each["timestamp"]),
            int(each.get("step", 0)),
            str(each.get("run_id") or info.get("source_run_id") or ""),
            each.get("dataset_name"),
            each.get("dataset_digest"),
        )
        for each in data.get("metrics", ())
    ]
    return LoggedModel(
        id=str(info["model_id"]),
        name=str(info.get("name") or "model"),
        artifact_uri=str(info.get("artifact_uri") or ""),
        status=str(info.get("status", "LOGGED_MODEL_READY")).removeprefix("LOGGED_MODEL_"),
        status_message=info.get("status_message"),
        model_type=info.get("model_type") or None,
        run=info.get("source_run_id") or None,
        created=int(info.get("creation_timestamp_ms") or 0),
        updated=int(info.get("last_updated_timestamp_ms") or 0),
        params=texts(data.get("params")),
        tags=texts(info.get("tags")),
        points=tuple(points),
    )


def _version_of(found: Mapping[str, Any]) -> ModelVersion:
    return ModelVersion(
        version=int(found["version"]),
        source=str(found.get("source") or ""),
        run=found.get("run_id") or None,
        model_id=found.get("model_id") or None,
        description=found.get("description") or None,
        stage=str(found.get("current_stage") or "None"),
        status=str(found.get("status") or "READY"),
        status_message=found.get("status_message") or None,
        run_link=found.get("run_link") or None,
        user=found.get("user_id") or None,
        created=int(found.get("creation_timestamp") or 0),
        updated=int(found.get("last_updated_timestamp") or 0),
        tags=texts(found.get("tags")),
    )


def texts(pairs: Sequence[Mapping[str, Any]] | None) -> dict[str, str]:
    """MLflow's lists of keys and values."""
    return {str(pair["key"]): str(pair.get("value", "")) for pair in pairs or ()}
