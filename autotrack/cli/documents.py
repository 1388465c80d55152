"""The JSON that ``--json`` prints: one document, the same keys each time, times as ISO text and as nanoseconds.

Numbers that JSON has no name for are the strings ``"NaN"``, ``"Infinity"`` and ``"-Infinity"``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import click

from autotrack.core.entities import Delivery, Experiment, MetricSummary, RunRecord
from autotrack.core.wire import plain

from .words import SECOND, iso


def print_json(document: object) -> None:
    """Prints one document, indented, in UTF-8."""
    click.echo(json.dumps(plain(document), indent=2, ensure_ascii=False, allow_nan=False))


def run_document(run: RunRecord) -> dict[str, Any]:
    """A run with everything that the store has of it, without the points of its metrics."""
    taken = None if run.ended is None else (run.ended - run.started) / SECOND
    return {
        "id": run.id,
        "name": run.name,
        "experiment": run.experiment,
        "experiment_id": run.experiment_id,
        "status": str(run.status),
        "lifecycle": run.lifecycle,
        "started": iso(run.started),
        "started_ns": run.started,
        "ended": iso(run.ended),
        "ended_ns": run.ended,
        "duration_seconds": taken,
        "last_seen": iso(run.last_seen),
        "last_seen_ns": run.last_seen,
        "parent": run.parent,
        "session": run.session,
        "user": run.user,
        "artifact_uri": run.artifact_uri,
        "error": run.error,
        "exit_code": run.exit_code,
        "params": dict(run.params),
        "metrics": dict(run.metrics),
        "tags": dict(run.tags),
        "datasets": [
            {
                "name": data.name,
                "context": data.context,
                "digest": data.digest,
                "rows": data.rows,
                "columns": dict(data.columns),
                "source": data.source,
                "kind": data.kind,
                "bytes": data.bytes,
                "partial": data.partial,
                "fingerprint": data.fingerprint,
                "mlflow_digest": data.mlflow_digest,
            }
            for data in run.datasets
        ],
        "artifacts": [{"path": file.path, "size": file.size, "sha256": file.sha256} for file in run.artifacts],
        "models": [
            {
                "path": model.path,
                "uri": f"runs:/{run.id}/{model.path}",
                "flavor": model.flavor,
                "class_name": model.class_name,
                "size": model.size,
                "digest": model.digest,
            }
            for model in run.models
        ],
        "health": dict(run.health),
    }


def summaries_document(summaries: Iterable[MetricSummary]) -> dict[str, Any]:
    """What is known of each metric, by key."""
    return {
        each.key: {
            "last": each.last,
            "last_step": each.last_step,
            "last_time": iso(each.last_time),
            "last_time_ns": each.last_time,
            "min": each.min,
            "max": each.max,
            "count": each.count,
        }
        for each in summaries
    }


def experiment_document(experiment: Experiment) -> dict[str, Any]:
    """An experiment; ``run_count`` is null where the store did not count."""
    return {
        "id": experiment.id,
        "name": experiment.name,
        "lifecycle": experiment.lifecycle,
        "created": iso(experiment.created),
        "created_ns": experiment.created,
        "updated": iso(experiment.updated),
        "updated_ns": experiment.updated,
        "run_count": experiment.run_count,
        "tags": dict(experiment.tags),
    }


def delivery_document(delivery: Delivery) -> dict[str, Any]:
    """What one delivery brought to the store."""
    return {
        "points": delivery.points,
        "events": delivery.events,
        "damaged": delivery.damaged,
        "refused": delivery.refused,
        "reasons": list(delivery.reasons),
        "journals": delivery.journals,
        "left": delivery.left,
        "others": list(delivery.others),
        "busy": delivery.busy,
        "artifacts": delivery.artifacts,
        "objects": delivery.objects,
        "gone": delivery.gone,
        "kept": list(delivery.kept),
    }
