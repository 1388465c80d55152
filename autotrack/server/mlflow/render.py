"""Runs and experiments in MLflow's words: milliseconds, lists of pairs, empty lists left out, NaN as a string."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from autotrack.core.entities import Experiment
from autotrack.store.search.latest import DatasetRow, LatestRun

from .names import PARAM_VALUE, TAG_VALUE

NAME_TAG = "mlflow.runName"
PARENT_TAG = "mlflow.parentRunId"
USER_TAG = "mlflow.user"
CONTEXT_TAG = "mlflow.data.context"
#: MLflow knows no CRASHED.
STATUS = {"CRASHED": "FAILED"}


def milliseconds(moment: int | None) -> int | None:
    """Nanoseconds as MLflow's milliseconds."""
    return None if moment is None else moment // 1_000_000


def value_of(value: float | int) -> float | int | str:
    """A metric's value as JSON can say it."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def pairs(values: Iterable[tuple[str, str]], longest: int) -> list[dict[str, str]]:
    """Keys and values as MLflow's list, each value cut to what its clients expect."""
    return [{"key": key, "value": value if len(value) <= longest else value[:longest]} for key, value in values]


def without_empty(document: Mapping[str, Any]) -> dict[str, Any]:
    """A message without what is not set: MLflow leaves it out."""
    return {key: value for key, value in document.items() if value is not None and value != [] and value != {}}


def location(found: Experiment) -> str:
    """Where the artifacts of an experiment are, as a client asks for them."""
    return found.artifact_location or f"mlflow-artifacts:/{found.id}"


def experiment(found: Experiment) -> dict[str, Any]:
    """An experiment."""
    return without_empty(
        {
            "experiment_id": found.id,
            "name": found.name,
            "artifact_location": location(found),
            "lifecycle_stage": found.lifecycle,
            "creation_time": milliseconds(found.created),
            "last_update_time": milliseconds(found.updated),
            "workspace": "default",
            "tags": pairs(found.tags.items(), 2**31),
        }
    )


def artifact_root(run: LatestRun) -> str:
    """Where the artifacts of a run are, as a client asks for them."""
    return f"{run.location or f'mlflow-artifacts:/{run.experiment_id}'}/{run.id}/artifacts"


def info(run: LatestRun) -> dict[str, Any]:
    """What MLflow calls a run's info."""
    found = {
        "run_id": run.id,
        "run_uuid": run.id,
        "run_name": run.name,
        "experiment_id": run.experiment_id,
        "user_id": run.user or "",
        "status": STATUS.get(run.status, run.status),
        "start_time": milliseconds(run.started),
        "artifact_uri": artifact_root(run),
        "lifecycle_stage": run.lifecycle,
    }
    if run.ended is not None:
        found["end_time"] = milliseconds(run.ended)
    return found


def tags_of(run: LatestRun) -> dict[str, str]:
    """A run's tags, with those that stand for something that the store has a place of its own for."""
    tags = {**run.tags, NAME_TAG: run.name}
    if run.parent is not None:
        tags[PARENT_TAG] = run.parent
    if run.user and run.session is not None:  # as autotrack's own runs say it
        tags.setdefault(USER_TAG, run.user)
    return tags


def run(found: LatestRun, *, new: bool = False) -> dict[str, Any]:
    """A run; ``new`` as it is told to the one who has just made it."""
    data: dict[str, Any] = {"tags": pairs(tags_of(found).items(), TAG_VALUE)}
    if found.metrics:
        data["metrics"] = [
            {
                "key": point.key,
                "value": value_of(point.value),
                "timestamp": point.time // 1_000_000,
                "step": point.step,
            }
            for point in found.metrics
        ]
    if found.params:
        data["params"] = pairs(found.params, PARAM_VALUE)
    told: dict[str, Any] = {"info": info(found), "data": data, "inputs": {}}
    if not new:
        told["outputs"] = {}
    if found.datasets:
        told["inputs"]["dataset_inputs"] = [dataset_input(dataset) for dataset in found.datasets]
    inputs = [{"model_id": model} for role, model, _ in found.models if role == "input"]
    outputs = [{"model_id": model, "step": step} for role, model, step in found.models if role == "output"]
    if inputs:
        told["inputs"]["model_inputs"] = inputs
    if outputs:
        told["outputs"] = {"model_outputs": outputs}
    return told


def dataset_input(found: DatasetRow) -> dict[str, Any]:
    """A data set of a run: as its MLflow client said it, or what autotrack knows of it in MLflow's words."""
    if found.mlflow is not None:
        said = json.loads(found.mlflow)
        return without_empty(
            {
                "tags": said.get("tags", []),
                "dataset": {
                    "name": found.name,
                    "digest": found.digest,
                    **{name: value for name, value in said.items() if name != "tags"},
                },
            }
        )
    dataset = {
        "name": found.name,
        "digest": found.mlflow_digest or found.digest[:36],
        "source_type": "local",
        "source": json.dumps({"uri": found.source or ""}),
        "profile": None if found.rows is None else json.dumps({"num_rows": found.rows}),
    }
    tags = [{"key": CONTEXT_TAG, "value": found.context}] if found.context else []
    return without_empty({"tags": tags, "dataset": without_empty(dataset)})


def paged(name: str, things: Sequence[Any], token: str | None) -> dict[str, Any]:
    """A page of results: nothing at all where there are none."""
    found: dict[str, Any] = {name: things} if things else {}
    if token:
        found["next_page_token"] = token
    return found
