"""Failures of autotrack's own are written on the run that they happened to, and cost no other part its work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"AUTOTRACK_DELIVER_AFTER": "abc"}, "setting deliver_after from environment is 'abc'"),
        ({"AUTOTRACK_SYSTEM_INTERVAL": "often"}, "system.interval from AUTOTRACK_SYSTEM_INTERVAL is 'often'"),
        ({"AUTOTRACK_TRACKING_URI": "sqlite:///:memory:"}, "sqlite:///:memory: is no database file"),
        ({"AUTOTRACK_TRACKING_URI": "~nobody-of-that-name/x"}, "is no path on this machine"),
        ({}, "pyproject.toml is not valid TOML"),
    ],
)
def test_settings_that_cannot_be_meant_cost_training_one_warning(
    store: Path, script: Any, tmp_path: Path, environment: dict[str, str], said: str
) -> None:
    """Programs without ``enable()``: the run is kept, at the defaults and in the folder that there is without a URI."""
    if not environment:
        (tmp_path / "pyproject.toml").write_text("[tool.autotrack\n")
    source = """
        import autotrack
        autotrack.log_metric("before", 0.5)
        with autotrack.start_run("mine") as run:
            autotrack.log_metric("loss", 1.0)
            run.log_param("p", 1)
        print(run.metrics, run.params)
    """
    given = {"AUTOTRACK_TRACKING_URI": ""} | environment
    done = script(source, **given)
    assert (done.returncode, done.stdout) == (0, "{'loss': 1.0} {'p': '1'}\n"), done.stderr
    assert done.stderr.count(said) == 1 and "Traceback" not in done.stderr
    assert len(autotrack.Client(store).search_runs()) == 2
    strict = script(source, **given, AUTOTRACK_STRICT="1")
    assert strict.returncode == 1 and said in strict.stderr.splitlines()[-1]
    enabling = script("import autotrack\nautotrack.enable()", **given)
    assert "UsageError" in enabling.stderr.splitlines()[-1] and enabling.returncode == 1
    if "AUTOTRACK_SYSTEM_INTERVAL" not in environment:  # no reader needs it
        reading = script("import autotrack\nautotrack.search_runs()", **given)
        assert "UsageError" in reading.stderr.splitlines()[-1] and reading.returncode == 1


def test_children_that_no_journal_takes_are_refused(store: Path) -> None:
    with autotrack.start_run("mine") as run:
        run.add_children([{"id": "c" * 32, "name": "half a pair: \ud800"}])
        run.log_metric("loss", 1.0)
    assert run.metrics == {"loss": 1.0}
    assert run.health["refused_children"] == 1 and "children" in run.health["refusals"][0]
