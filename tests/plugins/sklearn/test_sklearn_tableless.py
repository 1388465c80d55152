"""Models that are asked without a table: the same answers to the last bit, from every estimator that is asked so."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from autotrack_sklearn.tableless import _MODULES, array_predictor
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor, VotingClassifier
from sklearn.linear_model import LogisticRegression, RANSACRegressor, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer, PolynomialFeatures, StandardScaler
from sklearn.svm import SVC
from sklearn.utils import all_estimators

RANDOM = np.random.default_rng(0)
X = pd.DataFrame(np.abs(RANDOM.normal(size=(120, 5))), columns=list("abcde"))
Y = (X["a"] + X["b"] > 1.6).astype(int) + 1
ESTIMATORS = [
    kind
    for _, kind in all_estimators()
    if f"{kind.__module__}.".startswith(_MODULES) and hasattr(kind, "predict") and "MultiTask" not in kind.__name__
]


OPTIONS: dict[str, dict[str, Any]] = {
    "LocalOutlierFactor": {"novelty": True},
    "RadiusNeighborsClassifier": {"radius": 9.0},
    "RadiusNeighborsRegressor": {"radius": 9.0},
}


class OwnRidge(Ridge):
    def predict(self, X: Any) -> Any:
        return super().predict(X) + len(X.columns)


def compared(model: Any) -> None:
    ask = array_predictor(model, list(X.columns))
    assert ask is not None
    assert array_predictor(model, list("bacde")) is None and array_predictor(model, list("abcd")) is None
    for count in (1, 2, 120):
        rows = np.ascontiguousarray(X.to_numpy()[:count])
        with warnings.catch_warnings():
            warnings.filterwarnings("error", "X does not have valid feature names")
            found = ask(rows)
        expected = model.predict(pd.DataFrame(rows, columns=X.columns))
        assert found.dtype == expected.dtype and found.tobytes() == expected.tobytes()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ESTIMATORS, ids=lambda kind: kind.__name__)
def test_an_array_gets_the_answers_of_a_table(kind: Any) -> None:
    model = kind(**OPTIONS.get(kind.__name__, {})).fit(X, Y)
    names = list(model.feature_names_in_)
    compared(model)
    assert list(model.feature_names_in_) == names  # the user's model is as it was


def test_pipelines_and_searches_of_such_estimators_are_asked_so_too() -> None:
    scaled = make_pipeline(StandardScaler(), PolynomialFeatures(2), LogisticRegression()).fit(X, Y)
    compared(scaled)
    search = GridSearchCV(make_pipeline(StandardScaler(), Ridge()), {"ridge__alpha": [0.1, 1.0]}).fit(X, Y)
    compared(search)
    compared(RandomForestRegressor(5, random_state=0).fit(X, Y.astype(float)))


@pytest.mark.parametrize(
    "model",
    [
        make_pipeline(ColumnTransformer([("scale", StandardScaler(), ["b", "a"])]), LogisticRegression()),
        make_pipeline(FunctionTransformer(np.log1p), LogisticRegression()),
        make_pipeline(StandardScaler(), FunctionTransformer(lambda x: x), LogisticRegression()),
        make_pipeline(StandardScaler().set_output(transform="pandas"), LogisticRegression()),
        make_pipeline(FeatureUnion([("scale", StandardScaler())]), LogisticRegression()),
        VotingClassifier([("one", LogisticRegression())]),
        KNeighborsClassifier(metric=lambda a, b: float(np.abs(a - b).sum())),
        SVC(kernel=lambda a, b: a @ b.T),
        RANSACRegressor(estimator=Ridge(), min_samples=5),
        GradientBoostingRegressor(n_estimators=2, init=Ridge()),
        OwnRidge(),
        StandardScaler(),  # does not predict
    ],
    ids=str.split("chosen function lambda table union voting metric kernel ransac init own scaler"),
)
def test_what_may_look_at_a_table_is_given_one(model: Any) -> None:
    assert array_predictor(model.fit(X, Y), list(X.columns)) is None


def test_a_model_without_names_is_asked_with_arrays_anyway() -> None:
    compared_to = KMeans(3, n_init=1, random_state=0).fit(X.to_numpy())
    assert array_predictor(compared_to, list(X.columns)) is None  # a table would be warned about
    ask = array_predictor(compared_to, None)
    assert ask is not None and ask(X.to_numpy()).tolist() == compared_to.predict(X.to_numpy()).tolist()
