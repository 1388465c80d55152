"""Experiments at a glance: counted, the best found, and as they are now however often they were asked for before."""

from __future__ import annotations

import time
from typing import Any

from server_process import ServerProcess

from autotrack.answers.goals import goal_of, main_metric
from autotrack.answers.progress import total_steps


def run_in(server: ServerProcess, experiment: str, metrics: dict[str, Any], step: int = 0, **more: Any) -> str:
    made: str = server.post("/api/v1/runs", {"experiment": experiment, **more}).json()["id"]
    points = [{"key": key, "values": [value], "steps": [step]} for key, value in metrics.items()]
    assert server.post(f"/api/v1/runs/{made}/log", {"metrics": points}).status == 200
    return made


def glimpse(server: ServerProcess, name: str) -> Any:
    found = server.get("/api/v1/overview").json()["experiments"]
    return next(each for each in found if each["name"] == name)


def test_experiments_and_what_runs(server: ServerProcess) -> None:
    losses: list[Any] = [0.5, 0.2, "NaN", 0.9, "-Infinity"]
    runs = [
        run_in(server, "glance", {"val_loss": loss, "acc": 1}, started=n + 1, user="ann")
        for n, loss in enumerate(losses)
    ]
    run_in(server, "elsewhere", {"val_loss": 0.1})
    for run in runs:
        server.post(f"/api/v1/runs/{run}/finish", {"status": "FAILED" if run == runs[3] else "FINISHED"})
    seen = glimpse(server, "glance")
    assert seen["runs"] == {"total": 5, "FINISHED": 4, "FAILED": 1}
    assert (seen["metric"], seen["goal"], seen["owner"]) == ("m.val_loss", "min", "ann")
    assert (seen["best"]["value"], seen["best"]["run"]) == (0.2, runs[1])
    assert seen["recent"] == losses
    began = time.time_ns() - 60 * 10**9
    live = run_in(server, "glance", {"val_loss": 0.05}, step=29, started=began, params={"epochs": "120", "lr": "1"})
    after = server.get("/api/v1/overview").json()
    assert after["experiments"][0]["name"] == "glance"
    seen = after["experiments"][0]
    assert seen["best"]["run"] == live and seen["recent"][-1] == 0.05
    progress = next(each for each in after["running"] if each["id"] == live)
    assert (progress["value"], progress["step"], progress["total"]) == (0.05, 29, 120)
    assert 170 < progress["left"] < 240
    server.request("DELETE", f"/api/v1/runs/{live}")
    assert glimpse(server, "glance")["best"]["run"] == runs[1]
    assert live not in [each["id"] for each in server.get("/api/v1/overview").json()["running"]]
    server.request("DELETE", f"/api/v1/experiments/{seen['id']}")
    assert "glance" not in [each["name"] for each in server.get("/api/v1/overview").json()["experiments"]]
    assert server.get("/api/v1/overview?lifecycle=deleted").json()["experiments"][0]["runs"] == {"total": 0}


def test_names_say_what_is_better() -> None:
    less = "val_loss validation_0-logloss trainLoss mean_absolute_error test/rmse perplexity max_error"
    more = "val_acc test_accuracy_score ROC_AUC r2_score neg_mean_squared_error best_cv_score f1 explained_variance"
    assert {goal_of(key) for key in less.split()} == {"min"} and {goal_of(key) for key in more.split()} == {"max"}
    assert {goal_of(key) for key in "lr epoch fit_time grad_norm".split()} == {None}
    presence = {"train_loss": 9, "val_acc": 9, "val_loss": 9, "lr": 9, "val_rare_loss": 1, "system/cpu": 9}
    assert main_metric(presence, {}) == ("val_loss", "min")
    assert main_metric(presence, {"autotrack.metric": "lr", "autotrack.goal": "max"}) == ("lr", "max")
    # What is said of a metric that is not there is not said of another.
    assert main_metric(presence, {"autotrack.metric": "gone", "autotrack.goal": "max"}) == ("val_loss", "min")
    assert main_metric({}, {}) == (None, None)


def test_params_say_how_long_it_takes() -> None:
    params = {"max_epochs": "10", "args.max_steps": "5000", "lr": "3", "model__n_estimators": "x"}
    assert [total_steps(params, {}, step) for step in (3, 10, 5000)] == [10, 5000, None]
    assert total_steps(params, {"autotrack.total_steps": "77"}, 3) == 77
