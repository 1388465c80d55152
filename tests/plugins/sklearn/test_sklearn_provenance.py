"""Predictions as people's programs pass them on: each lands on the run of the model that made it, or nowhere."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, brier_score_loss, f1_score, fbeta_score, make_scorer, roc_auc_score
from sklearn.model_selection import GridSearchCV, cross_val_predict, train_test_split
from sklearn.naive_bayes import GaussianNB

import autotrack

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)


@pytest.fixture(autouse=True)
def enabled(store: Path) -> Iterator[Path]:
    autotrack.enable(silent=True, overhead_share=1000)
    yield store
    autotrack.disable()
    from autotrack_sklearn.provenance import provenance

    provenance.clear()


def after_fits() -> dict[str, dict[str, float]]:
    """What was measured after the fit of each run, by the run's name."""
    own = ("training_", "fit_seconds", "n_iter", "best_", "n_candidates", "system/")
    runs = autotrack.search_runs()
    found = {run.name: {k: v for k, v in run.metrics.items() if not k.startswith(own)} for run in runs}
    assert len(found) == len(runs)
    return found


def test_a_program_with_two_models_and_a_split() -> None:
    forest = RandomForestClassifier(5, random_state=0).fit(X_train, y_train)
    bayes = GaussianNB().fit(X_train, y_train)
    values = {}
    for model in (forest, bayes):
        y_pred = model.predict(X_test)
        values[type(model).__name__] = {
            "accuracy_score_X_test": accuracy_score(y_test, y_pred),
            "f1_score_X_test": f1_score(y_test, y_pred),
        }
    values["RandomForestClassifier"]["roc_auc_score_X_test"] = roc_auc_score(y_test, forest.predict_proba(X_test)[:, 1])
    assert after_fits() == values


def test_predictions_in_a_column_of_the_users_table() -> None:
    model = GaussianNB().fit(X_train, y_train)
    table = X_test.assign(truth=y_test, predicted=model.predict(X_test), chance=model.predict_proba(X_test)[:, 1])
    ordered = table.sort_index()
    found = {"accuracy_score_X_test": accuracy_score(table.truth, table["predicted"])}
    found["brier_score_loss_X_test"] = brier_score_loss(table.truth, table["chance"])
    assert after_fits() == {"GaussianNB": found}
    accuracy_score(ordered.truth, ordered.predicted)  # in another order it is no copy of what was predicted
    assert after_fits() == {"GaussianNB": found}


def test_predictions_that_went_through_a_file(tmp_path: Path) -> None:
    model = GaussianNB().fit(X_train, y_train)
    chances = model.predict_proba(X_test)
    pd.DataFrame({"label": model.predict(X_test), "chance": chances[:, 1]}).to_csv(tmp_path / "out.csv")
    np.savetxt(tmp_path / "out.txt", chances)
    np.save(tmp_path / "out.npy", chances.astype(np.float64))
    del chances
    back = pd.read_csv(tmp_path / "out.csv", dtype={"chance": str})  # pandas before 3 reads numbers a bit beside
    found = {
        "accuracy_score_X_test": accuracy_score(y_test, back["label"]),
        "roc_auc_score_X_test": roc_auc_score(y_test, back["chance"].astype(float)),
        "roc_auc_score-2_X_test": roc_auc_score(y_test, np.loadtxt(tmp_path / "out.txt")[:, 1]),
        "roc_auc_score-3_X_test": roc_auc_score(y_test, np.load(tmp_path / "out.npy")[:, 1]),
    }
    assert after_fits() == {"GaussianNB": found}


def test_of_models_that_predict_the_same_the_array_tells() -> None:
    first = GaussianNB().fit(X_train, y_train)
    second = GaussianNB(var_smoothing=2e-9).fit(X_train, y_train)
    one, two = first.predict(X_test), second.predict(X_test)
    assert (one == two).all()
    accuracy_score(y_test, one)
    f1_score(y_test, two)
    found = {
        run.params["var_smoothing"]: {k for k in run.metrics if not k.startswith(("training_", "fit_"))}
        for run in autotrack.search_runs()
    }
    assert found == {"1e-09": {"accuracy_score_X_test"}, "2e-09": {"f1_score_X_test"}}


def test_metrics_in_a_function_of_the_users() -> None:
    def evaluate(model: Any, features: Any, truth: Any) -> dict[str, float]:
        predicted = model.predict(features)
        return {"accuracy": accuracy_score(truth, predicted), "f2": fbeta_score(truth, predicted, beta=2)}

    model = LogisticRegression(max_iter=5000).fit(X_train, y_train)
    values = evaluate(model, X_test, y_test)
    found = {"accuracy_score_features": values["accuracy"], "fbeta_score_features": values["f2"]}
    assert after_fits() == {"LogisticRegression": found}


def cost(truth: Any, predicted: Any) -> float:
    """A metric of the user's, which asks scikit-learn's inside."""
    return float(5 * (1 - accuracy_score(truth, predicted)))


def test_scorers_of_the_users() -> None:
    model = GaussianNB().fit(X_train, y_train)
    scorer = make_scorer(cost, greater_is_better=False)
    value = scorer(model, X_test, y_test)
    found = after_fits()["GaussianNB"]
    assert found["neg_cost_X_test"] == value < 0
    assert found.keys() <= {"neg_cost_X_test", "accuracy_score_X_test"}


def test_what_a_search_scores_inside_stays_inside() -> None:
    search = GridSearchCV(GaussianNB(), {"var_smoothing": [1e-9, 1e-2]}, scoring=make_scorer(cost), cv=3)
    search.fit(X_train, y_train)
    (name,) = (name for name in after_fits() if name.startswith("GridSearchCV"))
    assert after_fits()[name] == {}
    value = search.score(X_test, y_test)
    accuracy = accuracy_score(y_test, search.predict(X_test))
    found = after_fits()[name]
    assert found["GridSearchCV_score_X_test"] == value and found["accuracy_score_X_test"] == accuracy


def test_predictions_of_a_cross_validation_are_no_runs() -> None:
    model = GaussianNB().fit(X_train, y_train)
    predicted = cross_val_predict(GaussianNB(), X_train, y_train, cv=3)
    accuracy_score(y_train, predicted)
    assert after_fits() == {"GaussianNB": {}}
    accuracy_score(y_train, model.predict(X_train))
    assert set(after_fits()["GaussianNB"]) == {"accuracy_score_X_train"}


def test_memory_is_bounded() -> None:
    from autotrack_sklearn.provenance import MAX_ARRAYS, MAX_KEYS, MAX_MODELS, UNASKED, provenance

    kept = []
    for number in range(6):
        model = GaussianNB(var_smoothing=10.0**-number).fit(X_train, y_train)
        for row in range(2 * UNASKED):
            kept.append(model.predict_proba(X_test.iloc[row % 50 : row % 50 + 20]))
    sizes = [len(getattr(provenance, name)) for name in ("_models", "_copies", "_strangers", "_arrays", "_contents")]
    assert all(0 <= size <= most for size, most in zip(sizes, [MAX_MODELS] * 3 + [MAX_ARRAYS, MAX_KEYS], strict=True))
    assert sizes[3] == MAX_ARRAYS and len(kept) > 4 * MAX_ARRAYS


def test_what_was_fitted_goes_at_once() -> None:
    """By its count of references, without a collection: a forest may be gigabytes."""
    gc.disable()
    try:
        model, features = GaussianNB(), X_train.copy()
        model.fit(features, y_train)
        predicted = model.predict(features)
        accuracy_score(y_train, predicted)
        references = [weakref.ref(thing) for thing in (model, features, predicted)]
        del model, features, predicted
        left = [reference() is not None for reference in references]
    finally:
        gc.enable()
    assert left == [False, False, False]
    (run,) = autotrack.search_runs()
    assert run.models and "accuracy_score_features" in run.metrics
