"""Models travel: saved without importing skops, loaded by skops alone, and never run code uninvited."""

import contextlib
import json
import os
import pickle
import re
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
from autotrack_sklearn.flavor import SKLEARN
from crafting import Runs
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
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.utils import all_estimators

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
    again = load_model(folder, trust=pickled, flavors=[SKLEARN])  # only a pickle needs trust
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
    again = load_model(save_model(model, tmp_path / "a", flavors=[SKLEARN]), flavors=[SKLEARN])
    assert np.array_equal(again.predict(words), model.predict(words))
    model = isotonic.IsotonicRegression().fit(X[:, 0], Y)
    again = load_model(save_model(model, tmp_path / "b", flavors=[SKLEARN]), flavors=[SKLEARN])
    assert np.array_equal(again.predict(X[:, 0]), model.predict(X[:, 0]))


def test_what_skops_does_not_know_needs_trust(tmp_path: Path) -> None:
    by_hand = preprocessing.FunctionTransformer(json.dumps).fit(X)
    folder = save_model(by_hand, tmp_path / "model", flavors=[SKLEARN])
    with pytest.raises(UntrustedModelError, match=r"json.dumps.*trust=True") as refused:
        load_model(folder, flavors=[SKLEARN])
    assert "sha256" in str(refused.value)
    assert load_model(folder, trust=True, flavors=[SKLEARN]).func is json.dumps


@pytest.mark.parametrize(
    "model",
    [
        ensemble.GradientBoostingRegressor(n_estimators=2, init=linear_model.Ridge()),
        ensemble.HistGradientBoostingClassifier(max_iter=2, categorical_features=[0]),
    ],
    ids=["init", "categories"],
)
def test_trees_behind_what_nobody_can_judge_need_trust(model, tmp_path: Path) -> None:
    data = np.c_[Y, X]
    folder = save_model(model.fit(data, Y), tmp_path / "model", flavors=[SKLEARN])
    with pytest.raises(UntrustedModelError, match=r"could run code or crash: .*Tree"):
        load_model(folder, trust=False, flavors=[SKLEARN])
    again = load_model(folder, trust=True, flavors=[SKLEARN])
    assert np.array_equal(again.predict(data), model.predict(data))


TREES = [
    *(kind(random_state=0) for kind in (tree.DecisionTreeClassifier, tree.ExtraTreeClassifier)),
    *(kind(3, random_state=0) for kind in (ensemble.RandomForestClassifier, ensemble.ExtraTreesClassifier)),
    tree.DecisionTreeClassifier(ccp_alpha=0.02),
    tree.DecisionTreeClassifier(max_leaf_nodes=4, monotonic_cst=[1, 0, 0, 0]),
    ensemble.GradientBoostingClassifier(n_estimators=2, init="zero"),
    ensemble.GradientBoostingClassifier(n_estimators=2, subsample=0.5, n_iter_no_change=1),
    ensemble.HistGradientBoostingClassifier(max_iter=2, early_stopping=True),
    ensemble.IsolationForest(n_estimators=3, max_features=0.5),
    ensemble.BaggingClassifier(tree.DecisionTreeClassifier(), 2, max_features=0.5),
]


@pytest.mark.parametrize(
    ("data", "fitting"), [("dense", 10), ("sparse", 9), ("missing", 8), ("two", 11), ("several", 6), ("names", 10)]
)
def test_honest_trees_need_no_trust(data: str, fitting: int, tmp_path: Path) -> None:
    features, targets = X.copy(), Y
    if data == "missing":
        features[::7, 1] = np.nan
    elif data == "sparse":
        features = scipy.sparse.csr_matrix(X)
    elif data == "two":
        targets = Y > 0
    elif data == "several":
        targets = np.c_[Y, Y > 0]
    elif data == "names":
        targets = np.array(["a", "b", "c"])[Y]
    models = [model for model in map(clone, TREES) if fits(model, (features, targets))]
    assert len(models) == fitting  # scikit-learn takes some data in some estimators only
    for index, model in enumerate(models):
        folder = save_model(model, tmp_path / str(index), flavors=[SKLEARN])
        again = load_model(folder, trust=False, flavors=[SKLEARN])
        assert np.array_equal(again.predict(features), model.predict(features))


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_every_estimator_that_fits_is_kept_and_loads_without_trust(tmp_path: Path) -> None:
    texts, kept, held_back = ["to be or", "not to be", "that is"] * 50, [], []
    for name, kind in all_estimators():
        with warnings.catch_warnings(), contextlib.suppress(TypeError):  # those that cannot be made without arguments
            warnings.simplefilter("ignore")
            model = kind()
            if not fits(model, (X, Y), (X, np.eye(3)[Y]), (X[:, :1].ravel(), Y), (texts, Y)):
                continue
            folder = save_model(model, tmp_path / name, flavors=[SKLEARN])
            try:
                load_model(folder, trust=False, flavors=[SKLEARN])
                kept.append(name)
            except UntrustedModelError:
                held_back.append(name)
    assert set(held_back) <= PICKLED
    assert len(kept) > 150


def fits(model, *data) -> bool:
    for features, targets in data:
        with contextlib.suppress(ValueError, TypeError, AttributeError):
            model.fit(features, targets)
            return True
    return False


@pytest.fixture
def hostile(tmp_path: Path):
    """A model folder that a reader thinks is fine, and the file that must not appear."""
    folder = save_model(linear_model.Ridge().fit(X, Y), tmp_path / "model", flavors=[SKLEARN])
    (folder / "manifest.json").unlink()  # whoever changes a file can leave out the manifest, too
    return folder, tmp_path / "canary", pickle.dumps(Runs(tmp_path / "canary"))


def rewrite(folder: Path, old: str, new: str) -> None:
    path = folder / "MLmodel"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_pickle_named_skops_is_refused(hostile) -> None:
    folder, canary, bomb = hostile
    (folder / "model.skops").write_bytes(bomb)
    for kind in ("skops", "cloudpickle", "", "null"):
        text = (folder / "MLmodel").read_text()
        (folder / "MLmodel").write_text(re.sub("(serialization_format: ).*", rf'\1"{kind}"', text))
        with pytest.raises(UntrustedModelError):
            load_model(folder, flavors=[SKLEARN])
    assert not canary.exists()


@pytest.mark.parametrize("name", ["model.skops", "model.pkl"])
def test_links_and_pipes_are_no_model_files(hostile, name: str) -> None:
    folder, canary, bomb = hostile
    (folder / "model.skops").unlink()
    (folder.parent / "elsewhere").write_bytes(bomb)
    rewrite(folder, 'pickled_model: "model.skops"', f'pickled_model: "{name}"')
    (folder / name).symlink_to(folder.parent / "elsewhere")
    with pytest.raises(ArtifactError, match=r"a link|neither a file nor a folder"):
        load_model(folder, trust=True, flavors=[SKLEARN])
    (folder / name).unlink()
    os.mkfifo(folder / name)
    with pytest.raises(ArtifactError, match=r"a link|neither a file nor a folder"):
        load_model(folder, trust=True, flavors=[SKLEARN])
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
