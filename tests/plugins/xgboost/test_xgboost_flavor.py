"""Models as UBJSON: the same predictions to the bit, nothing that runs, and a clear word for what is no model."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import xgboost as xgb
import yaml
from autotrack_xgboost.flavor import XGBOOST, save
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris

from autotrack.core.errors import ArtifactError, UntrustedModelError
from autotrack.core.guard import attempt
from autotrack.models import load_model, open_model, save_model

TABLE, T = load_breast_cancer(return_X_y=True, as_frame=True)
X, Y = load_iris(return_X_y=True)
A, B = load_diabetes(return_X_y=True)
FLAVORS = [XGBOOST]
HOLES = np.where(np.arange(A.size).reshape(A.shape) % 7 == 0, np.nan, A)
CATEGORIES = pd.DataFrame({"a": pd.Categorical(np.array(list("xyz"))[Y]), "b": X[:, 0]})


def booster(data: Any = TABLE, label: Any = T, **params: Any) -> xgb.Booster:
    chosen = {"objective": "binary:logistic", "nthread": 1, "seed": 1, **params}
    return xgb.train(chosen, xgb.DMatrix(data, label=label, enable_categorical=True), 6)


MODELS: dict[str, tuple[Any, Any]] = {
    "trees": (lambda: booster(), TABLE),
    "arrays": (lambda: booster(TABLE.to_numpy()), TABLE.to_numpy()),
    "sparse": (lambda: booster(sp.csr_matrix(TABLE.to_numpy())), sp.csr_matrix(TABLE.to_numpy())),
    "missing values": (lambda: booster(HOLES, B, objective="reg:squarederror"), HOLES),
    "dart": (lambda: booster(booster="dart", rate_drop=0.5), TABLE),
    "linear": (lambda: booster(booster="gblinear"), TABLE),
    "forest": (lambda: booster(num_parallel_tree=4, subsample=0.5), TABLE),
    "classes": (lambda: booster(X, Y, objective="multi:softprob", num_class=3), X),
    "categories": (lambda: booster(CATEGORIES, Y, objective="multi:softprob", num_class=3), CATEGORIES),
    "survival": (lambda: booster(A, B, objective="survival:cox"), A),
    "counts": (lambda: booster(A, B, objective="count:poisson", tree_method="exact"), A),
    "targets": (lambda: booster(A, np.c_[B, -B], objective="reg:squarederror"), A),
    "classifier": (lambda: xgb.XGBClassifier(n_estimators=5, n_jobs=1).fit(TABLE, T), TABLE),
    "three classes": (lambda: xgb.XGBClassifier(n_estimators=5, n_jobs=1).fit(X, Y), X),
    "regressor": (lambda: xgb.XGBRegressor(n_estimators=5, n_jobs=1).fit(A, B), A),
    "minus nine": (lambda: xgb.XGBRegressor(n_estimators=5, n_jobs=1, missing=-9).fit(np.nan_to_num(HOLES, nan=-9), B),
                   np.nan_to_num(HOLES, nan=-9)),
    "stopped": (lambda: xgb.XGBRegressor(n_estimators=99, n_jobs=1, early_stopping_rounds=2).fit(
        A[::2], B[::2], eval_set=[(A[1::2], B[1::2])], verbose=False), A),
    "random forest": (lambda: xgb.XGBRFClassifier(n_estimators=5, n_jobs=1).fit(X, Y), X),
    "ranker": (lambda: xgb.XGBRanker(n_estimators=5, n_jobs=1).fit(A, B > 140, qid=np.repeat(range(26), 17)), A),
    "quantiles": (lambda: xgb.XGBRegressor(n_estimators=5, n_jobs=1, objective="reg:quantileerror",
                                           quantile_alpha=[0.1, 0.9]).fit(A, B), A),
}  # fmt: skip


def predictions(model: Any, data: Any) -> list[Any]:
    found = [XGBOOST.predictor(model)(data)]  # type: ignore[misc]
    if hasattr(model, "predict_proba"):
        found.append(model.predict_proba(data))
    return found


@pytest.mark.parametrize("name", MODELS)
def test_the_same_predictions_and_not_one_byte_of_pickle(tmp_path: Path, name: str) -> None:
    make, data = MODELS[name]
    model = make()
    expected = predictions(model, data)
    save_model(model, tmp_path / "m", example=data, flavors=FLAVORS)
    opened = open_model(tmp_path / "m", trust=False, flavors=FLAVORS)
    assert type(opened.model) is type(model)
    for one, other in zip(expected, predictions(opened.model, data), strict=True):
        assert one.tobytes() == other.tobytes()
    assert opened.replay.verdict == "equal", opened.replay
    for file in (tmp_path / "m").rglob("*"):
        content = file.read_bytes()
        assert not content.startswith(b"\x80") and b"cbuiltins" not in content and not file.name.endswith(".pkl")


def test_saving_leaves_the_model_as_it_is(tmp_path: Path) -> None:
    model = xgb.XGBClassifier(n_estimators=3, n_jobs=1).fit(X, Y)
    state = model.get_booster().attributes(), sorted(vars(model)), model.get_booster().save_config()
    save(model, tmp_path)
    assert (model.get_booster().attributes(), sorted(vars(model)), model.get_booster().save_config()) == state


def test_the_entry_is_the_one_that_mlflow_reads(tmp_path: Path) -> None:
    save_model(xgb.XGBClassifier(n_estimators=3, n_jobs=1).fit(X, Y), tmp_path / "m", example=X, flavors=FLAVORS)
    flavors = yaml.safe_load((tmp_path / "m" / "MLmodel").read_text())["flavors"]
    assert (
        flavors["xgboost"].items()
        >= {
            "data": "model.ubj",
            "model_class": "xgboost.sklearn.XGBClassifier",
            "model_format": "ubj",
            "xgb_version": xgb.__version__,
        }.items()
    )
    assert flavors["python_function"]["loader_module"] == "mlflow.xgboost"
    assert flavors["python_function"]["data"] == "model.ubj"
    needed = (tmp_path / "m" / "requirements.txt").read_text()
    assert f"xgboost-cpu=={xgb.__version__}" in needed or f"xgboost=={xgb.__version__}" in needed
    assert "scikit-learn==" in needed


def folder(place: Path, entry: dict[str, Any], content: bytes) -> Path:
    """A model folder that somebody wrote by hand."""
    place.mkdir()
    (place / "model.ubj").write_bytes(content)
    (place / "MLmodel").write_text(yaml.safe_dump({"flavors": {"xgboost": {"data": "model.ubj", **entry}}}))
    return place


class Bomb:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.mark),)


@pytest.mark.parametrize("name", ["model.ubj", "model.json", "model.deprecated", "model.pkl"])
@pytest.mark.parametrize("trust", [False, True])
def test_a_pickle_under_any_name_is_never_opened(tmp_path: Path, name: str, trust: bool) -> None:
    mark = tmp_path / "ran"
    place = folder(tmp_path / "m", {"data": name}, b"")
    (place / name).write_bytes(pickle.dumps(Bomb(mark)))
    with pytest.raises((ArtifactError, UntrustedModelError), match=name.replace(".", r"\.")):
        load_model(place, trust=trust, flavors=FLAVORS)
    assert not mark.exists()


@pytest.mark.parametrize("name", ["os.system", "subprocess.Popen", "builtins.eval", "xgboost.sklearn.json.loads", "x"])
def test_a_class_that_is_none_of_xgboosts(tmp_path: Path, name: str) -> None:
    place = folder(tmp_path / "m", {"model_class": name}, bytes(booster().save_raw("ubj")))
    with pytest.raises(UntrustedModelError, match="trust=True"):
        load_model(place, trust=False, flavors=FLAVORS)
    with pytest.raises(ArtifactError, match=name):
        load_model(place, trust=True, flavors=FLAVORS)


def test_a_file_outside_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "other.ubj").write_bytes(bytes(booster().save_raw("ubj")))
    place = folder(tmp_path / "m", {"data": "../other.ubj"}, b"")
    with pytest.raises(ArtifactError, match="outside of the model's folder"):
        load_model(place, trust=True, flavors=FLAVORS)


def test_params_that_no_estimator_has_are_left_out(tmp_path: Path) -> None:
    model = xgb.XGBRegressor(n_estimators=3, n_jobs=1, missing=-9.0, max_depth=2).fit(A, B)
    entry = {"model_class": "xgboost.sklearn.XGBRegressor", "params": {"missing": -9.0, "max_depth": 2, "fit": 3}}
    place = folder(tmp_path / "m", entry, bytes(model.get_booster().save_raw("ubj")))
    loaded = load_model(place, trust=False, flavors=FLAVORS)
    assert loaded.missing == -9.0 and loaded.max_depth == 2 and callable(loaded.fit)


class Mine(xgb.XGBRegressor):
    """A user's own estimator."""


def test_an_estimator_of_the_users_own(tmp_path: Path) -> None:
    model = Mine(n_estimators=3, n_jobs=1).fit(A, B)
    save_model(model, tmp_path / "m", flavors=FLAVORS)
    with pytest.raises(UntrustedModelError, match="Mine"):
        load_model(tmp_path / "m", trust=False, flavors=FLAVORS)
    loaded = load_model(tmp_path / "m", trust=True, flavors=FLAVORS)
    assert type(loaded) is Mine and (loaded.predict(A) == model.predict(A)).all()


def test_a_model_as_json_is_read_too(tmp_path: Path) -> None:
    model = booster()
    place = folder(tmp_path / "m", {"data": "model.json"}, b"")
    model.save_model(place / "model.json")
    loaded = load_model(place, trust=False, flavors=FLAVORS)
    assert (loaded.predict(xgb.DMatrix(TABLE)) == model.predict(xgb.DMatrix(TABLE))).all()


@pytest.mark.parametrize("share", [0, 1, 0.3, 0.9])
def test_a_torn_file(tmp_path: Path, share: float) -> None:
    content = bytes(booster().save_raw("ubj"))
    place = folder(tmp_path / "m", {}, content[: int(share * len(content)) if share < 1 else len(content) - 1])
    found, error = attempt(load_model, place, trust=False, flavors=FLAVORS)
    assert found is None and isinstance(error, ArtifactError) and "model.ubj" in str(error)
    assert json.dumps(str(error))
