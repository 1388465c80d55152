"""What MLflow's own client writes into its stores, and what it then answers; run with the Python that has MLflow.

``python mlflow_moving.py write URI...``  writes the same things into each, and prints a JSON document of each store
``python mlflow_moving.py tell URI...``   prints only
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

os.environ.update(MLFLOW_ALLOW_FILE_STORE="true", GIT_PYTHON_REFRESH="quiet")
warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)

import mlflow  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from mlflow import MlflowClient  # noqa: E402
from mlflow.entities import Metric, ViewType  # noqa: E402
from sklearn.linear_model import LinearRegression  # noqa: E402

#: MLflow works out a model's requirements for seconds.
PLAIN = {"pip_requirements": ["scikit-learn"]}


def write(uri: str) -> None:
    """Every kind of thing that MLflow keeps, the awkward ones too."""
    mlflow.set_tracking_uri(uri)
    client = MlflowClient(uri)
    mlflow.set_experiment("moving/in ü")
    client.set_experiment_tag(client.get_experiment_by_name("moving/in ü").experiment_id, "team", "a b")
    with mlflow.start_run(run_name="parent", description="what *it* is\nfor") as parent:
        mlflow.log_params({"lr": 0.1, "empty": "", "lines": "a\nb", "ü": "☃", "long": "x" * 5000})
        points = [
            Metric("loss", value, 1_700_000_000_000 + n, n) for n, value in enumerate([3.0, float("nan"), 1e-300])
        ]
        points += [Metric("loss", float("inf"), 1_700_000_000_009, 9), Metric("loss", -0.0, 1_700_000_000_010, -5)]
        points += [Metric("deep/key.b", 2.5, 1_700_000_000_000, 2**60)]
        # The same step again, at another time, and an exact duplicate.
        points += [Metric("again", 1.0, 5000, 1), Metric("again", 2.0, 4000, 1), Metric("again", 2.0, 4000, 1)]
        client.log_batch(parent.info.run_id, metrics=points)
        client.log_batch(parent.info.run_id, metrics=[Metric("many", n / 7, n + 1, n // 3) for n in range(999)])
        table = pd.DataFrame({"x": [1, 2, 3], "y": ["a", "b", "c"]})
        data = mlflow.data.from_pandas(table, source="/data/x.csv", name="table", targets="x")
        mlflow.log_input(data, context="train", tags={"k": "v"})
        mlflow.log_input(mlflow.data.from_numpy(np.arange(6).reshape(3, 2), name="array"), context="eval")
        mlflow.log_text("hello", "texts/a.txt")
        mlflow.log_text("", "empty.txt")
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "b.bin").write_bytes(bytes(range(256)) * 5000)
            mlflow.log_artifacts(folder, "deep/er")
        with mlflow.start_run(nested=True, run_name="child"):
            mlflow.log_metric("m", 1)
        model = LinearRegression().fit([[1.0], [2.0]], [1.0, 2.0])
        info = mlflow.sklearn.log_model(
            model, name="model", registered_model_name="reg", params={"p": "1"}, step=3, **PLAIN
        )
        mlflow.log_metric("acc", 0.9, step=3, model_id=info.model_id, dataset=data)
    mlflow.sklearn.log_model(model, name="second", registered_model_name="reg", **PLAIN)
    mlflow.end_run()
    for status in ("FAILED", "KILLED"):
        run = client.create_run("0", run_name=f"run that {status}", start_time=1_600_000_000_000)
        client.set_terminated(run.info.run_id, status, end_time=1_600_000_005_000)
    client.create_run("0", run_name="stuck", start_time=1_600_000_000_000)
    client.create_run("0", run_name="live")
    client.delete_run(client.create_run("0", run_name="deleted").info.run_id)
    gone = client.create_experiment("gone", tags={"why": "over"})
    client.set_terminated(client.create_run(gone, run_name="of gone").info.run_id)
    client.delete_experiment(gone)
    client.set_registered_model_alias("reg", "champion", 1)
    client.set_registered_model_tag("reg", "t", "1")
    client.set_model_version_tag("reg", "1", "vt", "2")
    client.update_registered_model("reg", "what it predicts")
    client.update_model_version("reg", "1", "the first")
    third = client.create_model_version("reg", info.model_uri, model_id=info.model_id)
    client.copy_model_version("models:/reg/1", "reg")
    client.delete_model_version("reg", third.version)
    client.transition_model_version_stage("reg", "1", "Staging")


def go_on(uri: str) -> None:
    """The run that was live says more, and ends."""
    client = MlflowClient(uri)
    run = next(run for run in client.search_runs(["0"]) if run.info.run_name == "live").info.run_id
    client.log_batch(
        run, metrics=[Metric("late", 1.0, 1_800_000_000_000, 1), Metric("late", 0.5, 1_700_000_000_000, 0)]
    )
    client.log_text(run, "more", "more.txt")
    client.set_terminated(run)
    parent = next(run for run in client.search_runs([client.get_experiment_by_name("moving/in ü").experiment_id])
                  if run.info.run_name == "parent").info.run_id  # fmt: skip
    client.log_batch(parent, metrics=[Metric("loss", 7.0, 1_700_000_000_020, 3)])
    client.set_tag(parent, "afterwards", "yes")


def tell(uri: str) -> dict[str, Any]:
    """All that MLflow's client answers of a store."""
    mlflow.set_tracking_uri(uri)
    client = MlflowClient(uri)
    experiments = client.search_experiments(ViewType.ALL)
    runs = client.search_runs([each.experiment_id for each in experiments], run_view_type=ViewType.ALL)
    names = {each.experiment_id: each.name for each in experiments}
    # What is deleted does not answer with its points.
    return {
        "experiments": {
            each.name: {"id": each.experiment_id, "stage": each.lifecycle_stage, "tags": dict(each.tags),
                        "created": each.creation_time}
            for each in experiments
        },
        "runs": {run.info.run_id: run_told(client, run, names) for run in runs},
        "models": {
            model.model_id: {
                "name": model.name, "run": model.source_run_id, "status": str(model.status), "tags": dict(model.tags),
                "params": dict(model.params),
                "metrics": [[point.key, point.value, point.step, point.dataset_name] for point in model.metrics or []],
                "artifacts": files_told(model.artifact_location),
            }
            for model in client.search_logged_models([each.experiment_id for each in experiments])
        },
        "registry": {
            model.name: {
                "description": model.description, "tags": dict(model.tags),
                "times": [model.creation_timestamp, model.last_updated_timestamp],
                "aliases": {alias: int(version) for alias, version in model.aliases.items()},
                "versions": {
                    int(version.version): {
                        "source": version.source, "run": version.run_id, "stage": version.current_stage,
                        "description": version.description or "", "tags": dict(version.tags), "status": version.status,
                        "times": [version.creation_timestamp, version.last_updated_timestamp],
                    }
                    for version in client.search_model_versions(f"name = '{model.name}'")
                },
            }
            for model in client.search_registered_models()
        },
    }  # fmt: skip


def run_told(client: MlflowClient, run: Any, names: dict[str, str]) -> dict[str, Any]:
    info = run.info
    active = info.lifecycle_stage == "active"
    history = client.get_metric_history
    return {
        "experiment": names[info.experiment_id],
        "name": info.run_name,
        "status": info.status,
        "started": info.start_time,
        "ended": info.end_time,
        "stage": info.lifecycle_stage,
        "user": info.user_id,
        "params": dict(run.data.params),
        "tags": dict(run.data.tags),
        "metrics": {
            key: sorted([each.step, each.timestamp, repr(each.value)] for each in history(info.run_id, key))
            for key in run.data.metrics
        } if active else {},
        "latest": {key: repr(value) for key, value in run.data.metrics.items()},
        "datasets": sorted(
            [each.dataset.name, each.dataset.digest, each.dataset.source_type, each.dataset.source, each.dataset.schema,
             each.dataset.profile, sorted([tag.key, tag.value] for tag in each.tags)]
            for each in run.inputs.dataset_inputs
        ),
        "outputs": sorted([each.model_id, each.step] for each in run.outputs.model_outputs) if run.outputs else [],
        "artifacts": files_told(info.artifact_uri) if active else {},
    }  # fmt: skip


def files_told(uri: str) -> dict[str, str]:
    """The sha256 of each file, by path."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            place = Path(mlflow.artifacts.download_artifacts(uri, dst_path=folder))
        except (OSError, mlflow.MlflowException):
            return {}
        return {
            path.relative_to(place).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in place.rglob("*")
            if path.is_file()
        }


if __name__ == "__main__":
    verb, *uris = sys.argv[1:]
    told = {}
    for each in uris:
        if verb == "write":
            write(each)
            if "://" not in each:  # as it is before the live run goes on
                shutil.copytree(each, f"{each}-before", symlinks=True)
            go_on(each)
        told[each] = tell(each)
    print(json.dumps(told))
