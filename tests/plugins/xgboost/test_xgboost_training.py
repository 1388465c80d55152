"""Trainings and cross-validations: what a run holds of them, beside what XGBoost itself says."""

from __future__ import annotations

import gc
import json
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xgboost as xgb
from autotrack_xgboost.rounds import Rounds
from sklearn.datasets import load_breast_cancer

import autotrack
from autotrack.core.runs import trackers
from autotrack.figures import read, several

DATA, TARGET = load_breast_cancer(return_X_y=True, as_frame=True)
PARAMS = {"objective": "binary:logistic", "subsample": 0.5, "seed": 7, "eval_metric": ["auc", "logloss"], "nthread": 1}


@pytest.fixture(autouse=True)
def enabled(store: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("AUTOTRACK_OVERHEAD_SHARE", "1000")  # nothing is left out where the machine is busy
    autotrack.enable(silent=True)
    yield store
    autotrack.disable()


def matrices() -> tuple[xgb.DMatrix, xgb.DMatrix]:
    train_data, test_data = DATA[:400], DATA[400:]
    train_labels, test_labels = TARGET[:400], TARGET[400:]
    return xgb.DMatrix(train_data, label=train_labels), xgb.DMatrix(test_data, label=test_labels)


def the_run() -> Any:
    """The one run that was made."""
    (run,) = autotrack.search_runs()
    return autotrack.get_run(run.id)


def points(run: Any, key: str) -> list[float]:
    history = run.metric_history(key)
    assert list(history.steps) == list(range(len(history.steps)))
    return [float(value) for value in history.values]


def document(run: Any, path: str) -> Any:
    return json.loads((Path(run.artifact_uri) / path).read_text())


def test_a_training_with_early_stopping() -> None:
    train, test = matrices()
    scores: dict[str, Any] = {}
    booster = xgb.train(
        PARAMS,
        train,
        300,
        evals=[(train, "train"), (test, "valid")],
        early_stopping_rounds=5,
        evals_result=scores,
        verbose_eval=False,
    )
    run = the_run()
    assert run.name == "xgboost.train" and run.status.value == "FINISHED"
    for data, metrics in scores.items():
        for metric, values in metrics.items():
            assert points(run, f"{data}-{metric}") == values
    rounds = len(scores["valid"]["auc"])
    assert 10 < rounds < 300
    assert run.metrics["best_iteration"] == booster.best_iteration == rounds - 6
    assert run.metrics["best_score"] == booster.best_score
    assert run.metrics["stopped_iteration"] == rounds - 1
    assert run.metrics["train_seconds"] > 0
    assert run.params == {
        "objective": "binary:logistic",
        "subsample": "0.5",
        "seed": "7",
        "nthread": "1",
        "eval_metric": "[auc, logloss]",
        "num_boost_round": "300",
        "early_stopping_rounds": "5",
        "verbose_eval": "False",
    }
    assert run.tags["n_samples"] == "400" and run.tags["n_features"] == "30"
    loaded = autotrack.load_model(f"runs:/{run.id}/model")
    assert (loaded.predict(test) == booster.predict(test)).all()
    assert loaded.best_iteration == booster.best_iteration
    # What production will be held against: of its columns the fingerprint knows, of its answers XGBoost.
    profile = autotrack.load_model(f"runs:/{run.id}/model", as_pyfunc=True).profile()
    assert profile.rows == profile.answered == 400 and len(profile.inputs) == 30
    (answer,) = profile.answers
    assert answer.edges == pytest.approx(np.quantile(booster.predict(train), answer.below, method="lower"), abs=0.01)


@pytest.mark.filterwarnings("ignore:Pass .* as keyword args:FutureWarning")
def test_arguments_by_place_that_are_keyword_only_by_now() -> None:
    """XGBoost takes them still (``train(params, data, 10, evals)``), with a warning; its signature says otherwise."""
    train, test = matrices()
    scores: dict[str, Any] = {}
    evals, told = [(test, "valid")], []

    class Mine(xgb.callback.TrainingCallback):
        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            told.append(epoch)
            return False

    mine = [Mine()]
    xgb.train(PARAMS, train, 3, evals, None, None, None, scores, False, None, mine)
    run = the_run()
    assert points(run, "valid-auc") == scores["valid"]["auc"] and len(scores["valid"]["auc"]) == 3
    assert run.params["num_boost_round"] == "3" and "Mine" in run.params["callbacks"]
    assert told == [0, 1, 2] and len(mine) == 1
    assert ("valid", "eval") in {(data.name, data.context) for data in run.datasets}


@pytest.mark.filterwarnings("ignore:Pass .* as keyword args:FutureWarning")
def test_a_cross_validation_with_arguments_by_place() -> None:
    train, _ = matrices()
    xgb.cv(PARAMS, train, 2, 3, False, None, ["error"])
    assert len(points(the_run(), "test-error-mean")) == 2


def test_the_data_of_a_training_are_data_sets_of_its_run() -> None:
    train, test = matrices()
    xgb.train(PARAMS, train, 2, evals=[(test, "heldout")], verbose_eval=False)
    found = {(data.name, data.context): data for data in the_run().datasets}
    assert set(found) == {
        ("train_data", "train"),
        ("train_labels", "train target"),
        ("heldout", "eval"),
        ("heldout.label", "eval target"),
    }
    with autotrack.start_run() as other:
        for name, data in (("train_data", DATA[:400]), ("train_labels", TARGET[:400]), ("heldout", DATA[400:])):
            other.log_dataset(data, name)
    digests = {data.name: data.digest for data in autotrack.get_run(other.id).datasets}
    assert {name: data.digest for (name, _), data in found.items() if name in digests} == digests


@pytest.mark.parametrize("kind", [xgb.DMatrix, xgb.QuantileDMatrix])
def test_data_are_described_as_they_were_when_the_matrix_was_built(kind: Any) -> None:
    data = DATA.to_numpy().copy()
    matrix = kind(data, label=TARGET.to_numpy())
    data[:] = 0.0
    xgb.train(PARAMS, matrix, 2)
    (found,) = [data.digest for data in the_run().datasets if data.context == "train"]
    with autotrack.start_run() as other:
        other.log_dataset(DATA.to_numpy())
    assert [data.digest for data in autotrack.get_run(other.id).datasets] == [found]


def test_labels_that_were_set_later_are_the_ones_described() -> None:
    weights = np.linspace(0.1, 1.0, len(TARGET))
    other = 1 - TARGET.to_numpy()
    first, second = xgb.DMatrix(DATA, label=TARGET), xgb.DMatrix(DATA, label=TARGET)
    second.set_info(label=other, weight=weights)
    for matrix in (first, second):
        xgb.train(PARAMS, matrix, 2)
    latest, earlier = (autotrack.get_run(run.id) for run in autotrack.search_runs())
    contexts = [{data.context: data.digest for data in run.datasets} for run in (earlier, latest)]
    assert contexts[0]["train"] == contexts[1]["train"]
    assert contexts[0]["train target"] != contexts[1]["train target"]
    assert "train weight" in contexts[1] and "train weight" not in contexts[0]


def test_nothing_is_left_on_a_matrix_and_no_data_are_kept() -> None:
    autotrack.disable()
    bare = xgb.DMatrix(DATA.to_numpy().copy(), label=TARGET)
    autotrack.enable(silent=True)
    data = DATA.to_numpy().copy()
    matrix = xgb.DMatrix(data, label=TARGET)
    assert vars(matrix).keys() == vars(bare).keys()
    xgb.train(PARAMS, matrix, 2, evals=[(matrix, "train")], verbose_eval=False)
    assert vars(matrix).keys() == vars(bare).keys()
    held, built = weakref.ref(data), weakref.ref(matrix)
    del data
    gc.collect()
    assert held() is None
    del matrix
    gc.collect()
    assert built() is None


class Order(xgb.callback.TrainingCallback):
    """Writes down when it was asked."""

    def __init__(self, name: str, said: list[str], last: int = 99) -> None:
        super().__init__()
        self.name, self.said, self.last = name, said, last

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        self.said.append(f"{self.name}{epoch}")
        return epoch == self.last


def test_the_users_callbacks_are_theirs() -> None:
    train, test = matrices()
    said: list[str] = []
    given = [Order("b", said), Order("a", said, last=1), Order("c", said)]
    mine = list(given)
    for _ in range(2):
        xgb.train(PARAMS, train, 5, evals=[(test, "valid")], callbacks=given, verbose_eval=False)
        assert given == mine
    # One that stops ends the asking of those after it; the round's scores are logged all the same, and once.
    assert said == ["b0", "a0", "c0", "b1", "a1"] * 2
    for run in autotrack.search_runs():
        assert len(points(autotrack.get_run(run.id), "valid-auc")) == 2
    assert run.params["callbacks"].count("Order") == 3


def test_callbacks_that_can_be_read_once_are_left_alone() -> None:
    train, test = matrices()
    scores: dict[str, Any] = {}
    said: list[str] = []
    callbacks = (Order(name, said) for name in "ab")
    xgb.train(PARAMS, train, 2, evals=[(test, "v")], callbacks=callbacks, evals_result=scores, verbose_eval=False)
    assert said == ["a0", "b0", "a1", "b1"]
    assert the_run().metrics["v-auc"] == scores["v"]["auc"][-1]


class Points:
    """A run that only remembers its points."""

    folded = False

    def __init__(self) -> None:
        self.points: list[tuple[str, float, int]] = []

    def metric_logger(self) -> Any:
        return lambda key, value, step: self.points.append((key, value, step))


@pytest.mark.parametrize("heard", [0, 1, 3])
def test_rounds_that_were_not_heard_of_are_logged_at_the_end(heard: int) -> None:
    """Until XGBoost 3.1 somebody else's callback may be asked before ours, and stop the training there."""
    run, scores = Points(), {"v": {"auc": [0.5, 0.7, 0.9]}, "cv": {"auc": [(0.4, 0.1), (0.6, 0.2), (0.8, 0.3)]}}
    history: dict[str, Any] = {"v": {"auc": []}, "cv": {"auc": []}}  # XGBoost's own, which grows
    rounds = Rounds(run)
    for epoch in range(3):
        for data in scores:
            history[data]["auc"].append(scores[data]["auc"][epoch])
        if epoch < heard:
            rounds.scored(None, epoch, history)
    rounds.finish(scores)
    for key, values in (("v-auc", [0.5, 0.7, 0.9]), ("cv-auc-mean", [0.4, 0.6, 0.8]), ("cv-auc-std", [0.1, 0.2, 0.3])):
        assert [(step, value) for name, value, step in run.points if name == key] == list(enumerate(values))
    assert rounds.last == 2


def test_the_best_rounds_alone() -> None:
    train, test = matrices()
    stop = xgb.callback.EarlyStopping(rounds=4, save_best=True)
    evals = [(test, "valid")]
    booster = xgb.train(PARAMS, train, 300, evals=evals, callbacks=[stop], verbose_eval=False)
    run = the_run()
    assert booster.num_boosted_rounds() == booster.best_iteration + 1 == run.metrics["best_iteration"] + 1
    assert run.metrics["stopped_iteration"] == booster.best_iteration + 4
    assert len(points(run, "valid-logloss")) == booster.best_iteration + 5


def squared(predicted: Any, matrix: xgb.DMatrix) -> Any:
    gap = predicted - matrix.get_label()
    return gap, np.ones_like(gap)


def off_by(predicted: Any, matrix: xgb.DMatrix) -> tuple[str, float]:
    return "off@most", float(np.abs(predicted - matrix.get_label()).max())


def test_objectives_and_metrics_of_ones_own() -> None:
    train, test = matrices()
    scores: dict[str, Any] = {}
    xgb.train(
        {"nthread": 1, "disable_default_eval_metric": True},
        train,
        3,
        evals=[(test, "valid")],
        obj=squared,
        custom_metric=off_by,
        evals_result=scores,
        verbose_eval=False,
    )
    run = the_run()
    assert points(run, "valid-off_at_most") == scores["valid"]["off@most"]
    assert run.params["obj"].endswith("squared") and run.params["custom_metric"].endswith("off_by")


def test_importance_by_every_measure() -> None:
    train, _ = matrices()
    booster = xgb.train(PARAMS, train, 5)
    run = the_run()
    found = document(run, "feature_importance.json")
    assert set(found) == {"weight", "gain", "cover", "total_gain", "total_cover"}
    for measure, scores in found.items():
        assert scores == booster.get_score(importance_type=measure)
        assert list(scores.values()) == sorted(scores.values(), reverse=True)
    charts = several(read((Path(run.artifact_uri) / "figures/feature_importance.json").read_bytes()))
    assert charts["gain"]["series"][0]["x"][0] == max(found["gain"], key=found["gain"].get)


def test_a_linear_booster_of_several_classes() -> None:
    matrix = xgb.DMatrix(DATA.to_numpy()[:, :3], label=np.arange(len(DATA)) % 3)
    booster = xgb.train({"booster": "gblinear", "objective": "multi:softprob", "num_class": 3, "nthread": 1}, matrix, 2)
    run = the_run()
    assert document(run, "feature_importance.json")["weight"] == booster.get_score(importance_type="weight")
    charts = several(read((Path(run.artifact_uri) / "figures/feature_importance.json").read_bytes()))
    assert len(charts["weight"]["series"]) == 3


def test_no_evaluation_no_rounds() -> None:
    train, _ = matrices()
    xgb.train(PARAMS, train, 2)
    assert set(the_run().metrics) == {"train_seconds"}


def test_a_training_that_goes_on_from_another() -> None:
    train, _ = matrices()
    first = xgb.train(PARAMS, train, 2)
    before = first.save_raw("ubj")
    again = xgb.train(PARAMS, train, 2, xgb_model=first)
    assert again.num_boosted_rounds() == 4 and first.save_raw("ubj") == before
    assert autotrack.search_runs()[0].params["xgb_model"] == "continued from another model"


def test_a_training_that_fails() -> None:
    train, _ = matrices()
    with pytest.raises(xgb.core.XGBoostError):
        xgb.train({"objective": "no such thing"}, train, 2)
    run = the_run()
    assert run.status.value == "FAILED" and run.params["objective"] == "no such thing"


def test_params_may_be_pairs() -> None:
    train, test = matrices()
    pairs = [("objective", "binary:logistic"), ("eval_metric", "auc"), ("eval_metric", "error"), ("nthread", 1)]
    xgb.train(pairs, train, 2, evals=[(test, "valid")], verbose_eval=False)
    run = the_run()
    assert run.params["eval_metric"] == "[auc, error]"
    assert len(points(run, "valid-error")) == 2


def test_many_trainings_from_one_line() -> None:
    autotrack.disable()
    trackers.close_all()  # its settings are those of the fixture
    autotrack.enable(silent=True, runs_per_site=3, models=False)
    train, test = matrices()
    for depth in range(1, 7):
        xgb.train({**PARAMS, "max_depth": depth}, train, 2, evals=[(test, "valid")], verbose_eval=False)
    runs = autotrack.search_runs()
    assert len(runs) == 4
    series = next(run for run in runs if run.tags.get("autotrack.folded"))
    assert len(points(autotrack.get_run(series.id), "train_seconds")) == 3
    assert len(points(autotrack.get_run(series.id), "valid-auc")) == 3


def test_inside_a_run_of_ones_own() -> None:
    train, test = matrices()
    with autotrack.start_run("mine") as run:
        for _ in range(2):
            xgb.train(PARAMS, train, 2, evals=[(test, "valid")], verbose_eval=False)
    (found,) = autotrack.search_runs()
    assert found.name == "mine"
    run = autotrack.get_run(run.id)
    assert len(points(run, "valid-auc")) == 2
    assert [model.path for model in run.models] == ["model", "xgboost.train_2/model"]


@pytest.mark.parametrize("as_pandas", [True, False])
def test_cross_validation(as_pandas: bool) -> None:
    train, _ = matrices()
    result = xgb.cv(PARAMS, train, 6, nfold=3, as_pandas=as_pandas)
    assert isinstance(result, pd.DataFrame) is as_pandas
    run = the_run()
    assert run.name == "xgboost.cv" and not run.models
    for name in ("train-auc-mean", "test-auc-std", "test-logloss-mean"):
        assert points(run, name) == list(result[name])
        assert run.metrics[f"final_{name}"] == list(result[name])[-1]
    assert run.params["nfold"] == "3"
    assert {data.context for data in run.datasets} == {"train", "train target"}


def test_cross_validation_that_stops_early() -> None:
    train, _ = matrices()
    result = xgb.cv({**PARAMS, "eta": 0.9}, train, 200, nfold=3, early_stopping_rounds=3)
    run = the_run()
    assert run.metrics["best_iteration"] == len(result) - 1
    assert run.metrics["best_test-logloss-mean"] == result["test-logloss-mean"].iloc[-1]
    assert len(points(run, "test-logloss-mean")) == len(result) + 3
