"""What a fit leaves in its model folder, and that it left nothing else: R39, golden predictions, examples."""

import random
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn import (
    cluster,
    compose,
    decomposition,
    discriminant_analysis,
    dummy,
    ensemble,
    gaussian_process,
    linear_model,
    mixture,
    model_selection,
    multiclass,
    naive_bayes,
    neighbors,
    neural_network,
    pipeline,
    preprocessing,
    svm,
)
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris

import autotrack
from autotrack.core.runs import trackers
from autotrack.models import open_model
from autotrack.models.pickle_scan import looks_like_pickle

X, Y = load_iris(return_X_y=True)
TABLE, NAMES = load_iris(return_X_y=True, as_frame=True)[0], np.array(["setosa", "versicolor", "virginica"])[Y]
kernels = gaussian_process.kernels

MODELS = [
    linear_model.LinearRegression(), linear_model.Ridge(), linear_model.Lasso(), linear_model.ElasticNet(),
    linear_model.BayesianRidge(), linear_model.HuberRegressor(max_iter=1000), linear_model.PoissonRegressor(),
    linear_model.SGDRegressor(random_state=0), linear_model.LassoCV(cv=3), linear_model.OrthogonalMatchingPursuit(),
    linear_model.LogisticRegression(max_iter=500), linear_model.SGDClassifier(random_state=0),
    linear_model.Perceptron(), linear_model.RidgeClassifier(), linear_model.Lars(),
    svm.SVC(), svm.SVR(), svm.LinearSVC(), svm.NuSVC(), svm.OneClassSVM(),
    naive_bayes.GaussianNB(), naive_bayes.MultinomialNB(), naive_bayes.BernoulliNB(), naive_bayes.ComplementNB(),
    discriminant_analysis.LinearDiscriminantAnalysis(), discriminant_analysis.QuadraticDiscriminantAnalysis(),
    neural_network.MLPClassifier((4,), max_iter=4000, random_state=0), mixture.GaussianMixture(2, random_state=0),
    gaussian_process.GaussianProcessRegressor(kernels.RBF() + kernels.WhiteKernel(), random_state=0),
    cluster.KMeans(3, n_init=1, random_state=0), dummy.DummyClassifier(), decomposition.PCA(2),
    ensemble.HistGradientBoostingClassifier(max_iter=4), neighbors.KNeighborsClassifier(algorithm="brute"),
    multiclass.OneVsRestClassifier(linear_model.Ridge()),
    pipeline.make_pipeline(preprocessing.StandardScaler(), linear_model.LogisticRegression(max_iter=500)),
    model_selection.GridSearchCV(linear_model.Ridge(), {"alpha": [1.0, 2.0]}, cv=2),
]  # fmt: skip

#: Models of types that skops holds back although their files run no code; in the user's own store they load.
HELD_BACK = {"MLPClassifier", "GaussianProcessRegressor", "HistGradientBoostingClassifier"}


@pytest.fixture(autouse=True)
def watched(store: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AUTOTRACK_OVERHEAD_SHARE", "1000")
    monkeypatch.setenv("AUTOTRACK_TRUST_FILE", str(tmp_path / "trust.json"))
    autotrack.enable()


def newest() -> tuple[Any, Path]:
    run = next(run for run in autotrack.search_runs() if run.models)
    return run, Path(run.artifact_uri) / "model"


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_a_round_trip(model: Any) -> None:
    before = random.getstate()
    model.fit(X, Y)
    autotrack.disable()
    run, folder = newest()
    assert run.models[0].path == "model" and run._view().health == {}
    opened = open_model(f"runs:/{run.id}/model", trust=None if type(model).__name__ in HELD_BACK else False)
    target = getattr(model, "best_estimator_", model)
    for name in ("predict", "predict_proba", "transform"):
        if hasattr(target, name):
            assert np.array_equal(getattr(opened.model, name)(X), getattr(target, name)(X)), name
    assert opened.sealed and opened.replay.verdict == ("equal" if hasattr(target, "predict") else "none")
    assert opened.description.signature is not None and opened.description.example is not None
    assert random.getstate() == before
    for path in folder.rglob("*"):
        assert not looks_like_pickle(path.read_bytes()[:2]) and path.suffix != ".pkl"


def fit_and_look(model: Any, data: Any, target: Any = Y) -> tuple[Any, Any]:
    model.fit(data, target)
    run, _ = newest()
    return run, open_model(f"runs:/{run.id}/model", trust=True)


def test_a_table_keeps_its_names() -> None:
    run, opened = fit_and_look(linear_model.LogisticRegression(max_iter=500), TABLE, NAMES)
    signature = autotrack.load_pyfunc(f"runs:/{run.id}/model").signature
    assert signature.inputs.names == list(TABLE.columns) and opened.replay.verdict == "equal"
    assert signature.outputs.tensors[0].dtype in ("str", "object")
    assert "pandas==" in (Path(run.artifact_uri) / "model" / "requirements.txt").read_text()
    function = autotrack.load_pyfunc(f"runs:/{run.id}/model")
    assert (function.predict(TABLE[TABLE.columns[::-1]]) == opened.model.predict(TABLE)).all()
    with pytest.raises(autotrack.AutotrackError, match=r"lack: 'petal width \(cm\)' \(double\)"):
        function.predict(TABLE.drop(columns="petal width (cm)"))


def test_a_pipeline_of_mixed_columns() -> None:
    table = pd.DataFrame(
        {"n": [1.0, None, 3.0] * 20, "c": pd.Categorical(["a", "b", "a"] * 20), "s": ["x", "y", "z"] * 20}
    )
    columns = compose.make_column_transformer(
        (preprocessing.OneHotEncoder(), ["c", "s"]), (preprocessing.StandardScaler(), ["n"])
    )
    model = pipeline.make_pipeline(columns, ensemble.HistGradientBoostingRegressor(max_iter=3))
    run, opened = fit_and_look(model, table, np.arange(60.0))
    assert opened.replay.verdict == "equal"
    columns_of = autotrack.load_pyfunc(f"runs:/{run.id}/model", trust=True).signature.inputs.columns
    assert [(c.name, str(c.type), c.required) for c in columns_of] == [
        ("n", "double", False), ("c", "string", True), ("s", "string", True),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("data", "kind"), [(sp.csr_matrix(X), "sparse_matrix_csr"), (X.tolist(), "ndarray"), (X.astype("f4"), "ndarray")]
)
def test_other_data(data: Any, kind: str) -> None:
    _, opened = fit_and_look(linear_model.Ridge(), data)
    assert opened.replay.verdict == "equal" and opened.description.example["type"] == kind


def test_lists_of_texts() -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer

    words = ["to be or", "not to be", "that is"] * 4
    _, opened = fit_and_look(pipeline.make_pipeline(TfidfVectorizer(), linear_model.Ridge()), words, range(12))
    assert opened.replay.verdict == "equal" and opened.description.example["type"] == "json_object"


class Counting(ClassifierMixin, BaseEstimator):
    calls = 0

    def fit(self, X: Any, y: Any) -> "Counting":
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: Any) -> Any:
        Counting.calls += 1
        return np.full(len(X), self.classes_[0])


def test_a_predict_that_counts_is_not_called() -> None:
    Counting().fit(X, Y)
    run, folder = newest()
    assert Counting.calls == 0 and not (folder / "golden.json").exists() and (folder / "input_example.json").exists()
    assert any("might be noticed" in note for note in run._view().health["notes"])


class Drawing(linear_model.Ridge):
    """A model that draws when it predicts, from streams of all kinds."""

    def __init__(self, stream: Any = None) -> None:
        super().__init__()
        self.stream = stream

    def predict(self, X: Any) -> Any:
        np.random.rand()
        random.random()
        self.stream.rand()
        return super().predict(X)


def test_streams_stay_where_they_are() -> None:
    def state(model: Any) -> Any:
        return model.stream.get_state()[1].tolist(), np.random.get_state()[1].tolist(), random.getstate()

    model = Drawing(np.random.RandomState(3))
    model.fit(X, Y)  # whatever fitting itself draws
    kept = state(model)
    model.fit(X, Y)
    assert state(model) == kept
    run, _ = newest()
    opened = open_model(f"runs:/{run.id}/model", trust=True)
    assert state(model) == kept and opened.replay.verdict in ("equal", "none")
    assert opened.model.stream.rand() == np.random.RandomState(3).rand(), "the loaded one's stream is not moved either"


def test_a_verbose_model_prints_once(capfd: pytest.CaptureFixture[str]) -> None:
    model = ensemble.RandomForestClassifier(3, verbose=1, random_state=0)
    autotrack.disable()
    model.fit(X, Y)
    bare = capfd.readouterr()
    autotrack.enable()
    model.fit(X, Y)
    ours = capfd.readouterr()
    assert ours.out.count("\n") == bare.out.count("\n") and ours.err.count("\n") == bare.err.count("\n")


def test_partial_fits_are_saved_again_whole() -> None:
    model = linear_model.SGDClassifier(random_state=0)
    for at in range(7):
        model.partial_fit(X[at::7], Y[at::7], classes=[0, 1, 2])
    run = autotrack.last_run()
    expected = model.predict(X)
    autotrack.disable()
    trackers.close_all()
    opened = open_model(f"runs:/{run.id}/model", trust=False)
    assert (opened.model.predict(X) == expected).all() and opened.sealed and opened.replay.verdict == "equal"


def test_no_data_of_the_users_are_held() -> None:
    import gc
    import weakref

    class Table(np.ndarray):
        pass

    data = X.copy().view(Table)
    seen = weakref.ref(data)
    model = linear_model.SGDClassifier(random_state=0).partial_fit(data, Y, classes=[0, 1, 2])
    linear_model.Ridge().fit(data, Y)
    del data
    gc.collect()
    assert seen() is None and model is not None


def test_a_model_saved_again_in_another_format_leaves_nothing_of_the_first() -> None:
    with autotrack.start_run() as run:
        run.log_model(linear_model.Ridge().fit(X, Y), "m", example=X)
        run.log_model(
            pipeline.make_pipeline(preprocessing.FunctionTransformer(lambda data: data * 2), linear_model.Ridge()).fit(
                X, Y
            ),
            "m",
        )
    folder = Path(run.artifact_uri) / "m"
    assert not (folder / "model.skops").exists() and not (folder / "golden.json").exists()
    assert open_model(f"runs:/{run.id}/m").sealed


def test_golden_predictions_that_are_handed_over() -> None:
    with autotrack.start_run() as run:
        model = linear_model.Ridge().fit(X, Y)
        run.put_model(model, "right", example=X, golden={"predict": model.predict(X[:5])})
        run.put_model(model, "wrong", example=X, golden=model.predict(X[:5]) + 1)
        run.put_model(model, "asked", example=X, predictor=lambda rows: model.predict(rows))
    for path, verdict in (("right", "equal"), ("wrong", "different"), ("asked", "equal")):
        assert open_model(f"runs:/{run.id}/{path}").replay.verdict == verdict
    with pytest.raises(autotrack.AutotrackError, match=r"was not loaded: its predictions differ.*by up to 1"):
        autotrack.load_model(f"runs:/{run.id}/wrong", strict_golden=True)


def test_the_warning_names_the_difference(caplog: pytest.LogCaptureFixture) -> None:
    with autotrack.start_run() as run:
        model = linear_model.Ridge().fit(X, Y)
        run.put_model(model, "m", example=X, golden=np.add(model.predict(X[:5]), [0, 0, 3, 0, 0]))
    autotrack.load_model(f"runs:/{run.id}/m")
    assert "differ from those that it was saved with by up to 3: predict, row 2: " in caplog.text


def test_threads_save_at_once() -> None:
    errors: list[BaseException] = []

    def work(at: int) -> None:
        try:
            with autotrack.start_run(name=str(at)) as run:
                run.log_model(linear_model.Ridge(alpha=at + 1).fit(X, Y), example=X)
            assert open_model(f"runs:/{run.id}/model").replay.verdict == "equal"
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(at,)) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors


def test_a_pipeline_as_pyfunc(tmp_path: Path) -> None:
    """Its ``predict(X, **params)`` has no parameter that is called ``params``."""
    data = np.array([[0.0], [1.0], [2.0]])
    model = pipeline.make_pipeline(preprocessing.StandardScaler(), linear_model.Ridge()).fit(data, [1.0, 3.0, 5.5])
    folder = autotrack.save_model(model, tmp_path / "model", example=data)
    function = autotrack.load_model(folder, trust=False, as_pyfunc=True)
    assert np.array_equal(function.predict(data), model.predict(data))
