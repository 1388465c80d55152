"""What a program does that logs with stock MLflow: run by MLflow's own Python against a server, prints what it found.

``python mlflow_client_side.py http://...`` prints one JSON document. It imports nothing of autotrack.
"""

from __future__ import annotations

import json
import math
import sys
import tempfile
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from sklearn.linear_model import LogisticRegression


def fluent() -> dict[str, Any]:
    """The calls of a training script."""
    mlflow.set_experiment("stock")
    with mlflow.start_run(run_name="parent", description="a note") as run:
        mlflow.log_param("a", 1)
        mlflow.log_params({"b": 2.5, "c": "x" * 7000})
        for step in range(3):
            mlflow.log_metric("loss", 1 / (step + 1), step=step)
        mlflow.log_metrics({"nan": float("nan"), "inf": float("inf")}, step=1)
        mlflow.set_tags({"t": "v", "mlflow.note.content": "changed"})
        mlflow.log_dict({"k": [1, 2]}, "d/x.json")
        mlflow.log_text("hello", "hello.txt")
        mlflow.log_table({"q": ["1"], "a": ["2"]}, "t.json")
        mlflow.log_input(mlflow.data.from_pandas(pd.DataFrame({"x": [1, 2, 3]}), name="frame"), context="training")
        with mlflow.start_run(nested=True, run_name="child") as child:
            mlflow.log_metric("loss", 3)
    with mlflow.start_run(run_id=run.info.run_id):
        mlflow.log_metric("again", 1)
    found = mlflow.get_run(run.info.run_id)
    [dataset] = found.inputs.dataset_inputs
    listed = MlflowClient().list_artifacts(run.info.run_id)
    table = mlflow.search_runs(experiment_names=["stock"], filter_string="metrics.loss < 1 AND params.a = '1'")
    return {
        "name": found.info.run_name,
        "status": found.info.status,
        "params": {key: len(value) if len(value) > 100 else value for key, value in found.data.params.items()},
        "loss": found.data.metrics["loss"],
        "nan": math.isnan(found.data.metrics["nan"]),
        "inf": found.data.metrics["inf"] > 1e300,
        "again": found.data.metrics["again"],
        "note": found.data.tags["mlflow.note.content"],
        "dataset": [dataset.dataset.name, dataset.tags[0].value, json.loads(dataset.dataset.profile)["num_rows"]],
        "artifacts": sorted(file.path for file in listed),
        "dict": mlflow.artifacts.load_dict(f"{found.info.artifact_uri}/d/x.json"),
        "table": mlflow.load_table("t.json", run_ids=[run.info.run_id]).to_dict("list"),
        "child": mlflow.get_run(child.info.run_id).data.tags["mlflow.parentRunId"] == run.info.run_id,
        "searched": table["run_id"].tolist() == [run.info.run_id],
    }


def client() -> dict[str, Any]:
    """The calls of MlflowClient."""
    used = MlflowClient()
    experiment = used.create_experiment("by hand", tags={"team": "a"})
    used.set_experiment_tag(experiment, "more", "b")
    used.rename_experiment(experiment, "by hand again")
    run = used.create_run(experiment, tags={"k": "v"}, run_name="r").info.run_id
    points = [Metric("m", float(step), 1000 + step, step) for step in range(2500)]
    for start in range(0, 2500, 1000):
        used.log_batch(run, points[start : start + 1000], [Param(f"p{start}", "q")], [RunTag(f"t{start}", "s")])
    used.delete_tag(run, "k")
    errors = {}
    for name, call in {
        "param": lambda: used.log_param(run, "p0", "other"),
        "key": lambda: used.log_metric(run, "f1@k", 1.0),
        "experiment": lambda: used.create_experiment("by hand again"),
        "run": lambda: used.get_run("0" * 32),
        "filter": lambda: used.search_runs([experiment], "params.a = '1' OR params.b = '2'"),
    }.items():
        try:
            call()
        except MlflowException as error:
            errors[name] = error.error_code
    used.set_terminated(run, "KILLED", end_time=5_000)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "sub").mkdir()
        Path(folder, "sub", "größe 1.txt").write_text("inside")
        used.log_artifacts(run, folder, "up")
        back = used.download_artifacts(run, "up/sub/größe 1.txt", folder)
        content = Path(back).read_text()
    used.delete_run(run)
    deleted = [found.info.run_id for found in used.search_runs([experiment], run_view_type=2)]
    used.restore_run(run)
    used.delete_experiment(experiment)
    gone = used.get_experiment(experiment).lifecycle_stage, used.get_run(run).info.lifecycle_stage
    used.restore_experiment(experiment)
    pages, token = [], None
    while token != "":
        page = used.search_runs([experiment], max_results=1, page_token=token)
        pages += [found.info.run_id for found in page]
        token = page.token or ""
    return {
        "tags": used.get_experiment(experiment).tags,
        "found": [each.name for each in used.search_experiments(filter_string="name LIKE 'by hand%'")],
        "history": [point.value for point in used.get_metric_history(run, "m")] == [float(n) for n in range(2500)],
        "params": sorted(used.get_run(run).data.params),
        "errors": errors,
        "ended": [used.get_run(run).info.status, used.get_run(run).info.end_time],
        "content": content,
        "deleted": deleted == [run],
        "gone": gone,
        "pages": pages == [run],
        "default": used.get_experiment("0").name,
    }


def models() -> dict[str, Any]:
    """Autologging, a logged model, and its way through the registry."""
    used = MlflowClient()
    mlflow.set_experiment("models")
    mlflow.sklearn.autolog(log_input_examples=True)
    table, labels = pd.DataFrame({"x": [0.0, 1.0, 2.0, 3.0] * 5, "y": [1.0, 0.0] * 10}), [0, 0, 1, 1] * 5
    with mlflow.start_run() as run:
        trained = LogisticRegression(C=0.5).fit(table, labels)
    mlflow.sklearn.autolog(disable=True)
    found = mlflow.get_run(run.info.run_id)
    [output] = found.outputs.model_outputs
    logged = mlflow.get_logged_model(output.model_id)
    with mlflow.start_run(run_id=run.info.run_id):
        mlflow.log_metric("held out", 0.75, model_id=output.model_id)
        named = mlflow.sklearn.log_model(trained, name="second", registered_model_name="Stock")
    first = mlflow.register_model(f"models:/{output.model_id}", "Stock")
    used.set_registered_model_alias("Stock", "champion", first.version)
    used.set_model_version_tag("Stock", first.version, "checked", "yes")
    used.update_model_version("Stock", first.version, "described")
    copied = used.copy_model_version("models:/Stock/1", "Copy")
    loaded = mlflow.pyfunc.load_model("models:/Stock@champion").predict(table).tolist()
    again = mlflow.sklearn.load_model(f"runs:/{run.info.run_id}/second").predict(table).tolist()
    from_copy = mlflow.sklearn.load_model(f"models:/Copy/{copied.version}").predict(table).tolist()
    searched = mlflow.search_logged_models(filter_string="metrics.`held out` > 0.5", output_format="list")
    used.delete_model_version("Stock", first.version)
    used.delete_registered_model("Copy")
    return {
        "params": found.data.params["C"],
        "metrics": "training_accuracy_score" in found.data.metrics,
        "artifacts": "estimator.html" in [file.path for file in used.list_artifacts(run.info.run_id)],
        "dataset": [each.tags[0].value for each in found.inputs.dataset_inputs],
        "status": str(logged.status),
        "source": logged.source_run_id == run.info.run_id,
        "same": loaded == trained.predict(table).tolist() == again == from_copy,
        "searched": output.model_id in [each.model_id for each in searched],
        "versions": [each.version for each in used.search_model_versions("name = 'Stock'")],
        "aliases": dict(used.get_registered_model("Stock").aliases),
        "second": named.registered_model_version,
        "copy": copied.source,
        "models": [each.name for each in used.search_registered_models()],
    }


if __name__ == "__main__":
    mlflow.set_tracking_uri(sys.argv[1])
    print(json.dumps({"fluent": fluent(), "client": client(), "models": models()}))
