"""What production says of a model: how far its inputs have moved, how good it turned out to be."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from autotrack_serving.monitoring.ledger import Ledger
from autotrack_serving.monitoring.reference import SHARES, Column, Drift
from autotrack_serving.monitoring.truths import Remembered
from autotrack_serving.observing import Observation
from autotrack_serving.rows import Rows, whole

import autotrack
from autotrack.plugin import UsageError
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
    truths = Remembered(most_rows=5)
    truths.remember("a", np.array([0, 1, 1]))
    assert truths.join("a", [0, 1, 0]) == 3 and truths.join("a", [0, 1, 0]) is None
    assert truths.measures() == {"accuracy": 2 / 3}
    with pytest.raises(ValueError, match="had 2 rows"):
        truths.remember("b", np.array([1, 1]))
        truths.join("b", [1])
    for name in "cdef":
        truths.remember(name, np.array([1, 1]))
    assert [truths.join(name, [1, 1]) for name in "cdef"] == [None, None, 2, 2]
    numbers = Remembered()
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
    assert served.predict({"inputs": [[0.0, 3.0]]}, **{"x-request-id": "odd"}).status == 200
    wrong = served.ask(
        "POST", "/feedback", [{"request_id": "odd", "truth": [6.5, 1]}, {"request_id": "?", "truth": []}]
    )
    assert wrong.status == 400 and "1 of 2 do not fit, 0 rows of the others were joined" in wrong.body.decode()
    mixed = [{"request_id": "odd", "truth": ["six"]}, {"request_id": "odd", "truth": [6.5]}]
    wrong = served.ask("POST", "/feedback", mixed)  # one that does not fit keeps no other from being joined
    assert wrong.status == 400 and "1 rows of the others were joined" in wrong.body.decode()
    served.stop()
    said = json.loads(status("line", "--json", "--fail-if", "psi > 5").stdout)["served"][0]
    assert said["trained_by"] == run.id and said["training"]
    metrics = said["metrics"]
    assert (metrics["requests"], metrics["rows"], metrics["truths"], metrics["failed"]) == (11, 301, 301, 0)
    assert metrics["psi/1"] > 1 > 0.2 > metrics["psi/0"] and metrics["production_mae"] == pytest.approx(0.5)
    broken = status("line", "--fail-if", "psi > 0.2", "--fail-if", "mae < 0.1")
    assert broken.returncode == 1 and "it holds: psi > 0.2" in broken.stderr and "mae" not in broken.stderr
    assert "shifted" in broken.stdout and "mae 0.5 over 301 truths" in broken.stdout
    assert status("line", "--fail-if", "psi is large").returncode == 2


def seen(request: str, answers: object, rows: object = None) -> Observation:
    data = np.zeros((len(answers), 1)) if rows is None else rows  # type: ignore[arg-type]
    return Observation(request, 1.0, Rows("matrix", data, len(data)), np.asarray(answers), 0.001)


def test_processes_share_what_they_answered(tmp_path: Path) -> None:
    """Whoever a truth comes to joins it, once; the sums are everybody's; what does not fit changes nothing."""
    one, other = Ledger(tmp_path / "l.db", most_rows=6), Ledger(tmp_path / "l.db", most_rows=6)
    one.record([seen("a", [0, 1, 1]), seen("b", ["yes", "no"]), seen("", [1])])
    assert other.join("a", [0, 1, 0]) == 3
    assert one.join("a", [0, 1, 0]) is None and other.join("a", [0, 1, 0]) is None
    with pytest.raises(ValueError, match="had 2 rows"):
        other.join("b", ["yes"])
    assert one.join("b", ["yes", "yes"]) == 2
    assert one.measures() == other.measures() == {"accuracy": 3 / 5} and one.count == other.count == 5
    one.record([seen(f"r{at}", [1, 1]) for at in range(5)])
    one._swept = -1e9
    one.tick()
    assert [other.join(f"r{at}", [1, 1]) for at in range(5)] == [None, None, 2, 2, 2]
    numbers = Ledger(tmp_path / "n.db")
    numbers.record([seen("x", [1.0, float("nan")])])
    numbers.join("x", [2.0, 4.0])
    assert numbers.count == 2


def test_samples_are_bounded_and_without_what_is_private(monkeypatch: pytest.MonkeyPatch) -> None:
    from autotrack_serving.monitoring import payloads as module
    from autotrack_serving.monitoring.payloads import Payloads

    kept = Payloads(1.0, ("income",), ["age", "income"])
    kept.take([seen("r1", [1], np.array([[42.0, 1500.0]]))])
    line = json.loads(kept.text())
    assert line["request"] == "r1" and line["answers"] == [1]
    assert line["rows"] == [{"age": 42.0, "income": "***"}]
    half = Payloads(0.5, (), None)
    half._random.seed(3)
    half.take([seen(f"r{at}", [1], np.array([[1.0]])) for at in range(900)])
    assert 350 < len(half.text().splitlines()) < 550
    large = Payloads(1.0, (), None)
    large.take([seen("r", [0] * 600), seen("s", [0] * 600), seen("t", [0] * 10)])
    assert [json.loads(line)["request"] for line in large.text().splitlines()] == ["r", "t"]
    monkeypatch.setattr(module, "MOST_BYTES", 300)
    full = Payloads(1.0, (), None)
    full.take([seen(f"r{at}", [1], np.array([[1.0]])) for at in range(50)])
    assert 300 <= len(full.text()) < 500  # the one that passes the bound is the last
    with pytest.raises(UsageError, match="--redact incom: the model has no such column; it takes age, income"):
        Payloads(1.0, ("incom",), ["age", "income"])
    # Without a signature anything is asked about, and what is private may lie deep in it.
    free = Payloads(1.0, ("income",), None)
    asked: list[Any] = [[{"income": 5, "age": [{"income": 6}]}], {"income": 5, "age": 3}, {"x": {"income": 5}}]
    free.take([dataclasses.replace(seen(f"r{at}", [1]), rows=whole(data)) for at, data in enumerate(asked)])
    assert [json.loads(line)["rows"] for line in free.text().splitlines()] == [
        [{"0": {"income": "***", "age": [{"income": "***"}]}}],
        [{"income": "***", "age": 3}],
        [{"x": {"income": "***"}}],
    ]


def test_what_has_no_form_in_json_costs_itself_alone(tmp_path: Path) -> None:
    from autotrack_serving.monitoring.payloads import Payloads

    odd = dataclasses.replace(seen("odd", [1]), answers=np.array([b"x"]))
    ledger = Ledger(tmp_path / "l.db")
    ledger.record([odd, dataclasses.replace(seen("odder", [1]), answers=np.array([object()])), seen("a", [1])])
    assert [ledger.join(name, [1]) for name in ("odd", "odder", "a")] == [None, None, 1]
    kept = Payloads(1.0, (), None)
    kept.take([dataclasses.replace(seen("odd", [1]), answers=object()), seen("a", [1])])
    assert [json.loads(line)["request"] for line in kept.text().splitlines()] == ["a"]


def test_payloads_without_a_run_are_refused(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "autotrack", "serve", "-m", str(tmp_path), "--log-payloads", "0.1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "add --report" in done.stderr


def test_a_truth_finds_its_answer_whichever_worker_gave_it(store: Path) -> None:
    from sklearn.linear_model import LinearRegression

    autotrack.enable(silent=True)
    data = np.random.default_rng(4).normal(size=(100, 2))
    LinearRegression().fit(data, data @ [1.0, 2.0])
    autotrack.disable()
    uri = f"runs:/{autotrack.last_run().id}/model"
    served = Served(uri, "--workers", "2", "--log-payloads", "1", "--redact", "1").wait()
    for at in range(20):
        assert served.predict({"inputs": [[1.0, 2.0]]}, **{"x-request-id": f"r{at}"}).status == 200
    rows = [
        served.ask("POST", "/feedback", {"request_id": f"r{at}", "truth": [4.0]}).json()["rows"] for at in range(20)
    ]
    again = served.ask("POST", "/feedback", {"request_id": "r3", "truth": [4.0]}).json()
    assert rows == [1] * 20 and again["rows"] == 0 and again["unknown"] == ["r3"]
    assert again["measures"] == {"mae": pytest.approx(1.0), "rmse": pytest.approx(1.0)}
    assert "/feedback" in served.ask("GET", "/openapi.json").json()["paths"]
    served.stop()
    (server,) = json.loads(status(uri, "--json").stdout)["served"]
    assert (server["metrics"]["requests"], server["metrics"]["truths"]) == (20, 20) and server["workers"] in (1, 2)
    assert autotrack.get_run(server["trained_by"]).tags["production.mae"] == "1 over 20 truths"
    runs = autotrack.search_runs(experiments=["serving"])
    lines = []
    for run in runs:
        if "payloads.jsonl" in [each.path for each in run.artifacts]:
            folder = Path(autotrack.Client().root) / "artifacts"
            (path,) = folder.rglob(f"{run.id}/payloads.jsonl")
            lines += [json.loads(line) for line in path.read_text().splitlines()]
    assert sorted(line["request"] for line in lines) == sorted(f"r{at}" for at in range(20))
    assert all(line["rows"] == [{"0": 1.0, "1": "***"}] for line in lines)
