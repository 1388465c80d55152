"""A project that was written for MLflow logs into the run of ``autotrack run``, through MLflow's own client; and one
whose steps are run by ``mlflow.run``, as in MLflow's multistep example, has them as its children."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from mlflow_environment import clean_environment, mlflow_skinny

from autotrack.store.store import Store

sys.path.insert(0, str(Path(__file__).parents[1] / "server"))
from server_process import ServerProcess

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

TRAIN = """
import sys
import mlflow
with mlflow.start_run() as run:
    mlflow.log_param("seen", sys.argv[1])
    mlflow.log_metric("rmse", float(sys.argv[1]))
    print(run.info.run_id)
"""
#: As MLflow's examples/multistep_workflow/main.py has it: a step's file is the next one's parameter, by its URI.
WORKFLOW = """
import mlflow
with mlflow.start_run() as active:
    mlflow.set_tag("kind", "workflow")
    first = mlflow.tracking.MlflowClient().get_run(
        mlflow.run(".", "load", env_manager="local").run_id
    )
    data = first.info.artifact_uri + "/raw/data.csv"
    second = mlflow.run(".", "etl", parameters={"data": data, "limit": 2}, env_manager="local")
    assert mlflow.tracking.MlflowClient().get_run(second.run_id).data.metrics["rows"] == 2
"""
LOAD = """
import mlflow, pathlib
with mlflow.start_run():
    pathlib.Path("data.csv").write_text("1\\n2\\n3\\n")
    mlflow.log_artifact("data.csv", "raw")
"""
ETL = """
import sys
import mlflow
with mlflow.start_run():
    mlflow.log_metric("rows", len(open(sys.argv[1]).read().split()[: int(sys.argv[2])]))
"""
PROJECT = """
name: wine
entry_points:
  main: {command: "python train.py {alpha}", parameters: {alpha: float}}
  workflow: {command: "python workflow.py"}
  load: {command: "python load.py"}
  etl: {command: "python etl.py {data} {limit}", parameters: {data: path, limit: {type: int, default: 100000}}}
"""


def test_mlflow_logs_into_the_run(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "MLproject").write_text(PROJECT)
    for name, text in (("train", TRAIN), ("workflow", WORKFLOW), ("load", LOAD), ("etl", ETL)):
        (project / f"{name}.py").write_text(text)
    server = ServerProcess(tmp_path, environment=clean_environment())
    environment = clean_environment(PYTHONPATH=str(mlflow_skinny()), AUTOTRACK_TRACKING_URI=server.url)
    line = [sys.executable, "-m", "autotrack", "run", str(project)]
    done = subprocess.run([*line, "-P", "alpha=0.5"], capture_output=True, text=True, cwd=tmp_path, env=environment)
    steps = subprocess.run(
        [*line, "-e", "workflow"], capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=200
    )
    server.close()
    assert done.returncode == 0, done.stderr
    assert steps.returncode == 0, steps.stdout + steps.stderr
    store = Store.open(Path(server.store))
    runs = {str(run.tags.get("mlflow.project.entryPoint")): run for run in store.runs()}
    assert set(runs) == {"main", "workflow", "load", "etl"} and {str(run.status) for run in runs.values()} == {
        "FINISHED"
    }
    run = runs["main"]
    assert run.id == done.stdout.split()[0]
    assert run.params == {"alpha": "0.5", "seen": "0.5"}
    assert {key: value for key, value in run.metrics.items() if not key.startswith("system/")} == {"rmse": 0.5}
    outer = runs["workflow"]
    assert outer.tags["kind"] == "workflow" and outer.parent is None
    assert {runs[name].tags["mlflow.parentRunId"] for name in ("load", "etl")} == {outer.id}
    assert runs["etl"].metrics["rows"] == 2 and runs["etl"].params["limit"] == "2"
    assert [file.path for file in runs["load"].artifacts] == ["raw/data.csv"]
    store.close()
