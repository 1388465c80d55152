"""What is measured after a fit lands on the run of the model that predicted, under the name of the data."""

from __future__ import annotations

import copy
import functools
import gc
import pickle
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn.metrics as metrics
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.cluster import KMeans
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.linear_model import Ridge, RidgeClassifier, SGDClassifier
from sklearn.metrics import accuracy_score, f1_score, get_scorer, make_scorer, mean_squared_error, roc_auc_score
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

import autotrack
from autotrack.core.runs import trackers

X, Y = load_breast_cancer(return_X_y=True)
X_train, X_test, y_train, y_test = X[::2], X[1::2], Y[::2], Y[1::2]
#: Held since before anything was watched, as a user's own code may hold them.
EARLY = {"partial": functools.partial(f1_score, average="macro"), "scorer": make_scorer(f1_score)}


@pytest.fixture(autouse=True)
def enabled(store: Path) -> Iterator[Path]:
    autotrack.enable(models=False, silent=True, overhead_share=1000)
    yield store
    autotrack.disable()
    from autotrack_sklearn.provenance import provenance

    provenance.clear()


def run_of(name: str = "GaussianNB") -> Any:
    (found,) = [run for run in autotrack.search_runs() if run.name == name]
    return found


def measured(name: str = "GaussianNB") -> dict[str, float]:
    """The metrics that came after the fit."""
    return {
        key: value
        for key, value in run_of(name).metrics.items()
        if not key.startswith(("training_", "fit_seconds", "n_iter"))
    }


def test_metrics_of_one_model() -> None:
    model = GaussianNB().fit(X_train, y_train)
    predicted = model.predict(X_test)
    accuracy = accuracy_score(y_test, predicted)
    each = f1_score(y_test, predicted, average=None)
    score = model.score(X_train, y_train)
    found = measured()
    assert found == {
        "accuracy_score_X_test": accuracy,
        "f1_score_X_test.0": each[0],
        "f1_score_X_test.1": each[1],
        "GaussianNB_score_X_train": score,
    }
    assert str(run_of().status) == "FINISHED" and len(autotrack.search_runs()) == 1


PROBABILITY: dict[str, Callable[[Any], Any]] = {
    "column": lambda p: p[:, 1],
    "copied column": lambda p: p[:, 1].copy(),
    "list": lambda p: p[:, 1].tolist(),
    "tuple": lambda p: tuple(p[:, 1].tolist()),
    "series": lambda p: pd.Series(p[:, 1]),
    "frame": lambda p: pd.DataFrame(p, columns=["a", "b"])["b"],
    "deep copy": lambda p: pd.DataFrame(p, columns=["a", "b"])["b"].copy(deep=True),
    "object": lambda p: p[:, 1].astype(object),
    "pickled": lambda p: pickle.loads(pickle.dumps(p))[:, 1],
    "transposed": lambda p: p.T[1],
    "reversed and back": lambda p: p[::-1][::-1, 1].copy(),
    "flat": lambda p: np.ravel(p[:, [1]]),
}
LABELS: dict[str, Callable[[Any, Any], Any]] = {
    "argmax": lambda p, classes: np.argmax(p, axis=1),
    "argmax as float": lambda p, classes: np.argmax(p, axis=1).astype(np.float32),
    "class of argmax": lambda p, classes: classes[np.argmax(p, axis=1)],
    "threshold": lambda p, classes: (p[:, 1] > 0.5).astype(int),
    "threshold, boolean": lambda p, classes: p[:, 1] > 0.5,
    "threshold, inclusive": lambda p, classes: [int(value >= 0.5) for value in p[:, 1]],
    "threshold of a series": lambda p, classes: (pd.Series(p[:, 1]) > 0.5).astype("int8"),
}


@pytest.mark.parametrize("how", PROBABILITY)
def test_probabilities_in_any_form(how: str) -> None:
    model = GaussianNB().fit(X_train, y_train)
    value = roc_auc_score(y_test, PROBABILITY[how](model.predict_proba(X_test)))
    assert measured() == {"roc_auc_score_X_test": value}


@pytest.mark.parametrize("how", LABELS)
def test_labels_made_of_probabilities(how: str) -> None:
    model = GaussianNB().fit(X_train, y_train)
    value = accuracy_score(y_test, LABELS[how](model.predict_proba(X_test), model.classes_))
    assert measured() == {"accuracy_score_X_test": value}


@pytest.mark.parametrize("kind", [SVC, RidgeClassifier, SGDClassifier])
def test_labels_made_of_a_decision(kind: Any) -> None:
    names = np.array(["no", "yes"])
    model = kind().fit(X_train, names[y_train])
    value = accuracy_score(names[y_test], model.classes_[(model.decision_function(X_test) > 0).astype(int)])
    accuracy_score(names[y_test], model.predict(X_test).tolist())
    found = measured(kind.__name__)
    assert found["accuracy_score_X_test"] == found["accuracy_score-2_X_test"] == value


def test_slices_share_memory_and_copies_of_slices_do_not() -> None:
    model = GaussianNB().fit(X_train, y_train)
    predicted = model.predict(X_test)
    value = accuracy_score(y_test[:100], predicted[:100])
    accuracy_score(y_test[50:100], predicted[50:100][::-1][::-1])
    assert measured()["accuracy_score_X_test"] == value and len(measured()) == 2
    accuracy_score(y_test[:90], predicted[:90].copy())
    assert len(measured()) == 2


def test_a_part_after_the_whole_is_gone() -> None:
    model = GaussianNB().fit(X_train, y_train)
    part = model.predict(X_test)[10:90]
    gc.collect()
    value = accuracy_score(y_test[10:90], part)
    assert measured() == {"accuracy_score_X_test": value}


def test_what_nobody_predicted_logs_nothing() -> None:
    model = GaussianNB().fit(X_train, y_train)
    model.predict(X_test)
    accuracy_score(y_test, np.zeros(len(y_test)))
    accuracy_score(y_test, np.ones(len(y_test)))
    accuracy_score(y_test, 1 - y_test)
    accuracy_score([0, 1], [0, 1])
    assert measured() == {}


def test_a_perfect_models_prediction_is_not_taken_for_the_truth() -> None:
    model = DecisionTreeClassifier(random_state=0).fit(X, Y)
    assert (model.predict(X) == Y).all()
    accuracy_score(Y, 1 - Y)
    assert measured("DecisionTreeClassifier") == {}
    predicted = model.predict(X)
    accuracy_score(predicted, 1 - Y)  # the other way round: it is the very prediction
    assert measured("DecisionTreeClassifier") == {"accuracy_score_X": 0.0}


def test_the_names_of_data() -> None:
    model = GaussianNB().fit(X_train, y_train)
    held = type("Held", (), {"X_val": X_test})()
    data = {"X_dict": X_test}
    frame = pd.DataFrame(X_test)

    def evaluate(features: Any) -> None:
        f1_score(y_true=y_test, y_pred=model.predict(X=features))

    f1_score(y_test, model.predict(held.X_val))
    evaluate(X_test)
    f1_score(y_test, model.predict(data["X_dict"]))
    f1_score(y_test[:50], model.predict(X_test[:50]))
    f1_score(y_test, GaussianNB.predict(model, frame.values))
    keys = ["X_val", "features", "X_dict", "unknown_dataset", "frame"]
    assert set(measured()) == {f"f1_score_{name}" for name in keys}


def test_repeats_have_mlflows_numbers() -> None:
    model = GaussianNB().fit(X_train, y_train)
    predicted = model.predict(X_test)
    for _ in range(2):
        f1_score(y_test, predicted)
    f1_score(y_test, predicted)
    f1_score(y_test, predicted, average="macro")
    for X_fold, y_fold in ((X_test[:90], y_test[:90]), (X_test[90:], y_test[90:])):
        accuracy_score(y_fold, model.predict(X_fold))
    assert set(measured()) == {
        "f1_score_X_test",
        "f1_score-2_X_test",
        "f1_score-3_X_test",
        "accuracy_score_X_fold",
        "accuracy_score_X_fold-2",
    }
    assert [point.step for point in run_of().metric_history("f1_score_X_test")] == [0, 1]


def test_loops_fold() -> None:
    model = GaussianNB().fit(X_train, y_train)
    for start in range(40):
        part = X_test[start : start + 100].copy()
        last = accuracy_score(y_test[start : start + 100], model.predict(part))
    found = measured()
    assert len(found) == 10 and found["accuracy_score_part-10"] == last
    assert len(run_of().metric_history("accuracy_score_part-10")) == 31


def test_a_loop_of_partial_fits_is_one_history() -> None:
    model = SGDClassifier(random_state=0)
    values = []
    for _ in range(6):
        model.partial_fit(X_train, y_train, classes=[0, 1])
        values.append(accuracy_score(y_test, model.predict(X_test)))
    run = run_of("SGDClassifier")
    assert run.metric_history("accuracy_score_X_test").values.tolist() == values


def test_a_refit_is_another_run() -> None:
    model = GaussianNB().fit(X_train, y_train)
    first = accuracy_score(y_test, model.predict(X_test))
    model.fit(X_train[:, :3], y_train)
    X_small = X_test[:, :3]
    second = accuracy_score(y_test, model.predict(X_small))
    found = [{k: v for k, v in run.metrics.items() if k.startswith("accuracy")} for run in autotrack.search_runs()]
    assert found == [{"accuracy_score_X_small": second}, {"accuracy_score_X_test": first}]


def test_of_models_that_agree_the_last_one_counts_and_it_is_said() -> None:
    first = GaussianNB().fit(X_train, y_train)
    other = clone(first).fit(X_train, y_train)
    accuracy_score(y_test, first.predict(X_test).tolist())
    accuracy_score(y_test, other.predict(X_test).tolist())
    runs = [run for run in autotrack.search_runs() if run.name == "GaussianNB"]
    assert all("accuracy_score_X_test" in run.metrics for run in runs) and len(runs) == 2
    assert "several runs" in str(runs[0].health["notes"])


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
@pytest.mark.parametrize(
    "model", [GaussianNB(), DecisionTreeClassifier(max_depth=2), make_pipeline(StandardScaler(), SVC())]
)
def test_copies_of_a_model_speak_for_it(duplicate: Any, model: Any) -> None:
    other = duplicate(model.fit(X_train, y_train))
    value = accuracy_score(y_test, other.predict(X_test))
    (run,) = autotrack.search_runs()
    assert run.metrics["accuracy_score_X_test"] == value
    with pytest.raises(Exception, match="fitted"):
        clone(model).predict(X_test)


def test_inner_calls_make_nothing() -> None:
    search = GridSearchCV(SVC(), {"C": [0.1, 1]}, cv=3, scoring=["accuracy", "f1"], refit="f1").fit(X_train, y_train)
    cross_validate(GaussianNB(), X_train, y_train, scoring="f1")
    for run in autotrack.search_runs():
        assert not [key for key in run.metrics if key.startswith(("f1_score", "accuracy_score"))]
    metrics.classification_report(y_test, search.predict(X_test))
    value = roc_auc_score(y_test, search.best_estimator_.decision_function(X_test))
    assert measured("GridSearchCV(SVC)").keys() >= {"roc_auc_score_X_test"}
    assert measured("GridSearchCV(SVC)")["roc_auc_score_X_test"] == value
    assert not any(key.startswith("precision") for key in measured("GridSearchCV(SVC)"))


def test_scorers_and_functions_that_were_held_before() -> None:
    model = GaussianNB().fit(X_train, y_train)
    loss = get_scorer("neg_log_loss")(model, X_test, y_test)
    scored = EARLY["scorer"](model, X_test, y_test)
    macro = EARLY["partial"](y_test, model.predict(X_test))
    assert measured() == {"neg_log_loss_X_test": loss, "f1_score_X_test": scored, "f1_score-2_X_test": macro}
    for held in (EARLY["scorer"], f1_score, get_scorer("accuracy")):
        assert type(pickle.loads(pickle.dumps(held))) is type(held)
    assert pickle.loads(pickle.dumps(f1_score)) is f1_score


def test_regressors_and_clusterers() -> None:
    A, b = X_train[:, 1:], X_train[:, 0]
    model = Ridge().fit(A, b)
    error = mean_squared_error(b, pd.Series(model.predict(A)))
    assert measured("Ridge") == {"mean_squared_error_A": error}
    labels = KMeans(2, n_init=1, random_state=0).fit_predict(A)
    value = metrics.adjusted_rand_score(y_train, labels)
    inner = metrics.silhouette_score(A, labels.tolist())
    assert measured("KMeans") == {"adjusted_rand_score_A": value, "silhouette_score_A": inner}


def test_curves_and_what_is_computed_from_them() -> None:
    model = GaussianNB().fit(X_train, y_train)
    false, true, _ = metrics.roc_curve(y_test, model.predict_proba(X_test)[:, 1])
    value = metrics.auc(false, true)
    metrics.confusion_matrix(y_test, model.predict(X_test))
    assert measured() == {"auc_X_test": value}
    paths = {artifact.path for artifact in run_of().artifacts}
    assert paths >= {"figures/roc_curve_X_test.json", "figures/confusion_matrix_X_test.json"}


class Mine(ClassifierMixin, BaseEstimator):
    def fit(self, X: Any, y: Any) -> Any:
        self.mean_ = X[:, 0].mean()
        return self

    def predict(self, X: Any) -> Any:
        return (X[:, 0] < self.mean_).astype(int)


def test_the_users_own_estimator() -> None:
    model = Mine().fit(X_train, y_train)
    value = accuracy_score(y_test, model.predict(X_test))
    assert model.score(X_test, y_test) == value
    assert measured("Mine") == {"accuracy_score_X_test": value, "Mine_score_X_test": value}


def test_threads() -> None:
    models = [GaussianNB(var_smoothing=each).fit(X_train, y_train) for each in (1e-9, 1e-3, 1.0, 1000.0)]
    values: dict[float, float] = {}

    def judge(model: Any) -> None:
        for _ in range(20):
            values[model.var_smoothing] = metrics.log_loss(y_test, model.predict_proba(X_test))

    threads = [threading.Thread(target=judge, args=(model,)) for model in models]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    found = {float(run.params["var_smoothing"]): run.metrics["log_loss_X_test"] for run in autotrack.search_runs()}
    assert found == values


def test_in_joblibs_threads() -> None:
    model = GaussianNB().fit(X_train, y_train)
    with joblib.parallel_config(backend="threading"):
        parts = joblib.Parallel(2)(joblib.delayed(model.predict)(part) for part in (X_test[:142], X_test[142:]))
    accuracy_score(y_test[:142], parts[0])
    assert len(measured()) == 1


def test_inside_a_run_of_the_users() -> None:
    with autotrack.start_run(name="mine"):
        model = GaussianNB().fit(X_train, y_train)
        other = Ridge().fit(X_train, y_train)
    value = accuracy_score(y_test, model.predict(X_test))
    error = mean_squared_error(y_test, other.predict(X_test))
    found = measured("mine")
    assert found["accuracy_score_X_test"] == value and found["Ridge.mean_squared_error_X_test"] == error


def test_past_many_fits_of_one_line_the_values_are_steps_of_their_series() -> None:
    trackers.close_all()
    autotrack.enable(models=False, silent=True, runs_per_site=2)
    values = []
    for smoothing in (1e-9, 1e-3, 1e-1, 1, 10):
        model = GaussianNB(var_smoothing=smoothing).fit(X_train, y_train)
        values.append(accuracy_score(y_test, model.predict(X_test)))
    series = run_of("GaussianNB (many)")
    assert series.metric_history("accuracy_score_X_test").values.tolist() == values[2:]


def test_the_data_are_data_sets_of_the_run() -> None:
    weight = np.ones(len(X_train))
    model = GaussianNB().fit(X_train, y_train, sample_weight=weight)
    for _ in range(3):
        accuracy_score(y_test, model.predict(X_test))
    found = {(data.name, data.context) for data in run_of().datasets}
    assert found == {
        ("X_train", "train"),
        ("y_train", "train target"),
        ("weight", "train weight"),
        ("X_test", "eval"),
        ("y_test", "eval target"),
    }


def test_one_flipped_label_is_a_change_of_y_alone() -> None:
    labels = y_train.copy()
    GaussianNB().fit(X_train, labels)
    labels[7] = 1 - labels[7]
    GaussianNB().fit(X_train, labels)
    after, before = [{data.name: data.digest for data in run.datasets} for run in autotrack.search_runs()]
    assert after.keys() == before.keys() == {"X_train", "labels"}
    assert after["X_train"] == before["X_train"] and after["labels"] != before["labels"]


def test_no_data_is_kept() -> None:
    features = X_test.copy()
    model = GaussianNB().fit(X_train, y_train)
    predicted = model.predict_proba(features)
    roc_auc_score(y_test, predicted[:, 1])
    references = [weakref.ref(thing) for thing in (features, model, predicted)]
    del features, model, predicted
    gc.collect()
    assert [reference() for reference in references] == [None] * 3


def test_when_switched_off_nothing_is_found() -> None:
    model = GaussianNB().fit(X_train, y_train)
    autotrack.disable()
    accuracy_score(y_test, model.predict(X_test))
    assert measured() == {}
    assert type(vars(GaussianNB.__mro__[1])["predict"]).__name__ == "function"
    assert type(f1_score.__closure__[0].cell_contents).__name__ != "Watched"


def test_iris_with_names_of_classes() -> None:
    A, b = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])[b]
    model = GaussianNB().fit(A, names)
    probability = model.predict_proba(A)
    value = accuracy_score(names, model.classes_[probability.argmax(axis=1)].tolist())
    area = roc_auc_score(b, probability, multi_class="ovr")
    one = roc_auc_score(names == "setosa", probability[:, 0].copy())
    found = measured()
    assert found == {"accuracy_score_A": value, "roc_auc_score_A": area, "roc_auc_score-2_A": one}
