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
