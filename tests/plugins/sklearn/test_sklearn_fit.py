"""What one fit records, driven by hand: no engine, no store."""

import random
import time
import warnings
import weakref
from functools import partial

import numpy as np
import pytest
from autotrack_sklearn.fit import fitted
from autotrack_sklearn.training import Training, training_metrics
from autotrack_sklearn.validation import cross_validated, quiet
from recording import Recorder, drive
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin, clone
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.datasets import load_breast_cancer, load_digits, load_iris
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import AdaBoostClassifier, GradientBoostingClassifier, RandomForestClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LinearRegression, LogisticRegression, LogisticRegressionCV, Ridge, SGDClassifier
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    ParameterGrid,
    RandomizedSearchCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
)
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

X, Y = load_breast_cancer(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
XI, YI = load_iris(return_X_y=True)


def test_a_classifier() -> None:
    model = LogisticRegression(max_iter=5000)
    run = drive(fitted, model.fit, X, Y)
    assert run.name == "LogisticRegression"
    assert run.params["C"] == 1.0 and run.params["max_iter"] == 5000
    assert run.tags["estimator_class"] == "sklearn.linear_model._logistic.LogisticRegression"
    assert run.tags["n_samples"] == "569" and run.tags["n_features"] == "30"
    assert run.last("training_score") == run.last("training_accuracy_score") == model.score(X, Y)
    assert run.last("training_log_loss") == pytest.approx(log_loss(Y, model.predict_proba(X)), rel=1e-12)
    assert run.last("training_roc_auc") == pytest.approx(roc_auc_score(Y, model.predict_proba(X)[:, 1]), rel=1e-12)
    assert run.last("n_iter") == model.n_iter_[0]
    assert run.models == {"model": model} and np.array_equal(run.answers["model"], model.predict(X))
    assert not run.notes


@pytest.mark.parametrize(
    "model",
    [
        RandomForestClassifier(5, random_state=0),
        SVC(),
        LinearSVC(),
        GradientBoostingClassifier(n_estimators=5),
        LogisticRegressionCV(cv=2, scoring="neg_log_loss", l1_ratios=(0,), use_legacy_attributes=False),
        GridSearchCV(SVC(), {"C": [1, 2]}, cv=2, scoring="f1_macro"),
        KNeighborsClassifier(weights="distance"),
        make_pipeline(StandardScaler(), LogisticRegression()),
        MLPClassifier((4,), max_iter=4000, random_state=0),
    ],
    ids=lambda model: type(model).__name__,
)
def test_score_is_the_models_own(model) -> None:
    run = drive(fitted, model.fit, XI, YI)
    assert run.last("training_score") == model.score(XI, YI)
    assert run.last("training_accuracy_score") == accuracy_score(YI, model.predict(XI))


@pytest.mark.parametrize("weighted", [False, True])
def test_a_regressor(weighted: bool) -> None:
    weight = np.linspace(0.1, 1, len(X)) if weighted else None
    model = Ridge()
    run = drive(fitted, model.fit, X[:, 1:], X[:, 0], sample_weight=weight)
    assert run.last("training_score") == pytest.approx(model.score(X[:, 1:], X[:, 0], weight), rel=1e-12)
    assert run.last("training_root_mean_squared_error") == pytest.approx(
        run.last("training_mean_squared_error") ** 0.5, rel=1e-12
    )


def test_several_outputs() -> None:
    model = MultiOutputRegressor(LinearRegression())
    run = drive(fitted, model.fit, X[:, 2:], X[:, :2])
    assert run.last("training_r2_score") == pytest.approx(model.score(X[:, 2:], X[:, :2]), rel=1e-12)
    assert run.params["estimator"] == "LinearRegression"
    assert run.params["estimator__fit_intercept"] is True


def test_a_clustering_and_its_labels() -> None:
    model = KMeans(3, n_init=1, random_state=0)
    run = drive(fitted, model.fit_predict, XI)
    assert run.last("training_inertia") == model.inertia_ == -run.last("training_score")
    assert run.last("n_iter") == model.n_iter_


def test_curves_of_losses() -> None:
    model = GradientBoostingClassifier(n_estimators=7)
    run = drive(fitted, model.fit, XI, YI)
    assert [step for step, _ in run.metrics["training_loss"]] == list(range(7))
    assert [value for _, value in run.metrics["training_loss"]] == list(model.train_score_)


@pytest.mark.parametrize(
    "model",
    [
        StandardScaler(),
        SelectKBest(k=2),
        ColumnTransformer([("a", StandardScaler(), [0])]),
        make_pipeline(StandardScaler(), SelectKBest(k=2)),
        make_pipeline(StandardScaler(), "passthrough"),
    ],
    ids=lambda model: type(model).__name__,
)
def test_preparation_makes_no_run(model) -> None:
    run = drive(fitted, model.fit, XI, YI)
    assert not run.started


class Own(ClassifierMixin, BaseEstimator):
    """A user's classifier that counts."""

    def fit(self, X, y, reveal=None):
        self.classes_ = np.unique(y)
        self.seen_ = []
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


class Counting(Own):
    def predict(self, X):
        self.seen_.append(len(X))
        return super().predict(X)


class OwnTransformer(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X


class Refusing(Own):
    def get_params(self, deep=True):
        raise RuntimeError("no params here")


def test_the_users_own_estimator() -> None:
    model = Own()
    run = drive(fitted, model.fit, XI, YI)
    assert run.last("training_accuracy_score") == pytest.approx(1 / 3)
    assert set(vars(model)) == {"classes_", "seen_"}


class OwnMixedLast(BaseEstimator, ClassifierMixin):
    """Bases in the order of many books and scripts; scikit-learn no longer takes it for a classifier."""

    fit = Own.fit
    predict = Own.predict


def test_the_users_own_estimator_with_its_mixin_last() -> None:
    model = OwnMixedLast()
    run = drive(fitted, model.fit, XI, YI)
    assert run.last("training_accuracy_score") == run.last("training_score") == model.score(XI, YI)


def test_a_predict_that_keeps_count_is_not_called() -> None:
    model = Counting()
    run = drive(fitted, model.fit, XI, YI)
    assert model.seen_ == []
    assert "training_accuracy_score" not in run.metrics
    assert "Counting.predict" in run.notes[0]


def test_own_preparation_and_refused_params() -> None:
    assert not drive(fitted, OwnTransformer().fit, XI).started
    run = drive(fitted, Refusing().fit, XI, YI)
    assert run.params == {} and run.tags["estimator_name"] == "Refusing"


def test_nothing_moves() -> None:
    np.random.seed(3)
    random.seed(3)
    stream = np.random.RandomState(5)
    model = RandomForestClassifier(3, random_state=stream, verbose=0)
    before = random.getstate()
    run = drive(fitted, model.fit, XI, YI)
    after = stream.get_state()[1].tolist(), np.random.get_state()[1].tolist()
    assert random.getstate() == before
    np.random.seed(3)
    other = np.random.RandomState(5)
    clone(model).set_params(random_state=other).fit(XI, YI)
    assert after == (other.get_state()[1].tolist(), np.random.get_state()[1].tolist())
    assert run.params["random_state"] == "RandomState"


@pytest.mark.parametrize("own", [True, False])
def test_a_model_that_draws_when_it_predicts(own: bool) -> None:
    stream = np.random.RandomState(5) if own else np.random.mtrand._rand
    before = stream.get_state(legacy=False)["state"]
    model = DummyClassifier(strategy="stratified", random_state=stream if own else None)
    run = drive(fitted, model.fit, XI, YI)
    after = stream.get_state(legacy=False)["state"]
    assert before["pos"] == after["pos"] and (before["key"] == after["key"]).all()
    assert run.last("training_accuracy_score") > 0


def test_a_verbose_model_prints_once(capfd) -> None:
    model = RandomForestClassifier(3, verbose=1, random_state=0)
    model.fit(XI, YI)
    alone = capfd.readouterr()
    drive(fitted, clone(model).fit, XI, YI)
    both = capfd.readouterr()
    assert both.out.count("\n") == alone.out.count("\n") and both.err.count("\n") == alone.err.count("\n")


def test_data_that_are_not_arrays() -> None:
    rows = [list(row) for row in XI]
    run = drive(fitted, LogisticRegression(max_iter=2000).fit, rows, [str(y) for y in YI])
    assert run.last("training_accuracy_score") > 0.9
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(XI, columns=list("abcd"))
    run = drive(fitted, LogisticRegression(max_iter=2000).fit, frame, pd.Series(YI, name="kind"))
    assert run.last("training_log_loss") < 0.5


def test_a_failing_fit_still_shows_its_params() -> None:
    run = drive(fitted, LogisticRegression().fit, XI, np.zeros(len(XI)))
    assert run.params["C"] == 1.0 and not run.metrics and not run.models


def test_partial_fits_are_one_cheap_run() -> None:
    model, run = SGDClassifier(random_state=0), Recorder()
    for _ in range(20):
        drive(fitted, model.partial_fit, XI, YI, classes=[0, 1, 2], run=run)
    assert [step for step, _ in run.metrics["fit_seconds"]] == list(range(20))
    assert [step for step, _ in run.metrics["training_accuracy_score"]] == [0, 1, 3, 7, 15]
    assert run.last_model() is model, "the model of the last call is not the one that is saved at the end"
    gone = weakref.ref(model)
    run.known.clear()
    run.models.clear()
    del model
    assert gone() is None, "the user's object is kept alive"


def test_warm_starts_are_one_run() -> None:
    model, run = RandomForestClassifier(2, warm_start=True, random_state=0), Recorder()
    for trees in (2, 4, 6):
        model.n_estimators = trees
        drive(fitted, model.fit, XI, YI, run=run)
    assert run.metrics["param.n_estimators"] == [(0, 2), (1, 4), (2, 6)]
    assert len(run.metrics["training_score"]) == 3


def test_a_grid_search() -> None:
    search = GridSearchCV(SVC(), {"C": [0.1, 1, 10], "kernel": ["rbf", "linear"]}, cv=3)
    run = drive(fitted, search.fit, XI, YI)
    assert run.name == "GridSearchCV(SVC)"
    assert run.params["estimator"] == "SVC" and "estimator__C" not in run.params
    assert run.params["best_C"] == search.best_params_["C"]
    assert run.last("best_cv_score") == search.best_score_
    assert len(run.kids) == 6
    assert run.kids[0]["params"] == {"C": 0.1, "kernel": "rbf"}
    assert run.kids[0]["metrics"]["mean_test_score"] == search.cv_results_["mean_test_score"][0]
    assert not any(key.startswith(("param", "split")) for kid in run.kids for key in kid["metrics"])
    assert run.models["model"] is search.best_estimator_
    assert run.last("training_score") == search.score(XI, YI)
    lines = run.texts["cv_results.csv"].splitlines()
    assert lines[0].split(",")[:2] == ["mean_fit_time", "std_fit_time"] and len(lines) == 7


def test_the_best_children_are_kept() -> None:
    search = GridSearchCV(SVC(), {"C": [1e-6, 1.0, 1e-5, 10.0]}, cv=2)
    run = drive(fitted, search.fit, XI, YI, run=Recorder(max_children=2))
    assert sorted(kid["params"]["C"] for kid in run.kids) == [1.0, 10.0]


def test_other_searches() -> None:
    pipe = make_pipeline(StandardScaler(), LogisticRegression())
    search = RandomizedSearchCV(
        pipe, {"logisticregression__C": [0.1, 1]}, n_iter=2, cv=2, scoring=["accuracy", "f1_macro"], refit="accuracy"
    )
    run = drive(fitted, search.fit, XI, YI)
    assert run.name == "RandomizedSearchCV(Pipeline(LogisticRegression))" and len(run.kids) == 2
    run = drive(fitted, HalvingGridSearchCV(SVC(), {"C": [0.1, 1, 10]}, cv=2, random_state=0).fit, XI, YI)
    assert "n_resources" in run.kids[0]["metrics"]
    run = drive(fitted, GridSearchCV(SVC(), {"C": [1, 2]}, cv=2, refit=False).fit, XI, YI)
    assert run.models == {} and len(run.kids) == 2


def test_cross_validation() -> None:
    run = drive(cross_validated, cross_validate, Ridge(), X[:, 1:], X[:, 0], cv=4, return_train_score=True)
    assert run.name == "cross_validate(Ridge)" and run.params["cv"] == 4
    scores = [value for _, value in run.metrics["test_score"]]
    assert [step for step, _ in run.metrics["test_score"]] == [0, 1, 2, 3]
    assert run.last("mean_test_score") == pytest.approx(np.mean(scores))
    assert run.last("std_test_score") == pytest.approx(np.std(scores))
    run = drive(cross_validated, cross_val_score, SVC(), XI, YI)
    assert len(run.metrics["test_score"]) == 5
    assert not drive(quiet, cross_val_predict, SVC(), XI, YI).started


def test_a_budget_that_is_spent_and_folding() -> None:
    model = KNeighborsClassifier()
    run = drive(fitted, model.fit, *load_digits(return_X_y=True), run=Recorder(affords=False))
    assert "training_score" not in run.metrics and run.last("fit_seconds") > 0
    run = drive(fitted, SVC().fit, XI, YI, run=Recorder(folded=True))
    assert not run.models and set(run.metrics) == {"fit_seconds", "n_iter"}


def test_the_price_of_predicting_is_not_that_of_many_small_calls() -> None:
    """An ensemble takes about as long for 32 rows as for 2,000: scaling up from 32 would be far too much."""
    many = np.tile(X, (8, 1))
    model = AdaBoostClassifier(n_estimators=100, random_state=0).fit(X, Y)
    asked: list[float] = []
    begin = time.perf_counter()
    model.predict_proba(many)
    whole = time.perf_counter() - begin
    training = Training(many, np.tile(Y, 8))
    refused = training_metrics(model, training, lambda part, seconds: bool(asked.append(seconds)))
    assert refused == ({}, None)  # the budget's own note says it; a second one would say it twice
    begin = time.perf_counter()
    model.predict_proba(many[:32])
    naive = (time.perf_counter() - begin) * len(many) / 32
    assert len(asked) == 1
    assert asked[0] < naive / 3 and asked[0] < 10 * whole


def test_no_warning_of_ours() -> None:
    """A class that is never predicted makes scikit-learn's own metrics warn; ours are there and silent."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        run = drive(fitted, SVC().fit, XI[:100], np.array([0] * 99 + [1]))
    assert [str(warning.message) for warning in seen] == []
    assert "training_precision_score" in run.metrics


class CountingScorer:
    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, model, X, y, sample_weight=None) -> float:
        self.calls += 1
        return 0.5


@pytest.mark.parametrize(
    "make",
    [
        lambda scorer: LogisticRegressionCV(
            Cs=[1, 2], cv=2, scoring=scorer, l1_ratios=(0,), use_legacy_attributes=False, max_iter=5000
        ),
        lambda scorer: GridSearchCV(LogisticRegression(max_iter=5000), {"C": [1, 2]}, cv=2, scoring=scorer),
        lambda scorer: GridSearchCV(KMeans(2, n_init=1, random_state=0), {"max_iter": [9, 10]}, cv=2, scoring=scorer),
    ],
    ids=["LogisticRegressionCV", "GridSearchCV", "GridSearchCV-KMeans"],
)
def test_a_users_scorer_is_called_by_training_alone(make) -> None:
    scorer = CountingScorer()
    drive(fitted, make(scorer).fit, XI, YI)
    assert scorer.calls == 4


def _is_left_out(model, *data) -> bool:
    run = drive(fitted, model.fit, *data)
    return any("may do more than predict" in note for note in run.notes)


def test_a_users_callable_object_is_not_called_by_predicting_again() -> None:
    class Kernel:
        calls = 0

        def __call__(self, a, b):
            type(self).calls += 1
            return a @ b.T

    plain = Kernel()
    SVC(kernel=plain).fit(XI, YI)
    by_training, Kernel.calls = Kernel.calls, 0
    assert _is_left_out(SVC(kernel=plain), XI, YI) and Kernel.calls == by_training


seen: list[int] = []
remember = partial(seen.append, 1)


class PredictsLoudly(RegressorMixin, BaseEstimator):
    """Its predict tells somebody through a partial, which is no function that could be looked into by name."""

    def fit(self, X, y):
        self.fitted_ = True
        return self

    def predict(self, X):
        remember()
        return np.zeros(len(X))


@pytest.mark.parametrize("wrap", [lambda inner: inner, lambda inner: TransformedTargetRegressor(inner)])
def test_a_predict_that_tells_somebody_is_not_called_again(wrap) -> None:
    seen.clear()
    model = wrap(PredictsLoudly())
    assert _is_left_out(model, X, Y.astype(float)) and seen == []


def test_data_of_the_users_own_class_are_not_read_again() -> None:
    class Data:
        shape = XI.shape
        reads = 0

        def __array__(self, dtype=None, copy=None):
            type(self).reads += 1
            return XI.astype(dtype or float)

        def __len__(self) -> int:
            return len(XI)

    LogisticRegression(max_iter=5000).fit(Data(), YI)
    by_training, Data.reads = Data.reads, 0
    drive(fitted, LogisticRegression(max_iter=5000).fit, Data(), YI)
    assert Data.reads == by_training


def test_a_search_of_the_users_own_may_keep_its_params_as_an_array() -> None:
    class Search(GridSearchCV):
        def _run_search(self, evaluate):
            results = evaluate(ParameterGrid(self.param_grid))
            results["params"] = np.array(results["params"], dtype=object)

    search = Search(LogisticRegression(max_iter=5000), {"C": [1.0, 2.0]}, cv=2)
    run = drive(fitted, search.fit, XI, YI)
    assert run.last("n_candidates") == 2 and len(run.kids) == 2
