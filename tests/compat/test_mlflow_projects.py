"""A project that was written for MLflow logs into the run of ``autotrack run``, through MLflow's own client."""

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
PROJECT = 'name: wine\nentry_points: {main: {command: "python train.py {alpha}", parameters: {alpha: float}}}\n'


def test_mlflow_logs_into_the_run(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "MLproject").write_text(PROJECT)
    (project / "train.py").write_text(TRAIN)
    server = ServerProcess(tmp_path, environment=clean_environment())
    environment = clean_environment(PYTHONPATH=str(mlflow_skinny()), AUTOTRACK_TRACKING_URI=server.url)
    line = [sys.executable, "-m", "autotrack", "run", str(project), "-P", "alpha=0.5"]
    done = subprocess.run(line, capture_output=True, text=True, cwd=tmp_path, env=environment)
    server.close()
    assert done.returncode == 0, done.stderr
    store = Store.open(Path(server.store))
    (run,) = store.runs()
    assert run.id == done.stdout.split()[0] and str(run.status) == "FINISHED"
    assert run.params == {"alpha": "0.5", "seen": "0.5"}
    assert {key: value for key, value in run.metrics.items() if not key.startswith("system/")} == {"rmse": 0.5}
    assert run.tags["mlflow.project.entryPoint"] == "main"
    store.close()
