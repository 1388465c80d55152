"""``examples/serving``: train, register, serve, score, feed back, as its README says."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import autotrack
from tests.plugins.serving.served import Served

EXAMPLE = Path(__file__).parents[2] / "examples" / "serving"


def ran(folder: Path, *words: str, ok: bool = True) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *words] if words[0].endswith(".py") else [sys.executable, "-m", "autotrack", *words]
    done = subprocess.run(command, cwd=folder, env=dict(os.environ), capture_output=True, text=True, timeout=60)
    assert not ok or done.returncode == 0, done.stderr
    return done


@pytest.mark.slow
def test_the_story(store: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(EXAMPLE, folder)
    assert "diagnosis, version 1: 0.99" in ran(folder, "train.py").stdout
    served = Served("models:/diagnosis@champion", "--workers", "2").wait()
    try:
        said = ran(folder, "production.py", served.url).stdout
    finally:
        served.stop()
    assert "171 patients: {'rows': 171, 'unknown': []" in said and "'accuracy': 0.9" in said
    ran(folder, "predict", "-m", "models:/diagnosis@champion", "-i", "later.csv", "-o", "scores.csv")
    assert len(list(csv.reader((folder / "scores.csv").read_text().splitlines()))) == 172
    status = ran(folder, "models", "status", "diagnosis", "--json", "--fail-if", "psi > 0.25", ok=False)
    assert status.returncode == 1 and "it holds: psi > 0.25" in status.stderr
    (server,) = json.loads(status.stdout)["served"]
    metrics = server["metrics"]
    assert metrics["requests"] == metrics["truths"] == 171 and metrics["production_accuracy"] > 0.9
    assert metrics["psi/mean radius"] > 1 > metrics["psi/mean texture"]
    assert "over 171 truths" in autotrack.get_run(server["trained_by"]).tags["production.accuracy"]
