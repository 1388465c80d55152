"""``autotrack run`` of a project whose environment is there: what it adds to the project's own command.

Beside MLflow's ``mlflow run`` of the same project, where an environment with MLflow is (tests/compat has it built).
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from .harness import Place, Row, child, interleaved, median

PROJECT = """
name: bench
{environment}
entry_points:
  main:
    parameters: {alpha: {type: float, default: 0.1}}
    command: "python train.py {alpha}"
"""
RUN = "import sys; sys.argv = ['autotrack', *sys.argv[1:]]; from autotrack.cli.main import main; main()"
BARE = "import subprocess, sys; subprocess.run(sys.argv[1:], check=True)"


def rows(place: Place) -> Iterator[Row]:
    project = place.folder / "project"
    project.mkdir()
    (project / "train.py").write_text("import sys; print(float(sys.argv[1]))\n")
    (project / "requirements.txt").write_text("")
    text = PROJECT.replace("{environment}\n", "")
    (project / "MLproject").write_text(text)
    settings = {"AUTOTRACK_ENVIRONMENTS": str(place.folder / "environments")}

    def run() -> float:
        return child(RUN, "run", project, env=settings, cwd=place.folder).cpu

    run()  # builds the environment
    (python,) = (place.folder / "environments").glob("*/bin/python")

    def bare() -> float:
        return child(BARE, python, project / "train.py", "0.1").cpu

    floor, ours = (median(samples) for samples in interleaved(place.scaled(15, 2), bare, run))
    peers = _mlflow(place, project, floor)
    yield Row("a cached project, added to its command, CPU", ours - floor, "s", 0.4, floor, "the command alone", peers)


def _mlflow(place: Place, project: Path, floor: float) -> str:
    """What ``mlflow run`` adds, in words; measured where MLflow's environment has been built."""
    home = Path(os.environ.get("TMPDIR", "/tmp")) / f"autotrack-tests-{os.getuid()}"
    found = sorted(home.glob("mlflow-[0-9]*/bin/mlflow"))
    if not found:
        return "MLflow 3.4 s"
    uri = f"sqlite:///{place.folder}/mlflow.db"
    environment = {**os.environ, "MLFLOW_TRACKING_URI": uri, "MLFLOW_DISABLE_TELEMETRY": "true"}
    line = [str(found[-1]), "run", "--env-manager", "local", str(project)]
    subprocess.run(line, env=environment, cwd=place.folder, check=True, capture_output=True)  # makes its database
    code = "import subprocess, sys; subprocess.run(sys.argv[1:], check=True, capture_output=True)"
    samples = [child(code, *line, env=environment, cwd=place.folder).cpu for _ in range(place.scaled(5, 1))]
    return f"MLflow {median(samples) - floor:.2g} s"
