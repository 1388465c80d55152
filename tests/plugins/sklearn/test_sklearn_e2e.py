"""From `enable()` in a script of its own to a model loaded by another process."""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_iris

import autotrack

X, Y = load_iris(return_X_y=True)

SOURCE = """
    import autotrack
    autotrack.enable()
    import sys
    import numpy as np
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression, SGDClassifier
    from sklearn.model_selection import GridSearchCV
    from sklearn.svm import SVC

    X, y = load_iris(return_X_y=True)
    LogisticRegression(max_iter=500).fit(X, y)
    GridSearchCV(SVC(), {"C": [1, 2]}, cv=2, n_jobs=2).fit(X, y)
    loop = SGDClassifier(random_state=0)
    for _ in range(10):
        loop.partial_fit(X, y, classes=[0, 1, 2])
    np.save("coef.npy", loop.coef_)
    assert not {"skops", "yaml", "sqlalchemy"} & set(sys.modules)
"""


def test_a_script_and_its_models(store: Path, script, tmp_path: Path) -> None:
    done = script(SOURCE, AUTOTRACK_DELIVER_AFTER="1000")  # a slow machine does not make it a long program
    assert done.returncode == 0 and done.stderr == "" and done.stdout == "", done.stderr
    runs = {run.name: run for run in autotrack.search_runs()}
    assert set(runs) == {"LogisticRegression", "GridSearchCV(SVC)", "SVC 1", "SVC 2", "SGDClassifier"}
    assert {str(run.status) for run in runs.values()} == {"FINISHED"}
    assert all(run.parent is not None for name, run in runs.items() if name.startswith("SVC"))

    model = autotrack.load_model(f"runs:/{runs['LogisticRegression'].id}/model")
    assert model.score(X, Y) == runs["LogisticRegression"].metrics["training_score"]
    assert autotrack.load_model(f"runs:/{runs['GridSearchCV(SVC)'].id[:12]}/model").C in (1, 2)
    last = autotrack.load_model(f"runs:/{runs['SGDClassifier'].id}/model")
    assert np.array_equal(last.coef_, np.load(tmp_path / "coef.npy")), "the model is not that of the last partial_fit"
    steps = [point[0] for point in runs["SGDClassifier"].metric_history("fit_seconds")]
    assert steps == list(range(10))


UNUSUAL = """
    import sys
    import autotrack
    if sys.argv[1] == "on":
        autotrack.enable()
    import json, pickle
    import joblib, numpy as np, sklearn
    from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin, clone
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    X, y = load_iris(return_X_y=True)

    class Constant(ClassifierMixin, BaseEstimator):
        predictions = 0
        def fit(self, X, y):
            self.classes_ = np.unique(y)
            return self
        def predict(self, X):
            type(self).predictions += 1
            return np.zeros(len(X))

    class Slots(Constant):
        __slots__ = ("extra",)

    class NoParams(Constant):
        def get_params(self, deep=True):
            raise RuntimeError("no params")
        def __repr__(self):
            raise RuntimeError("no text")

    class Asked(Constant):
        questions = []
        def __getattr__(self, name):
            if not name.startswith("__"):
                type(self).questions.append(name)
            raise AttributeError(name)

    class Noise(TransformerMixin, BaseEstimator):
        def fit(self, X, y=None):
            return self
        def transform(self, X):
            return X + np.random.normal(size=X.shape)

    np.random.seed(0)
    seen = {}
    for kind in (Slots, NoParams, Asked):
        seen[kind.__name__] = [sorted(vars(kind().fit(X, y))), kind.predictions]
    seen["questions"] = Asked.questions
    model = make_pipeline(Noise(), LogisticRegression(max_iter=500)).fit(X, y)
    seen["noise"] = [model[-1].coef_.tolist(), np.random.normal()]
    splits = ((rows, rows) for rows in [np.arange(len(X))])  # a generator, which no pickle holds
    seen["generator"] = GridSearchCV(Ridge(), {"alpha": [1, 2]}, cv=splits).fit(X, y).best_params_
    for backend in ("loky", "threading"):
        with joblib.parallel_backend(backend, n_jobs=2):
            search = GridSearchCV(Ridge(), {"alpha": [1, 2, 3]}, cv=3).fit(X, y)
            seen[backend] = search.cv_results_["mean_test_score"].tolist()
            fits = joblib.Parallel(2)(joblib.delayed(Ridge(a).fit)(X, y) for a in (1, 2))
            seen[backend + " fits"] = [fit.coef_.tolist() for fit in fits]
    with sklearn.config_context(enable_metadata_routing=True):
        routed = LogisticRegression(max_iter=500).set_fit_request(sample_weight=True)
        model = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), routed)
        model.fit(X, y, sample_weight=np.linspace(1, 2, len(X)))
        seen["routed"] = [model[-1].coef_.tolist(), str(model.get_metadata_routing())]
    seen["pickle"] = [pickle.dumps(model).hex(), joblib.hash(model), repr(clone(model))]
    print(json.dumps(seen))
    with open("model.pkl", "wb") as file:
        pickle.dump(model, file)
"""

ELSEWHERE = """
    import pickle, sys
    from sklearn.datasets import load_iris
    with open("model.pkl", "rb") as file:
        assert pickle.load(file).score(*load_iris(return_X_y=True)) > 0.9
    assert not any(name.startswith("autotrack") for name in sys.modules)
"""


def test_unusual_classes_and_workers_see_nothing(store: Path, script) -> None:
    plain, watched = script(UNUSUAL, "off"), script(UNUSUAL, "on")  # the second leaves its model behind
    assert watched.returncode == plain.returncode == 0, watched.stderr + plain.stderr
    assert watched.stdout == plain.stdout
    assert watched.stderr == plain.stderr == ""
    assert script(ELSEWHERE).returncode == 0
    searches = [run for run in autotrack.search_runs() if run.name == "GridSearchCV(Ridge)"]
    assert len(searches) == 3 and {str(run.status) for run in searches} == {"FINISHED"}
