"""What production says of a model: how far its inputs have moved, how good it turned out to be."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from autotrack_serving.monitoring.reference import SHARES, Column, Drift
from autotrack_serving.monitoring.truths import Truths

import autotrack
from tests.plugins.serving.served import Served


def drift_of(training: np.ndarray, values: np.ndarray) -> dict[str, float]:
    quantiles = tuple(np.quantile(training, SHARES))
    drift = Drift(Column("x", quantiles, float(training.min()), float(training.max()), 0.0))
    for part in np.array_split(values, 7):
        drift.add(part)
    return drift.measures()


def test_drift_is_small_where_nothing_moved_and_large_where_all_did() -> None:
    stream = np.random.default_rng(2)
    training = stream.normal(size=20_000)
    same = drift_of(training, stream.normal(size=5_000))
    assert same["psi"] < 0.01 and same["ks"] < 0.03 and same["outside"] < 0.01 and same["missing"] == 0
    moved = drift_of(training, stream.normal(1.0, size=5_000))
    # Of two normal distributions a standard deviation apart: psi is 1 in the limit of fine bins, ks is 0.383.
    assert 0.7 < moved["psi"] < 1.0 and moved["ks"] == pytest.approx(0.383, abs=0.03)
    gaps = drift_of(training, np.where(stream.random(5_000) < 0.25, np.nan, stream.normal(size=5_000)))
    assert gaps["missing"] == pytest.approx(0.25, abs=0.03) and gaps["psi"] < 0.01
    assert drift_of(training, np.full(100, 1e9))["outside"] == 1.0


def test_truths_are_joined_once_and_bounded() -> None:
    truths = Truths(most_rows=5)
    truths.remember("a", np.array([0, 1, 1]))
    assert truths.join("a", [0, 1, 0]) == 3 and truths.join("a", [0, 1, 0]) is None
    assert truths.measures() == {"accuracy": 2 / 3}
    with pytest.raises(ValueError, match="had 2 rows"):
        truths.remember("b", np.array([1, 1]))
        truths.join("b", [1])
    for name in "cdef":
        truths.remember(name, np.array([1, 1]))
    assert [truths.join(name, [1, 1]) for name in "cdef"] == [None, None, 2, 2]
    numbers = Truths()
    numbers.remember("x", np.array([1.0, 2.0]))
    numbers.join("x", [2.0, 4.0])
    assert numbers.measures() == {"mae": 1.5, "rmse": pytest.approx(2.5**0.5)}


def status(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "autotrack", "models", "status", *words]
    return subprocess.run(command, capture_output=True, text=True, env=dict(os.environ))


def test_a_served_model_reports_back(store: Path) -> None:
    """Trained, registered, served, fed back: its status stands beside its training, and a threshold ends with 1."""
    from sklearn.linear_model import LinearRegression

    autotrack.enable(silent=True)
    data = np.random.default_rng(4).normal(size=(400, 2))
    LinearRegression().fit(data, data @ [1.0, 2.0])
    autotrack.disable()
    run = autotrack.last_run()
    autotrack.register_model(f"runs:/{run.id}/model", "line")
    assert status("line").returncode == 1
    served = Served("models:/line/1").wait()
    moved = np.random.default_rng(5).normal([0.0, 3.0], size=(300, 2))
    for at, rows in enumerate(np.array_split(moved, 10)):
        answer = served.predict({"inputs": rows.tolist()}, **{"x-request-id": f"r{at}"})
        assert answer.headers["x-request-id"] == f"r{at}"
    truth = [{"request_id": f"r{at}", "truth": (rows @ [1.0, 2.0] + 0.5).tolist()}
             for at, rows in enumerate(np.array_split(moved, 10))]  # fmt: skip
    found = served.ask("POST", "/feedback", [*truth, {"request_id": "nobody's", "truth": [1.0]}]).json()
    assert (found["rows"], found["unknown"]) == (300, ["nobody's"]) and found["measures"]["mae"] == pytest.approx(0.5)
    assert served.ask("POST", "/feedback", {"request_id": 5}).status == 400
    served.stop()
    said = json.loads(status("line", "--json", "--fail-if", "psi > 5").stdout)["served"][0]
    assert said["trained_by"] == run.id and said["training"]
    metrics = said["metrics"]
    assert (metrics["requests"], metrics["rows"], metrics["truths"], metrics["failed"]) == (10, 300, 300, 0)
    assert metrics["psi/1"] > 1 > 0.2 > metrics["psi/0"] and metrics["production_mae"] == pytest.approx(0.5)
    broken = status("line", "--fail-if", "psi > 0.2", "--fail-if", "mae < 0.1")
    assert broken.returncode == 1 and "it holds: psi > 0.2" in broken.stderr and "mae" not in broken.stderr
    assert "shifted" in broken.stdout and "mae 0.5 over 300 truths" in broken.stdout
    assert status("line", "--fail-if", "psi is large").returncode == 2
