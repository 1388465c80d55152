"""What may draw random numbers when it is asked: told too often at worst, never too seldom."""

from __future__ import annotations

import random
from functools import partial
from typing import Any

import numpy as np
import pytest
from autotrack_sklearn.drawing import may_draw
from sklearn.base import BaseEstimator
from sklearn.datasets import make_classification
from sklearn.decomposition import NMF
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import BaggingRegressor, RandomForestClassifier
from sklearn.impute._iterative import IterativeImputer
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsRegressor
from sklearn.neural_network import BernoulliRBM
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils import all_estimators

X, Y = make_classification(60, 5, random_state=0)
X = np.abs(X)


class Own(Ridge):
    pass


def shifted(X: Any) -> Any:
    return X + np.random.random()


def overridden() -> Ridge:
    model = Ridge()
    vars(model)["predict"] = shifted
    return model


@pytest.mark.parametrize(
    "model",
    [
        Own(), make_pipeline(StandardScaler(), Own()), BaggingRegressor(Own()), GridSearchCV(Own(), {"alpha": [1]}),
        make_pipeline(FunctionTransformer(shifted), Ridge()), make_pipeline(FunctionTransformer(partial(shifted))),
        FunctionTransformer(np.random.permutation), FunctionTransformer(np.vectorize(shifted)), overridden(),
        KNeighborsRegressor(metric=lambda one, other: random.random()), DummyClassifier(strategy="uniform"),
        make_pipeline(IterativeImputer(sample_posterior=True), Ridge()), make_pipeline(NMF(shuffle=True), Ridge()),
        make_pipeline(BernoulliRBM(), Ridge()), object(),
    ],
)  # fmt: skip
def test_what_may_draw(model: Any) -> None:
    assert may_draw(model)


@pytest.mark.parametrize(
    "model",
    [
        Ridge(), RandomForestClassifier(random_state=np.random.RandomState(0)), DummyClassifier(),
        make_pipeline(FunctionTransformer(np.log1p), IterativeImputer(), Ridge()),
        make_pipeline(FunctionTransformer(np.nan_to_num), Ridge()), GridSearchCV(Ridge(), {"alpha": [1]}),
        make_pipeline(StandardScaler(), NMF(), LinearRegression()),
    ],
)  # fmt: skip
def test_what_does_not(model: Any) -> None:
    assert not may_draw(model)


def _state() -> Any:
    return random.getstate(), repr(np.random.get_state())


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", [kind for _, kind in all_estimators()])
def test_no_estimator_of_the_librarys_draws_unforeseen(kind: type[BaseEstimator]) -> None:
    model = _fitted(kind)
    for name in ("predict", "predict_proba", "decision_function", "transform", "score") if model is not None else ():
        before = random.getstate(), repr(np.random.get_state())
        try:
            getattr(model, name)(*((X, Y) if name == "score" else (X,)))
        except Exception:
            continue
        assert before == (random.getstate(), repr(np.random.get_state())) or may_draw(model), name


def _fitted(kind: Any) -> Any:
    """Made of another estimator where it takes one; None where this data are none for it."""
    for arguments in ((), (Ridge(),), (DummyClassifier(),), ([("inner", Ridge())],)):
        try:
            return kind(*arguments).fit(X, Y)
        except Exception:
            continue
    return None
