"""Runs and experiments in MLflow's words: milliseconds, lists of pairs, empty lists left out, NaN as a string."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from autotrack.core.entities import Experiment, RunRecord, Status

from .wire import PARAM_VALUE, TAG_VALUE

NAME_TAG = "mlflow.runName"
PARENT_TAG = "mlflow.parentRunId"
USER_TAG = "mlflow.user"
#: MLflow knows no CRASHED.
STATUS = {Status.CRASHED: "FAILED"}


def milliseconds(moment: int | None) -> int | None:
    """Nanoseconds as MLflow's milliseconds."""
    return None if moment is None else moment // 1_000_000


def value_of(value: float | int) -> float | int | str:
    """A metric's value as JSON can say it."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def pairs(values: Mapping[str, str], longest: int) -> list[dict[str, str]]:
    """A mapping as MLflow's list of keys and values, each value cut to what its clients expect."""
    return [{"key": key, "value": value[:longest]} for key, value in values.items()]


def without_empty(document: Mapping[str, Any]) -> dict[str, Any]:
    """A message without what is not set: MLflow leaves it out."""
    return {key: value for key, value in document.items() if value is not None and value != [] and value != {}}


def experiment(found: Experiment) -> dict[str, Any]:
    """An experiment."""
    return without_empty(
        {
            "experiment_id": found.id,
            "name": found.name,
            "artifact_location": found.artifact_location or f"mlflow-artifacts:/{found.id}",
            "lifecycle_stage": found.lifecycle,
            "creation_time": milliseconds(found.created),
            "last_update_time": milliseconds(found.updated),
            "tags": pairs(found.tags, 2**31),
        }
    )


def info(run: RunRecord) -> dict[str, Any]:
    """What MLflow calls a run's info."""
    return without_empty(
        {
            "run_id": run.id,
            "run_uuid": run.id,
            "run_name": run.name,
            "experiment_id": run.experiment_id,
            "user_id": run.user or "",
            "status": STATUS.get(run.status, str(run.status)),
            "start_time": milliseconds(run.started),
            "end_time": milliseconds(run.ended),
            "artifact_uri": f"mlflow-artifacts:/{run.experiment_id}/{run.id}/artifacts",
            "lifecycle_stage": run.lifecycle,
        }
    )


def run(found: RunRecord, metrics: list[dict[str, Any]]) -> dict[str, Any]:
    """A run; ``metrics`` are the latest of each."""
    tags = {**found.tags, NAME_TAG: found.name}
    if found.parent is not None:
        tags[PARENT_TAG] = found.parent
    if found.user:
        tags.setdefault(USER_TAG, found.user)
    data = {"metrics": metrics, "params": pairs(found.params, PARAM_VALUE), "tags": pairs(tags, TAG_VALUE)}
    return {"info": info(found), "data": without_empty(data)}
