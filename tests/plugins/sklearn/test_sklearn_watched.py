"""The plugin under the real engine: which calls make a run, and that the user's program sees nothing."""

import copy
import inspect
import pickle
from collections.abc import Iterator

import autotrack_sklearn
import numpy as np
import pytest
from recording import Recorder
from sklearn import inspection, model_selection
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.feature_selection import RFE
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.metrics import f1_score, make_scorer
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from autotrack.core.guard import guard
from autotrack.core.probes.capture import Engine
from autotrack.core.probes.installer import Installer

X, Y = load_iris(return_X_y=True)


class Run(Recorder):
    def finish(self, error: BaseException | None) -> None:
        self.error = error


class Runs(list[Run]):
    """Every run that a probe was handed; ``made`` are those that it logged to."""

    def open(self, call: object, parent: object) -> Run:
        self.append(Run())
        return self[-1]

    @property
    def made(self) -> list[Run]:
        return [run for run in self if run.started]

    @property
    def names(self) -> list[str | None]:
        return [run.name for run in self.made]


@pytest.fixture
def runs() -> Iterator[Runs]:
    runs = Runs()
    engine = Engine(runs.open)
    installer = Installer(engine)
    installer.install("sklearn", autotrack_sklearn.register_patches())
    engine.armed = True
    yield runs
    engine.armed = False
    installer.uninstall()
    assert not guard.failures


@pytest.mark.parametrize(
    "model",
    [
        SVC(),
        RandomForestClassifier(3, n_jobs=2),
        make_pipeline(StandardScaler(), SVC()),
        VotingClassifier([("a", GaussianNB()), ("b", SVC())]),
        OneVsRestClassifier(SVC()),
        CalibratedClassifierCV(GaussianNB(), cv=2),
        GridSearchCV(SVC(), {"C": [1, 2]}, cv=2),
        TransformedTargetRegressor(Ridge()),
    ],
    ids=lambda model: type(model).__name__,
)
def test_one_fit_is_one_run(runs: Runs, model) -> None:
    assert model.fit(X, Y) is model
    assert len(runs.made) == 1 and runs.made[0].models
    assert runs.made[0].last("training_score") == model.score(X, Y)
    assert len(runs.made) == 1


def test_what_makes_no_run(runs: Runs) -> None:
    StandardScaler().fit_transform(X)
    RFE(LogisticRegression(max_iter=500), n_features_to_select=2).fit(X, Y)
    make_pipeline(StandardScaler()).fit_transform(X)
    model_selection.cross_val_predict(GaussianNB(), X, Y)
    model_selection.learning_curve(GaussianNB(), X, Y, cv=2, train_sizes=[0.5])
    f1_score(Y, Y, average="macro")
    assert runs.made == []
    model = GaussianNB().fit(X, Y)
    inspection.permutation_importance(model, X, Y, n_repeats=1)
    model.predict(X)
    assert runs.names == ["GaussianNB"]


def test_cross_validation_is_one_run(runs: Runs) -> None:
    scores = model_selection.cross_val_score(SVC(), X, Y, cv=3)
    model_selection.cross_validate(make_pipeline(StandardScaler(), SVC()), X, Y, cv=3)
    assert runs.names == ["cross_val_score(SVC)", "cross_validate(Pipeline(SVC))"]
    assert [value for _, value in runs.made[0].metrics["test_score"]] == scores.tolist()


def test_loops_over_one_object(runs: Runs) -> None:
    model = SGDClassifier(random_state=0)
    for _ in range(5):
        model.partial_fit(X, Y, classes=[0, 1, 2])
    assert runs.names[0] == "SGDClassifier"


class Mine(ClassifierMixin, BaseEstimator):
    def __init__(self, depth=2):
        self.depth = depth

    def fit(self, X, y):
        """Fits."""
        self.tree_ = DecisionTreeClassifier(max_depth=self.depth).fit(X, y)
        self.classes_ = self.tree_.classes_
        return self

    def predict(self, X):
        return self.tree_.predict(X)


def test_the_users_own_class(runs: Runs) -> None:
    model = Mine().fit(X, Y)
    assert runs.names == ["Mine"] and runs.made[0].params == {"depth": 2}
    assert runs.made[0].last("training_score") == model.score(X, Y)

    class Later(Mine):
        def fit(self, X, y):
            return super().fit(X, y)

    Later().fit(X, Y)
    assert runs.names == ["Mine", "Later"]


def test_exceptions_and_bad_calls(runs: Runs) -> None:
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'y'"):
        SVC().fit(X)
    assert runs.made == []
    with pytest.raises(ValueError, match="greater than one"):
        SVC().fit(X, np.zeros(len(X)))
    assert runs.made[0].error is not None and not runs.made[0].models


def test_everything_still_pickles_and_clones(runs: Runs) -> None:
    for value in (f1_score, model_selection.cross_validate, model_selection.cross_val_score):
        assert pickle.loads(pickle.dumps(value)) is value
    pickle.loads(pickle.dumps(make_scorer(f1_score)))
    model = SVC().fit(X, Y)
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model), clone(model).fit(X, Y)):
        assert np.array_equal(other.predict(X), model.predict(X))
    assert list(inspect.signature(SVC.fit).parameters) == ["self", "X", "y", "sample_weight"]
    assert vars(model).keys() == vars(clone(model).fit(X, Y)).keys()


def test_watched_and_bare_agree() -> None:
    """The same training with nothing installed and with the plugin gives the same bits and the same random stream."""

    def train() -> tuple[bytes, float]:
        np.random.seed(7)
        forest = RandomForestClassifier(4).fit(X, Y)
        search = GridSearchCV(SGDClassifier(), {"alpha": [0.1, 1]}, cv=2).fit(X, Y)
        return forest.predict_proba(X).tobytes() + search.best_estimator_.coef_.tobytes(), np.random.rand()

    bare = train()
    recorded = Runs()
    engine = Engine(recorded.open)
    installer = Installer(engine)
    original = RandomForestClassifier.fit
    installer.install("sklearn", autotrack_sklearn.register_patches())
    engine.armed = True
    try:
        assert train() == bare and len(recorded.made) == 2
    finally:
        engine.armed = False
        installer.uninstall()
    assert RandomForestClassifier.fit is original
