"""The engine on real scikit-learn classes, with probes of the test's own."""

from __future__ import annotations

import copy
import gc
import pickle
import subprocess
import sys
import textwrap
import warnings
from collections.abc import Iterator
from typing import Any

import cloudpickle
import joblib
import pytest
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin, clone
from sklearn.datasets import load_iris
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier, StackingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils.discovery import all_estimators
from sklearn.utils.validation import has_fit_parameter

from autotrack.core.probes.frames import current_frame
from autotrack.core.probes.patching import Family
from tests.unit.probes.conftest import Lab, plain

METHODS = ("fit", "fit_predict", "fit_transform", "partial_fit")
FAMILY = Family("sklearn.base:BaseEstimator", METHODS, plain, versions=">=1.6", distribution="scikit-learn")
X, Y = load_iris(return_X_y=True)


@pytest.fixture
def watching(lab: Lab) -> Iterator[Lab]:
    lab.bridge.install()
    lab.installer.install("sklearn", [FAMILY], by_name=True)
    yield lab
    lab.installer.uninstall()
    assert lab.errors == []
    assert current_frame() is None


def family() -> list[type]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        all_estimators()
    gc.collect()
    found, waiting = [], [BaseEstimator]
    while waiting:
        cls = waiting.pop()
        if cls not in found:
            found.append(cls)
            waiting.extend(cls.__subclasses__())
    return found


def test_undo_is_exact_over_every_estimator_that_scikit_learn_has(lab: Lab) -> None:
    classes = family()
    before = [(cls, dict(vars(cls))) for cls in (*classes, TransformerMixin, *TransformerMixin.__mro__[1:-1])]
    methods = ("fit", "fit_transform", "fit_predict", "partial_fit", "score_samples", "predict_proba", "predict")
    lab.installer.install("sklearn", [Family("sklearn.base:BaseEstimator", methods, plain)])  # available_if among them
    assert len(classes) > 250 and len(lab.installer.watched()) > 200
    for cls, stood in before:
        for name in methods:
            assert hasattr(cls, name) == (getattr(cls, name, None) is not None)
            assert ("set_fit_request" in stood) == ("set_fit_request" in vars(cls))
    lab.installer.uninstall()
    for cls, stood in before:
        now = dict(vars(cls))
        assert now.keys() == stood.keys(), cls
        assert all(now[name] is value for name, value in stood.items() if name != "_abc_impl"), cls
    assert lab.errors == []


def test_undo_is_exact_where_scikit_learn_is_imported_afterwards() -> None:
    source = """
        import sys, types
        from autotrack.core.probes.capture import Engine
        from autotrack.core.probes.installer import Installer
        from autotrack.core.probes.patching import Family
        from autotrack.core.probes.watched import wrapper_in
        def probe(call, run):
            yield
        installer = Installer(Engine(lambda call, parent: None))
        installer.install("p", [Family("sklearn.base:BaseEstimator", ("fit", "fit_transform"), probe)])
        assert "sklearn" not in sys.modules
        import sklearn.linear_model, sklearn.pipeline, sklearn.compose, sklearn.decomposition, sklearn.manifold
        from sklearn.base import BaseEstimator
        assert len(installer.watched()) > 100
        installer.uninstall()
        waiting = [BaseEstimator]
        while waiting:
            cls = waiting.pop()
            waiting += cls.__subclasses__()
            for owner in cls.__mro__:
                for name, value in vars(owner).items():
                    while value is not None:
                        assert wrapper_in(value) is None, (owner, name)
                        assert "autotrack" not in type(value).__module__, (owner, name)
                        value = vars(value).get("__wrapped__") if isinstance(value, types.FunctionType) else None
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(source)], check=True, timeout=60)


@pytest.mark.parametrize(
    "estimator",
    [
        LogisticRegression(max_iter=500),
        make_pipeline(StandardScaler(), LogisticRegression()),
        RandomForestClassifier(3, n_jobs=2, random_state=0),
        BaggingClassifier(LogisticRegression(max_iter=500), 2, n_jobs=2, random_state=0),
        StackingClassifier([("a", LogisticRegression(max_iter=500)), ("b", SVC())], cv=2),
        OneVsRestClassifier(SVC(), n_jobs=2),
        GridSearchCV(LogisticRegression(max_iter=500), {"C": [0.1, 1]}, cv=2, n_jobs=2),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_one_fit_is_one_run_whatever_is_fitted_inside(watching: Lab, estimator: Any, backend: str) -> None:
    model = clone(estimator)
    with joblib.parallel_config(backend=backend):
        assert model.fit(X, Y) is model
    assert len(watching.records) == 1, watching.targets
    copied = pickle.loads(pickle.dumps(model))
    assert (copied.predict(X) == model.predict(X)).all()
    assert (copy.deepcopy(model).predict(X) == clone(estimator).fit(X, Y).predict(X)).all()
    assert joblib.hash(clone(model)) == joblib.hash(clone(estimator))


def test_delayed_fits_by_the_user(watching: Lab) -> None:
    for backend, runs in (("threading", 3), ("loky", 0)):
        watching.records.clear()
        tasks = (joblib.delayed(LogisticRegression(C=c, max_iter=500).fit)(X, Y) for c in (0.1, 1, 10))
        models = joblib.Parallel(2, backend=backend)(tasks)
        assert [type(model) for model in models] == [LogisticRegression] * 3
        assert len(watching.records) == runs
    by_class = joblib.Parallel(2, backend="loky")(
        joblib.delayed(LogisticRegression.fit)(LogisticRegression(max_iter=500), X, Y) for _ in range(2)
    )
    assert type(by_class[0]) is LogisticRegression


def test_facts_that_scikit_learn_asks_its_methods_for(watching: Lab) -> None:
    assert has_fit_parameter(LogisticRegression(), "sample_weight")
    assert not hasattr(Pipeline([("a", StandardScaler())]), "fit_predict")
    assert hasattr(Pipeline([("a", LogisticRegression())]), "fit") and not hasattr(SVC(), "predict_proba")

    class Mine(ClassifierMixin, BaseEstimator):
        def __init__(self, *, depth: int = 1) -> None:
            self.depth = depth

        def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
            self.classes_ = sorted(set(y))
            return self

        def predict(self, X: Any) -> Any:
            return [self.classes_[0]] * len(X)

    with sklearn.config_context(enable_metadata_routing=True):
        assert Mine().set_fit_request(sample_weight=True).get_metadata_routing().fit.requests == {"sample_weight": True}
    assert clone(Mine(depth=3)).get_params() == {"depth": 3}
    assert len(cross_val_score(Mine(), X, Y, cv=2)) == 2
    assert Mine().fit(X, Y).score(X, Y) > 0.3
    assert [target.rpartition(":")[2].rpartition(".")[0].rpartition(".")[2] for target in watching.targets] == [
        "Mine"
    ] * 3


def test_a_transformer_keeps_its_output_container(watching: Lab) -> None:
    class Halving(TransformerMixin, BaseEstimator):
        def fit(self, X: Any, y: Any = None) -> Any:
            return self

        def fit_transform(self, X: Any, y: Any = None) -> Any:
            return X / 2

        def transform(self, X: Any) -> Any:
            return X / 2

        def get_feature_names_out(self, input_features: Any = None) -> Any:
            return [f"h{i}" for i in range(4)]

    frame = Halving().set_output(transform="pandas").fit_transform(X, Y)
    assert type(frame).__name__ == "DataFrame" and list(frame) == ["h0", "h1", "h2", "h3"]
    assert len(watching.records) == 1
    watching.installer.uninstall()
    assert type(vars(Halving)["fit_transform"]).__name__ == "function"
    assert type(vars(Halving)["fit_transform"].__wrapped__).__name__ == "function"


MAIN = """
import copy, pickle
import joblib, cloudpickle
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import GridSearchCV
from autotrack.core.probes.capture import Engine
from autotrack.core.probes.bridges import JoblibBridge
from autotrack.core.guard import guard
from autotrack.core.probes.installer import Installer
from autotrack.core.probes.patching import Family

class Record:
    def finish(self, error):
        runs.append(self)
runs = []
def probe(call, run):
    yield

class Before(BaseEstimator):
    def fit(self, X, y=None):
        return self

engine = Engine(lambda call, parent: Record())
installer = Installer(engine)
bridge = JoblibBridge(engine, installer.visit_again)
installer.install("p", [Family("sklearn.base:BaseEstimator", ("fit",), probe)])
bridge.install()
engine.armed = True

class Mine(ClassifierMixin, BaseEstimator):
    def __init__(self, c=1):
        self.c = c
    def fit(self, X, y=None):
        self.classes_ = [0, 1]
        return self
    def predict(self, X):
        return [0] * len(X)

if __name__ == "__main__":
    X, y = [[0.0], [1.0], [2.0], [3.0]], [0, 1, 0, 1]
    for kind in (Before, Mine):
        models = joblib.Parallel(2, backend="loky")(joblib.delayed(kind().fit)(X, y) for _ in range(3))
        assert [type(m) for m in models] == [kind] * 3
        assert runs == []
        assert type(copy.deepcopy(kind().fit)(X, y)) is kind
        assert type(pickle.loads(pickle.dumps(kind().fit))(X, y)) is kind
        assert type(pickle.loads(cloudpickle.dumps(kind()))) is kind
        assert len(runs) == 2
        runs.clear()
    installer.visit_again()
    GridSearchCV(Mine(), {"c": [1, 2]}, cv=2, n_jobs=2).fit(X, y)
    Mine().fit(X, y)
    assert len(runs) == 2, "joblib's results wrote bare functions back, and nobody looked"
    bridge.uninstall()
    installer.uninstall()
    assert type(vars(Mine)["fit"]).__name__ == type(vars(Before)["fit"]).__name__ == "function"
    assert not guard.failures, guard.failures
    from joblib.externals.loky import get_reusable_executor
    get_reusable_executor().shutdown(wait=True)
"""


def test_the_users_own_classes_in_main(tmp_path: Any) -> None:
    script = tmp_path / "script.py"
    script.write_text(MAIN)
    subprocess.run([sys.executable, "-W", "error", str(script)], check=True, timeout=90, cwd=tmp_path)


def test_cloudpickle_by_value_carries_nothing_of_ours(watching: Lab) -> None:
    class Local(BaseEstimator):
        def fit(self, X: Any, y: Any = None) -> Any:
            return self

    Local.__module__ = "__main__"
    data = cloudpickle.dumps(Local)
    assert b"autotrack" not in data.replace(__file__.encode(), b"")  # the clone's folder may be called so


@pytest.fixture(scope="module", autouse=True)
def no_workers_left() -> Iterator[None]:
    yield
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor().shutdown(wait=True)
