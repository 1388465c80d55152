"""XGBoost models travel: stock MLflow loads ours by both of its faces, we load those that it wrote."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost as xgb
from autotrack_xgboost.flavor import XGBOOST
from sklearn.datasets import load_breast_cancer
from test_mlflow_models import mlflow

from autotrack.models import load_model, load_pyfunc, save_model

__all__ = ["mlflow"]  # the fixture
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

TABLE, T = load_breast_cancer(return_X_y=True, as_frame=True)
FLAVORS = [XGBOOST]


@pytest.fixture(scope="module")
def models() -> dict[str, Any]:
    train = xgb.DMatrix(TABLE, label=T)
    params = {"objective": "binary:logistic", "nthread": 1}
    return {
        "booster": xgb.train(params, train, 5),
        "stopped": xgb.train(params, train, 99, evals=[(train, "t")], early_stopping_rounds=2, verbose_eval=False),
        "classifier": xgb.XGBClassifier(n_estimators=5, n_jobs=1).fit(TABLE, T),
        "regressor": xgb.XGBRegressor(n_estimators=5, n_jobs=1, max_depth=2).fit(TABLE, T),
    }


@pytest.fixture(scope="module")
def told(mlflow: Path, models: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    ours, theirs = tmp_path_factory.mktemp("ours"), tmp_path_factory.mktemp("theirs")
    for name, model in models.items():
        save_model(model, ours / name, example=TABLE, flavors=FLAVORS)
    script = Path(__file__).with_name("mlflow_xgboost_side.py")
    env = {**os.environ, "PYTHONPATH": str(mlflow), "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false"}
    done = subprocess.run(
        [sys.executable, str(script), str(ours), str(theirs)], env=env, cwd=theirs, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return {**json.loads(done.stdout.splitlines()[-1]), "place": theirs}


def test_mlflow_loads_ours(told: dict[str, Any], models: dict[str, Any]) -> None:
    assert set(told["ours"]) == set(models)
    for name, model in models.items():
        found = told["ours"][name]
        data = TABLE if hasattr(model, "get_booster") else xgb.DMatrix(TABLE)
        expected = np.asarray(model.predict(data)).tolist()
        assert found["class"] == type(model).__name__
        assert found["native"] == found["pyfunc"] == expected, name
        assert "mean radius" in found["signature"]["inputs"]


def test_we_load_theirs(told: dict[str, Any]) -> None:
    place, expected = told["place"], told["theirs"]
    for name in ("booster", "as json"):
        model = load_model(place / name, trust=False, flavors=FLAVORS)
        assert type(model) is xgb.Booster
        assert model.predict(xgb.DMatrix(TABLE)).tolist() == expected[name]
    model = load_model(place / "estimator", trust=False, flavors=FLAVORS)
    assert type(model) is xgb.XGBClassifier
    assert model.predict_proba(TABLE).tolist() == expected["estimator"]
    assert load_pyfunc(place / "booster", trust=False, flavors=FLAVORS).predict(TABLE).tolist() == expected["booster"]
