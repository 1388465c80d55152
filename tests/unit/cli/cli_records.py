"""Runs as a store would answer with, for tests of what is shown of them."""

from __future__ import annotations

import time
from typing import Any

from autotrack.core.entities import ArtifactRecord, DatasetRecord, MetricSummary, ModelRecord, RunRecord, Status

SECOND = 1_000_000_000
_count = 0


def run(name: str = "LogisticRegression", **given: Any) -> RunRecord:
    """A finished run of three minutes ago; ids count up."""
    global _count
    _count += 1
    started = given.pop("started", time.time_ns() - 200 * SECOND)
    values: dict[str, Any] = {
        "id": f"{_count:08x}" + "ab" * 12,
        "name": name,
        "experiment_id": "e1",
        "experiment": "default",
        "status": Status.FINISHED,
        "started": started,
        "ended": started + 400_000_000,
    }
    return RunRecord(**{**values, **given})


def summary(key: str, last: float, count: int = 1) -> MetricSummary:
    return MetricSummary(key, last, count - 1, time.time_ns(), last, last * 2, count)


def full_run() -> RunRecord:
    """A run with something of everything."""
    return run(
        "digits",
        params={"C": "0.1", "solver": "lbfgs", "note": "long " * 60, **{f"p{i}": str(i) for i in range(30)}},
        metrics={"training_score": 0.97, "loss": 0.12},
        tags={"team": "risk"},
        user="ada",
        datasets=(DatasetRecord("X", "train", "c0ffee" * 8, 426, {"a": "f8", "b": "f8"}, "sklearn"),),
        artifacts=(
            ArtifactRecord("model/MLmodel", 900, "0" * 64),
            ArtifactRecord("model/model.skops", 40_000, "1" * 64),
        ),
        models=(ModelRecord("model", "sklearn", "sklearn.linear_model.LogisticRegression", 40_900),),
        artifact_uri="/data/.autotrack/artifacts/default/1",
        health={"lost_points": 3, "errors": [{"site": "sklearn.fit", "error": "ValueError: no"}]},
    )
