"""XGBoost's estimators are scikit-learn's, too: one run a fit, with the rounds of the training inside."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost as xgb
from sklearn.datasets import load_diabetes, load_iris
from sklearn.feature_selection import SelectFromModel
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import autotrack

X, Y = load_iris(return_X_y=True)
A, B = load_diabetes(return_X_y=True)


@pytest.fixture(autouse=True)
def enabled(store: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("AUTOTRACK_OVERHEAD_SHARE", "1000")  # nothing is left out where the machine is busy
    autotrack.enable(silent=True)
    yield store
    autotrack.disable()


def the_run() -> Any:
    (run,) = [run for run in autotrack.search_runs() if run.parent is None]
    return autotrack.get_run(run.id)


def rounds(run: Any, key: str) -> list[float]:
    history = run.metric_history(key)
    assert list(history.steps) == list(range(len(history.steps)))
    return [float(value) for value in history.values]


def test_one_run_with_its_rounds() -> None:
    model = xgb.XGBClassifier(n_estimators=40, early_stopping_rounds=3, eval_metric=["merror", "mlogloss"], n_jobs=1)
    model.fit(X[::2], Y[::2], eval_set=[(X[::2], Y[::2]), (X[1::2], Y[1::2])], verbose=False)
    run = the_run()
    assert run.name == "XGBClassifier" and run.tags["autotrack.plugin"] == "sklearn"
    for data, metrics in model.evals_result().items():
        for metric, values in metrics.items():
            assert rounds(run, f"{data}-{metric}") == values
    assert run.metrics["best_iteration"] == model.best_iteration
    assert run.metrics["best_score"] == model.best_score
    assert run.metrics["training_score"] == model.score(X[::2], Y[::2])
    contexts = {(data.name, data.context) for data in run.datasets}
    assert {("validation_0", "eval"), ("validation_1", "eval"), ("validation_1.label", "eval target")} <= contexts
    assert len([1 for _, context in contexts if context == "train"]) == 1
    assert [(found.path, found.flavor) for found in run.models] == [("model", "xgboost")]
    loaded = autotrack.load_model(f"runs:/{run.id}/model")
    assert type(loaded) is xgb.XGBClassifier
    assert (loaded.predict_proba(X) == model.predict_proba(X)).all()
    assert "feature_importance.json" in [artifact.path for artifact in run.artifacts]


def test_the_last_step_of_a_pipeline() -> None:
    model = make_pipeline(StandardScaler(), xgb.XGBRegressor(n_estimators=4, n_jobs=1))
    model.fit(A, B, xgbregressor__eval_set=[(A, B)], xgbregressor__verbose=False)
    run = the_run()
    assert rounds(run, "validation_0-rmse") == model[-1].evals_result()["validation_0"]["rmse"]
    assert ("validation_0", "eval") in {(data.name, data.context) for data in run.datasets}


def test_two_boosters_in_a_pipeline_do_not_mix_their_rounds() -> None:
    def booster() -> Any:
        return xgb.XGBRegressor(n_estimators=3, n_jobs=1)

    model = make_pipeline(SelectFromModel(booster()), booster())
    model.fit(A, B)
    assert "feature_importance.json" not in [artifact.path for artifact in the_run().artifacts]


def test_a_search_is_one_run_without_rounds() -> None:
    search = GridSearchCV(xgb.XGBRegressor(n_estimators=3, n_jobs=1), {"max_depth": [1, 2]}, cv=2)
    search.fit(A, B, eval_set=[(A, B)], verbose=False)
    run = the_run()
    assert run.name == "GridSearchCV(XGBRegressor)"
    assert not [key for key in run.metrics if key.startswith("validation")]
    assert autotrack.load_model(f"runs:/{run.id}/model").predict(A).tolist() == search.predict(A).tolist()


def test_cross_validation_of_an_estimator() -> None:
    cross_val_score(xgb.XGBRegressor(n_estimators=3, n_jobs=1), A, B, cv=3)
    assert the_run().name.startswith("cross_val_score")


@pytest.mark.parametrize(
    ("model", "target", "options"),
    [
        (xgb.XGBRanker(n_estimators=3, n_jobs=1), (B > 140).astype(int), {"qid": np.repeat(np.arange(26), 17)}),
        (xgb.XGBRFRegressor(n_estimators=3, n_jobs=1), B, {}),
        (xgb.XGBRegressor(n_estimators=3, n_jobs=1, multi_strategy="multi_output_tree"), np.c_[B, -B], {}),
        (xgb.XGBRegressor(n_estimators=3, n_jobs=1, booster="dart", rate_drop=0.5), B, {}),
    ],
    ids=["ranking", "forest", "two targets", "dart"],
)
def test_every_estimator(model: Any, target: Any, options: dict[str, Any]) -> None:
    autotrack.disable()
    expected = type(model)(**model.get_params()).fit(A, target, **options).get_booster().save_raw("ubj")
    autotrack.enable(silent=True)
    model.fit(A, target, **options)
    assert model.get_booster().save_raw("ubj") == expected
    run = the_run()
    assert [found.flavor for found in run.models] == ["xgboost"]
    assert autotrack.load_model(f"runs:/{run.id}/model").predict(A).tolist() == model.predict(A).tolist()


def test_callbacks_of_an_estimator_stay_its_own() -> None:
    stop = xgb.callback.EarlyStopping(rounds=2)
    callbacks = [stop]
    model = xgb.XGBRegressor(n_estimators=50, n_jobs=1, callbacks=callbacks)
    model.fit(A[::2], B[::2], eval_set=[(A[1::2], B[1::2])], verbose=False)
    assert model.callbacks is callbacks and callbacks == [stop]
    assert rounds(the_run(), "validation_0-rmse") == model.evals_result()["validation_0"]["rmse"]


def test_without_the_plugin_of_scikit_learn() -> None:
    autotrack.disable()
    autotrack.enable("xgboost", silent=True)
    model = xgb.XGBRegressor(n_estimators=3, n_jobs=1).fit(A, B, eval_set=[(A, B)], verbose=False)
    run = the_run()
    assert run.name == "xgboost.train" and run.tags["autotrack.plugin"] == "xgboost"
    assert rounds(run, "validation_0-rmse") == model.evals_result()["validation_0"]["rmse"]
