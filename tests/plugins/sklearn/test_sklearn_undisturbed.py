"""Models that do more than predict, and data that are wide: saving them disturbs nobody."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from autotrack_sklearn import shielding
from autotrack_sklearn.flavor import SKLEARN
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MaxAbsScaler, StandardScaler

import autotrack
from autotrack.core.runs.run import Run
from autotrack.models import load_model, open_model, save_model
from autotrack.models.mlmodel import MAX_BYTES, read

X = np.random.default_rng(0).random((60, 3))
Y = (X[:, 0] > 0.5).astype(int)


@pytest.fixture(autouse=True)
def watched(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOTRACK_OVERHEAD_SHARE", "1000")


class Mean(RegressorMixin, BaseEstimator):
    def fit(self, X: Any, y: Any) -> Mean:
        self.mean_ = float(np.mean(y))
        return self


class Out(Mean):
    def predict(self, X: Any) -> Any:
        np.multiply(X, 0, out=X)
        return np.full(len(X), self.mean_)


class InPlace(Mean):
    def predict(self, X: Any) -> Any:
        X *= 0
        return np.full(len(X), self.mean_)


class Sorted(Mean):
    def predict(self, X: Any) -> Any:
        X.sort()
        return np.full(len(X), self.mean_)


class InPlaceTwice(ClassifierMixin, BaseEstimator):
    """Answers what the data were, and spoils them for the next question."""

    def fit(self, X: Any, y: Any) -> InPlaceTwice:
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: Any) -> Any:
        found = (X[:, 0] > 0.5).astype(int)
        X *= 0
        return found

    def predict_proba(self, X: Any) -> Any:
        found = np.c_[X[:, 0] <= 0.5, X[:, 0] > 0.5].astype(float)
        X *= 0
        return found


def minus_one(X: Any) -> Any:
    X -= 1
    return X


WRITERS: dict[str, Callable[[], Any]] = {
    "out=": Out, "in place": InPlace, "sort": Sorted, "in place twice": InPlaceTwice,
    "copy=False": lambda: make_pipeline(StandardScaler(copy=False), Ridge()),
    "copy=False, two methods": lambda: make_pipeline(MaxAbsScaler(copy=False), LogisticRegression()),
    "a function": lambda: make_pipeline(FunctionTransformer(minus_one), Ridge()),
}  # fmt: skip
KINDS: dict[str, Callable[[Any], Any]] = {"array": np.array, "table": lambda data: pd.DataFrame(data).copy()}


#: What works with numpy's arrays alone.
ARRAYS_ONLY = ("sort", "in place twice")


@pytest.mark.parametrize(
    ("name", "kind"), [(name, kind) for name in WRITERS for kind in KINDS if kind == "array" or name not in ARRAYS_ONLY]
)
def test_a_model_that_changes_its_data(name: str, kind: str) -> None:
    bare, tracked = KINDS[kind](X), KINDS[kind](X)
    WRITERS[name]().fit(bare, Y)
    autotrack.enable()
    WRITERS[name]().fit(tracked, Y)
    assert np.array_equal(bare, tracked), "the training data are as the fit alone left them"
    run = autotrack.last_run()
    opened = open_model(f"runs:/{run.id}/model", trust=True)
    example = json.loads((Path(run.artifact_uri) / "model" / "input_example.json").read_text())
    rows = example["inputs"] if isinstance(example, dict) and "inputs" in example else example
    rows = rows["data"] if isinstance(rows, dict) else rows
    assert np.array_equal(np.array(rows), np.asarray(bare)[:5]), "the example is what was given, not what became of it"
    assert opened.replay.verdict == "equal"
    if name == "in place twice":
        assert run.metrics["training_accuracy_score"] == 1.0, "each question finds the data as they were"


def test_data_too_large_for_a_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shielding, "MOST_BYTES", X.nbytes - 1)
    autotrack.enable()
    for data in (X.copy(), pd.DataFrame(X)):
        InPlace().fit(data, Y)
        assert np.array_equal(data, X)
        run = autotrack.last_run()
        assert run.models and "might change its data" in run._view().health["notes"][0]
    Ridge().fit(X, Y)
    assert autotrack.last_run().metrics["training_score"] <= 1, (
        "a library's own model is asked with the data themselves"
    )


class Loud(Mean):
    def predict(self, X: Any) -> Any:
        print("predicting")
        warnings.warn("predicting", stacklevel=2)
        return np.full(len(X), self.mean_)


class Raising(Mean):
    def predict(self, X: Any) -> Any:
        raise RuntimeError("never")


class Drawing(Mean):
    def predict(self, X: Any) -> Any:
        return np.random.random(len(X)) + random.random()


class WarningQuietly(Mean):
    def predict(self, X: Any) -> Any:
        return np.log(np.zeros(len(X)))  # numpy warns


@pytest.mark.parametrize("kind", [Loud, Raising, Drawing, WarningQuietly])
def test_a_model_that_does_more_than_predict(kind: type, capfd: pytest.CaptureFixture[str]) -> None:
    autotrack.enable()
    states = random.getstate(), repr(np.random.get_state())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        kind().fit(X, Y)
    assert (random.getstate(), repr(np.random.get_state())) == states
    assert not caught and capfd.readouterr() == ("", "")
    run = autotrack.last_run()
    assert run.status.name == "FINISHED" and run.models and run._view().health.get("failures") is None
    golden = (Path(run.artifact_uri) / "model" / "golden.json").exists()
    assert golden == (kind in (Drawing, WarningQuietly))


class Scaled(Mean):
    def __init__(self, factor: int = 1) -> None:
        self.factor = factor

    def predict(self, X: Any) -> Any:
        return np.full(len(X), self.mean_ * self.factor)


def test_processes_that_have_fitted_are_no_threads_that_draw() -> None:
    """joblib keeps its workers, and the threads that look after them, for the next time."""
    autotrack.enable()
    GridSearchCV(Scaled(), {"factor": [1, 2]}, n_jobs=2, cv=2).fit(X, Y)
    (run,) = [run for run in autotrack.search_runs() if run.name.startswith("GridSearchCV")]
    assert (Path(run.artifact_uri) / "model" / "golden.json").exists(), run._view().health


class Pickled(Mean):
    """Its pickle leaves out what predicting takes, and reading it warns."""

    def fit(self, X: Any, y: Any) -> Pickled:
        self.table = np.full(len(X), float(np.mean(y)))
        return self

    def predict(self, X: Any) -> Any:
        return self.table[: len(X)]

    def __getstate__(self) -> Any:
        return {name: value for name, value in vars(self).items() if name != "table"}


def test_a_model_is_not_asked_for_what_its_pickle_is() -> None:
    autotrack.enable()
    Pickled().fit(X, Y)
    run = autotrack.last_run()
    assert "training_mean_squared_error" in run.metrics, run.metrics
    assert "predicting again raised" not in repr(run.tags)


class WarningOfPickles(Pickled):
    def __getstate__(self) -> Any:
        warnings.warn("a pickle of this will not be read by other versions", stacklevel=1)
        return vars(self)


def test_a_model_that_warns_of_being_pickled_is_saved_without_a_warning() -> None:
    autotrack.enable()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        WarningOfPickles().fit(X, Y)
    assert autotrack.last_run().models, autotrack.last_run()._view().health


@pytest.mark.parametrize("errors", ["warn", "raise"])
def test_a_class_whose_rows_weigh_nothing(errors: Any, recwarn: pytest.WarningsRecorder) -> None:
    """scikit-learn's checks of estimators train with such weights: an area under the curve is not to be had."""
    autotrack.enable()
    with np.errstate(all=errors):
        DummyClassifier(strategy="most_frequent").fit(X, Y, sample_weight=Y)
    run = autotrack.last_run()
    assert run.metrics["training_accuracy_score"] == 1 and "training_roc_auc" not in run.metrics
    assert not list(recwarn)


def test_a_model_of_a_librarys_tests_warns_of_no_version(recwarn: pytest.WarningsRecorder) -> None:
    """scikit-learn's own tests have such classes: what they are pickled as names no version."""
    autotrack.enable()
    kind = type("Unversioned", (Ridge,), {"__getstate__": _state, "__module__": "sklearn.tests.test_mine"})
    kind().fit(X, Y)
    assert "training_mean_squared_error" in autotrack.last_run().metrics
    assert not [str(warning.message) for warning in recwarn]


def _state(self: Any) -> Any:
    return self.__dict__


def test_a_drawing_model_says_that_it_answers_otherwise(caplog: pytest.LogCaptureFixture) -> None:
    autotrack.enable()
    Drawing().fit(X, Y)
    autotrack.load_model(f"runs:/{autotrack.last_run().id}/model")
    # Asked at the same place of the stream it may answer the same: anywhere else it does not.
    np.random.random(3)
    assert open_model(f"runs:/{autotrack.last_run().id}/model").replay.verdict == "different"


class Slow(ClassifierMixin, BaseEstimator):
    """Takes a fifth of a second of processor time for each question."""

    def fit(self, X: Any, y: Any) -> Slow:
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: Any) -> Any:
        until = time.perf_counter() + 0.2
        while time.perf_counter() < until:
            pass
        return np.full(len(X), self.classes_[0])

    def predict_proba(self, X: Any) -> Any:
        until = time.perf_counter() + 0.2
        while time.perf_counter() < until:
            pass
        return np.full((len(X), 2), 0.5)


@pytest.mark.parametrize(("seconds", "answers"), [(None, 2), (30.0, 2), (0.1, 1), (0.0, 0)])
def test_golden_predictions_keep_to_their_time(seconds: float | None, answers: int) -> None:
    model = Slow().fit(X, Y)
    with autotrack.start_run() as run:
        run.put_model(model, "m", example=X, seconds=seconds)
    golden = Path(run.artifact_uri) / "m" / "golden.json"
    assert (len(json.loads(golden.read_text())["answers"]) if golden.exists() else 0) == answers
    notes = run._view().health.get("notes", [])
    assert any("were spent on asking" in note for note in notes) == (answers < 2)
    assert open_model(f"runs:/{run.id}/m").replay.verdict == ("equal" if answers else "none")


def test_a_fit_gives_golden_predictions_half_of_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOTRACK_OVERHEAD_SHARE", "0")
    monkeypatch.setenv("AUTOTRACK_OVERHEAD_ALLOWANCE", "100")
    given: list[float] = []
    monkeypatch.setattr(Run, "put_model", lambda *_, seconds, **__: given.append(seconds))
    autotrack.enable()
    Ridge().fit(X, Y)
    assert len(given) == 1 and 25 < given[0] <= 50


WIDE = {
    "array": lambda: np.random.default_rng(0).random((4, 1_000_000)),
    "sparse": lambda: sp.random(4, 1_000_000, density=1e-4, format="csr", random_state=0),
    "table": lambda: pd.DataFrame(np.zeros((4, 6_000)), columns=[f"c{at}" for at in range(6_000)]),
    "names": lambda: pd.DataFrame(np.zeros((4, 300)), columns=[f"{'c' * 4_000}{at}" for at in range(300)]),
}


@pytest.mark.parametrize("kind", WIDE)
def test_wide_data(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = WIDE[kind]()
    model = Ridge(solver="lsqr" if kind == "sparse" else "auto")
    monkeypatch.setenv("AUTOTRACK_OVERHEAD_SHARE", "0.05")
    monkeypatch.setenv("AUTOTRACK_OVERHEAD_ALLOWANCE", "1")
    autotrack.enable()
    begin = time.process_time()
    model.fit(data, np.arange(4.0))
    assert time.process_time() - begin < 30
    run = autotrack.last_run()
    folder = Path(run.artifact_uri) / "model"
    assert (folder / "MLmodel").stat().st_size <= MAX_BYTES and read(folder).flavors["sklearn"]
    assert np.array_equal(load_model(folder).coef_, model.coef_)
    notes = " ".join(run._view().health["notes"])
    left_out = {"array": "example left out", "sparse": "example left out", "names": "signature left out"}
    assert left_out.get(kind, "signature and example left out") in notes
    assert ("datasets left out" in notes) == (kind == "array")


FOREST = """
import copy, resource, sys, time
from pathlib import Path
import numpy as np
from sklearn.ensemble import ExtraTreesRegressor
from autotrack.models import load_model, open_model, save_model
from autotrack_sklearn.flavor import SKLEARN

place, megabytes = Path(sys.argv[1]), int(sys.argv[2])
X = np.random.default_rng(0).random((40_000, 4))
model = ExtraTreesRegressor(1, random_state=0).fit(X, X[:, 0])
one = model.estimators_[0].tree_.node_count * 72
model.estimators_ += [copy.deepcopy(model.estimators_[0]) for _ in range(megabytes * 1_000_000 // one)]
model.n_estimators = len(model.estimators_)
size = one * len(model.estimators_)
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
before, start = peak(), time.process_time()
save_model(model, place / "forest", example=X, flavors=[SKLEARN])
saved, start = (peak() - before) / size, time.process_time() - start
opened = open_model(place / "forest", trust=False, flavors=[SKLEARN])
assert opened.sealed and opened.replay.verdict == "equal", opened.replay
assert (opened.model.predict(X[:9]) == model.predict(X[:9])).all()
print(size, saved, start)
"""


@pytest.mark.slow
def test_a_large_forest(tmp_path: Path) -> None:
    """Saving costs little more memory than the file; everything of it is checked, and loads without trust."""
    done = subprocess.run([sys.executable, "-c", FOREST, str(tmp_path), "100"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    size, memory, _ = map(float, done.stdout.split())
    assert size > 80e6 and memory < 1.5


def test_nothing_is_said_of_a_model_that_is_saved_in_full(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    save_model(Ridge().fit(X, Y), tmp_path / "m", example=X, flavors=[SKLEARN])
    assert capfd.readouterr() == ("", "")
