"""Models travel: saved without importing skops, loaded by skops alone, and never run code uninvited."""

import functools
import io
import json
import operator
import pickle
import subprocess
import sys
import zipfile
from collections import OrderedDict, defaultdict
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
import skops.io
from autotrack_sklearn.flavor import SKLEARN
from autotrack_sklearn.skopsfile import CannotHold, write
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn import (
    calibration,
    cluster,
    compose,
    cross_decomposition,
    decomposition,
    discriminant_analysis,
    ensemble,
    gaussian_process,
    isotonic,
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
    tree,
)
from sklearn.datasets import load_iris
from sklearn.feature_extraction.text import TfidfVectorizer

from autotrack.core.errors import ArtifactError, UntrustedModelError
from autotrack.models import load_model, save_model

X, Y = load_iris(return_X_y=True)
kernels = gaussian_process.kernels

MODELS = [
    linear_model.LogisticRegression(max_iter=500),
    linear_model.Ridge(),
    linear_model.LassoCV(cv=3),
    linear_model.SGDClassifier(random_state=0),
    linear_model.SGDRegressor(random_state=0),
    linear_model.PoissonRegressor(),
    linear_model.HuberRegressor(max_iter=1000),
    linear_model.BayesianRidge(),
    svm.SVC(),
    svm.SVR(),
    svm.LinearSVC(),
    svm.OneClassSVM(),
    tree.DecisionTreeClassifier(random_state=0),
    tree.ExtraTreeRegressor(random_state=0),
    ensemble.RandomForestClassifier(5, random_state=np.random.RandomState(3)),
    ensemble.GradientBoostingClassifier(n_estimators=4),
    ensemble.HistGradientBoostingClassifier(max_iter=4),
    ensemble.HistGradientBoostingRegressor(max_iter=4, loss="quantile", quantile=0.3),
    ensemble.AdaBoostClassifier(n_estimators=4, random_state=0),
    ensemble.BaggingRegressor(random_state=0),
    ensemble.IsolationForest(n_estimators=10, random_state=0),
    ensemble.VotingClassifier([("a", tree.DecisionTreeClassifier()), ("b", naive_bayes.GaussianNB())]),
    ensemble.StackingClassifier([("a", naive_bayes.GaussianNB())], tree.DecisionTreeClassifier(random_state=0)),
    naive_bayes.GaussianNB(),
    naive_bayes.MultinomialNB(),
    neighbors.KNeighborsClassifier(algorithm="kd_tree"),
    neighbors.KNeighborsRegressor(algorithm="ball_tree"),
    neural_network.MLPClassifier((4,), max_iter=4000, random_state=0),
    gaussian_process.GaussianProcessRegressor(kernels.RBF() + kernels.WhiteKernel(), random_state=0),
    discriminant_analysis.LinearDiscriminantAnalysis(),
    discriminant_analysis.QuadraticDiscriminantAnalysis(),
    calibration.CalibratedClassifierCV(naive_bayes.GaussianNB(), cv=2),
    multiclass.OneVsRestClassifier(linear_model.Perceptron()),
    mixture.GaussianMixture(2, random_state=0),
    cluster.KMeans(3, n_init=1, random_state=0),
    cluster.MeanShift(),
    cluster.Birch(n_clusters=2),
    cross_decomposition.PLSRegression(),
    decomposition.PCA(2),
    pipeline.make_pipeline(preprocessing.StandardScaler(), decomposition.PCA(2), linear_model.Ridge()),
    pipeline.make_pipeline(preprocessing.FunctionTransformer(np.log1p), linear_model.Ridge()),
    pipeline.make_pipeline(preprocessing.FunctionTransformer(lambda data: data * 2), linear_model.Ridge()),
    compose.TransformedTargetRegressor(linear_model.Ridge(), func=np.log1p, inverse_func=np.expm1),
    model_selection.GridSearchCV(tree.DecisionTreeClassifier(random_state=0), {"max_depth": [1, 2]}, cv=2),
    linear_model.LogisticRegression(max_iter=500, class_weight={0: 1.0, 1: 2.0, 2: 1.0}),
]
#: What skops does not hold exactly; these are pickled, and say so.
PICKLED = {"Birch"}
METHODS = ("predict", "predict_proba", "decision_function", "transform", "score_samples")


def has_lambda(model) -> bool:
    step = getattr(model, "steps", [(None, None)])[0][1]
    return getattr(getattr(step, "func", None), "__name__", "") == "<lambda>"


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_round_trip(model, tmp_path: Path) -> None:
    model.fit(X, Y)
    folder = save_model(model, tmp_path / "model", flavors=[SKLEARN])
    pickled = type(model).__name__ in PICKLED or has_lambda(model)
    assert (folder / "model.pkl").exists() == pickled and (folder / "model.skops").exists() != pickled
    if not pickled:
        assert not any(content[:2] == b"\x80\x05" for content in zip_contents(folder / "model.skops").values())
    again = load_model(folder, trust=True, flavors=[SKLEARN])
    assert type(again) is type(model)
    for name in METHODS:
        if hasattr(model, name):
            assert np.array_equal(getattr(again, name)(X), getattr(model, name)(X)), name


def zip_contents(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_text_and_isotonic(tmp_path: Path) -> None:
    words = ["to be or", "not to be", "that is"] * 4
    model = pipeline.make_pipeline(TfidfVectorizer(), linear_model.Ridge()).fit(words, range(12))
    again = load_model(save_model(model, tmp_path / "a", flavors=[SKLEARN]), trust=True, flavors=[SKLEARN])
    assert np.array_equal(again.predict(words), model.predict(words))
    model = isotonic.IsotonicRegression().fit(X[:, 0], Y)
    again = load_model(save_model(model, tmp_path / "b", flavors=[SKLEARN]), trust=True, flavors=[SKLEARN])
    assert np.array_equal(again.predict(X[:, 0]), model.predict(X[:, 0]))


def round_trip(value):
    buffer = io.BytesIO()
    names = write(value, buffer)
    types = skops.io.get_untrusted_types(data=buffer.getvalue())
    assert set(types) <= set(names)
    return skops.io.loads(buffer.getvalue(), trusted=types)


def same(one, other) -> bool:
    if isinstance(one, np.ndarray):
        return (
            type(one) is type(other)
            and one.dtype == other.dtype
            and np.array_equal(one, other, equal_nan=one.dtype.kind in "fc")
        )
    if isinstance(one, dict):
        return type(one) is type(other) and list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return type(one) is type(other) and len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and (one == other or one != one)


PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(max_size=20)
ARRAYS = arrays.arrays(
    st.sampled_from(["f4", "f8", "i4", "i8", "u1", "?", "U3", "c16"]),
    arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
)
VALUES = st.recursive(
    PLAIN | ARRAYS | ARRAYS.filter(lambda a: a.size).map(lambda a: a.ravel()[0]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text(max_size=5) | st.integers() | st.floats(allow_nan=False), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(VALUES)
@settings(max_examples=200, deadline=None)
def test_any_state_comes_back_or_is_refused(value) -> None:
    try:
        again = round_trip(value)
    except CannotHold:
        return
    assert same(value, again)


@pytest.mark.parametrize(
    "value",
    [
        {True: 1},
        {None: 1},
        {(1, 2): 3},
        {1: "a", "1": "b"},
        defaultdict(int, {1: 2}),
        np.array(3, dtype=object),
        lambda: None,
        functools.partial(print, sep=lambda: 0),
        "abc".upper,
        operator.methodcaller("f", a=1),
        type("Local", (), {})(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_would_not_come_back_is_refused(value) -> None:
    with pytest.raises(CannotHold):
        write(value, io.BytesIO())


def test_other_values_come_back() -> None:
    shared = np.arange(3)
    value = {
        "shared": [shared, shared],
        "ordered": OrderedDict(b=1, a=2),
        "set": {1, 2},
        "slice": slice(1, None, 2),
        "partial": functools.partial(np.add, 1),
        "operator": operator.itemgetter(1, 2),
        "dtype": np.dtype("f4"),
        "ufunc": np.exp,
        "function": json.dumps,
        "type": np.float32,
        "defaults": defaultdict(list, a=[1]),
        "objects": np.array(["a", None, 1.5], dtype=object),
    }
    again = round_trip(value)
    assert again["shared"][0] is again["shared"][1]
    assert again["ordered"] == value["ordered"] and type(again["ordered"]) is OrderedDict
    assert again["partial"](2) == 3 and again["operator"]([1, 2, 3]) == (2, 3)
    for key in ("set", "slice", "dtype", "ufunc", "function", "type", "defaults"):
        assert again[key] == value[key]
    assert again["objects"].tolist() == ["a", None, 1.5]
    for kind in (scipy.sparse.csr_matrix, scipy.sparse.csc_array):
        sparse = round_trip(kind(np.eye(3)))
        assert type(sparse) is kind and (sparse.toarray() == np.eye(3)).all()
    stream, other = np.random.default_rng(5), np.random.RandomState(5)
    assert round_trip(stream).random() == stream.random()
    assert round_trip(other).rand() == other.rand()
    masked = round_trip(np.ma.MaskedArray([1, 2], [True, False]))
    assert masked.mask.tolist() == [True, False]


def test_what_is_trusted(tmp_path: Path) -> None:
    plain = save_model(linear_model.Ridge().fit(X, Y), tmp_path / "plain", flavors=[SKLEARN])
    assert load_model(plain, flavors=[SKLEARN]).predict(X[:1]).shape == (1,)
    forest = save_model(ensemble.RandomForestClassifier(2).fit(X, Y), tmp_path / "forest", flavors=[SKLEARN])
    with pytest.raises(UntrustedModelError, match=r"sklearn.tree._tree.Tree.*trust=True") as refused:
        load_model(forest, flavors=[SKLEARN])
    assert "sha256" in str(refused.value)
    load_model(forest, trust=True, flavors=[SKLEARN])


class Bomb:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


@pytest.fixture
def hostile(tmp_path: Path):
    """A model folder that a reader thinks is fine, and the file that must not appear."""
    folder = save_model(linear_model.Ridge().fit(X, Y), tmp_path / "model", flavors=[SKLEARN])
    (folder / "manifest.json").unlink()  # whoever changes a file can leave out the manifest, too
    return folder, tmp_path / "canary", pickle.dumps(Bomb(tmp_path / "canary"))


def rewrite(folder: Path, old: str, new: str) -> None:
    path = folder / "MLmodel"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_pickle_named_skops_is_refused(hostile) -> None:
    folder, canary, bomb = hostile
    (folder / "model.skops").write_bytes(bomb)
    for trust in (None, True):
        with pytest.raises(UntrustedModelError, match="is none"):
            load_model(folder, trust=trust, flavors=[SKLEARN])
    rewrite(folder, 'serialization_format: "skops"', 'serialization_format: "cloudpickle"')
    with pytest.raises(UntrustedModelError):
        load_model(folder, flavors=[SKLEARN])
    assert not canary.exists()


def test_a_pickle_needs_trust(hostile) -> None:
    folder, canary, bomb = hostile
    (folder / "model.pkl").write_bytes(bomb)
    rewrite(folder, '"model.skops"', '"model.pkl"')
    rewrite(folder, 'serialization_format: "skops"', 'serialization_format: "cloudpickle"')
    with pytest.raises(UntrustedModelError, match="trust=True"):
        load_model(folder, flavors=[SKLEARN])
    assert not canary.exists()
    load_model(folder, trust=True, flavors=[SKLEARN])
    assert canary.exists()


def test_a_polyglot_and_garbage_are_refused(hostile) -> None:
    folder, canary, bomb = hostile
    original = (folder / "model.skops").read_bytes()
    (folder / "model.skops").write_bytes(bomb + original)  # a zip may begin with anything
    load_model(folder, flavors=[SKLEARN])
    assert not canary.exists()
    for content in (b"", b"PK\x05\x06" + bytes(18), original[:-30]):
        (folder / "model.skops").write_bytes(content)
        with pytest.raises((UntrustedModelError, ArtifactError)):
            load_model(folder, trust=True, flavors=[SKLEARN])


@pytest.mark.parametrize("name", ["../canary.skops", "/etc/passwd", "", "missing.skops", ".", "a\\u0000b"])
def test_names_stay_inside(hostile, name: str) -> None:
    folder, canary, bomb = hostile
    (folder.parent / "canary.skops").write_bytes(bomb)
    rewrite(folder, 'pickled_model: "model.skops"', f'pickled_model: "{name}"')
    with pytest.raises(ArtifactError):
        load_model(folder, trust=True, flavors=[SKLEARN])
    assert not canary.exists()


def test_a_class_of_the_script_itself_loads_elsewhere(tmp_path: Path) -> None:
    source = """
import numpy as np
from sklearn.base import BaseEstimator
from autotrack.models import save_model
from autotrack_sklearn.flavor import SKLEARN
import sys
class Mine(BaseEstimator):
    def fit(self, X, y): self.mean_ = np.mean(y); return self
    def predict(self, X): return np.full(len(X), self.mean_)
save_model(Mine().fit([[1]], [4.0]), "mine", flavors=[SKLEARN])
assert not {"skops", "yaml"} & set(sys.modules), "saving is to import neither"
"""
    subprocess.run([sys.executable, "-c", source], cwd=tmp_path, check=True)
    assert load_model(tmp_path / "mine", trust=True, flavors=[SKLEARN]).predict([[0]]).tolist() == [4.0]
    with pytest.raises(UntrustedModelError):
        load_model(tmp_path / "mine", flavors=[SKLEARN])
