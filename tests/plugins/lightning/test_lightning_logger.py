"""``AutotrackLogger``, with and without ``enable()``: each number once, and a true ending."""

from __future__ import annotations

import pickle
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import autotrack
from tests.plugins.lightning.nets import NAMES, lightning, loaders, net, points, remembering, trainer

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.fixture(params=NAMES)
def pl(request: pytest.FixtureRequest, store: Path) -> ModuleType:
    return lightning(request.param)


def logger(**options: Any) -> Any:
    from autotrack_lightning import AutotrackLogger

    return AutotrackLogger(**options)


def only_run() -> Any:
    runs = autotrack.search_runs()
    assert len(runs) == 1
    return runs[0]


def fit(pl: ModuleType, folder: Path, loggers: list[Any], **options: Any) -> Any:
    import torch

    torch.manual_seed(3)
    fitting = trainer(pl, folder, logger=loggers, **options)
    fitting.fit(net(pl), *loaders())
    return fitting


@pytest.mark.parametrize("enabled", [False, True], ids=["alone", "enabled"])
@pytest.mark.parametrize("first", [True, False], ids=["first", "second"])
def test_each_number_is_kept_once(pl: ModuleType, tmp_path: Path, enabled: bool, first: bool) -> None:
    if enabled:
        autotrack.enable(silent=True)
    other, ours = remembering(pl), logger(name="mine", experiment="digits", tags={"team": "blue"})
    fitting = fit(pl, tmp_path, [ours, other] if first else [other, ours])
    run = only_run()
    assert (run.name, run.experiment, run.tags["team"], run.status) == ("mine", "digits", "blue", "FINISHED")
    assert points(run) == sorted(other.told)
    assert run.params["hidden"] == "8"
    assert ("optimizer" in run.params) == enabled
    assert ours.version == run.id and ours.name == "digits"
    fitting.test(dataloaders=loaders()[1], verbose=False)
    assert "test_loss" in only_run().metrics
    assert autotrack.active_run() is None


def test_two_fits_are_two_runs_where_fits_are_watched(pl: ModuleType, tmp_path: Path) -> None:
    autotrack.enable(silent=True)
    ours = logger()
    fit(pl, tmp_path, [ours])
    fit(pl, tmp_path, [ours])
    runs = autotrack.search_runs()
    assert len(runs) == 2 and points(runs[0]) == points(runs[1])


@pytest.mark.parametrize("enabled", [False, True], ids=["alone", "enabled"])
def test_a_failing_fit_is_a_failed_run(pl: ModuleType, tmp_path: Path, enabled: bool) -> None:
    if enabled:
        autotrack.enable(silent=True)
    with pytest.raises(RuntimeError):
        trainer(pl, tmp_path, logger=logger()).fit(net(pl, fails_at=3), *loaders())
    assert only_run().status == "FAILED"


def test_it_is_a_logger_of_both_packages_and_travels(pl: ModuleType) -> None:
    ours = logger()
    for name in NAMES:
        base = lightning(name).loggers.Logger  # first, as a class is one of the packages that are imported
        assert isinstance(logger(), base)
    assert type(pickle.loads(pickle.dumps(ours))) is type(ours)
    assert ours.save_dir is None


def test_it_keeps_what_is_logged_by_hand(pl: ModuleType) -> None:
    ours = logger()
    ours.log_hyperparams({"depth": 3, "inner": {"rate": 0.5}})
    ours.log_metrics({"loss": 0.25}, step=4)
    ours.log_metrics({"loss": 0.125})
    ours.finalize("success")
    run = only_run()
    assert run.params["inner.rate"] == "0.5" and run.metrics["loss"] in (0.25, 0.125) and run.status == "FINISHED"
    assert len(run.metric_history("loss")) == 2
