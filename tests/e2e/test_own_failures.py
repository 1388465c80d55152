"""Failures of autotrack's own are written on the run that they happened to, and cost no other part its work."""

from __future__ import annotations

from pathlib import Path

import pytest
from sklearn.linear_model import Ridge

import autotrack
from autotrack.core.runs.run import Run

X, Y = [[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0]

pytestmark = pytest.mark.guarded


def broken(*_: object, **__: object) -> None:
    raise RuntimeError("a bug of ours")


def test_a_failing_probe_leaves_a_note_on_the_run_of_its_fit(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    autotrack.enable(silent=True)
    monkeypatch.setattr("autotrack_sklearn.training.training_metrics", broken)
    Ridge().fit(X, Y)
    (run,) = autotrack.search_runs()
    assert run.health["errors"] == ["sklearn.fitted: RuntimeError: a bug of ours"]
    assert str(run.status) == "FINISHED"


def test_inside_a_users_run_the_note_is_on_that_run(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    autotrack.enable(silent=True)
    monkeypatch.setattr("autotrack_sklearn.training.training_metrics", broken)
    with autotrack.start_run("mine") as run:
        Ridge().fit(X, Y)
    assert run.health["errors"] == ["sklearn.fitted: RuntimeError: a bug of ours"]


def test_three_failing_starts_do_not_switch_start_run_off(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Run, "begin", broken)
        for _ in range(4):
            with autotrack.start_run("lost") as lost:
                lost.log_metric("m", 1.0)
    with autotrack.start_run("kept") as run:
        run.log_metric("m", 2.0)
    assert [found.name for found in autotrack.search_runs()] == ["kept"]
    assert run.metrics == {"m": 2.0}
