"""``from sklearn... import function`` before ``enable()``, the usual order, is as good as after it."""

from pathlib import Path

import autotrack


def test_functions_that_were_imported_before(store: Path, script) -> None:
    done = script(
        """
        from sklearn.datasets import load_iris
        from sklearn.linear_model import Ridge
        from sklearn.model_selection import cross_val_score, cross_validate
        import pickle, autotrack

        before = cross_validate
        autotrack.enable()
        X, y = load_iris(return_X_y=True)
        cross_val_score(Ridge(), X, y, cv=3)
        cross_validate(Ridge(), X, y, cv=4, n_jobs=2)
        assert pickle.loads(pickle.dumps(cross_validate)) is cross_validate
        autotrack.disable()
        assert cross_validate is before
        """
    )
    assert (done.returncode, done.stderr) == (0, "")
    runs = {run.name: run for run in autotrack.search_runs()}
    assert set(runs) == {"cross_val_score(Ridge)", "cross_validate(Ridge)"}
    assert len(runs["cross_validate(Ridge)"].metric_history("test_score")) == 4


def test_metrics_in_either_order(store: Path, script) -> None:
    source = """
        import sys
        import autotrack
        if sys.argv[1] == "after":
            autotrack.enable(models=False)
        from sklearn.metrics import accuracy_score, f1_score as f1, make_scorer
        from sklearn.datasets import load_iris
        from sklearn.linear_model import RidgeClassifier
        from sklearn.metrics._classification import recall_score
        import pickle, sklearn.metrics as sm
        held = {"accuracy": accuracy_score, "scorer": make_scorer(f1, average="macro")}
        before = [accuracy_score, sm.accuracy_score, f1, sm.roc_curve, vars(RidgeClassifier).get("fit")]
        if sys.argv[1] == "before":
            autotrack.enable(models=False)
        X, y = load_iris(return_X_y=True)
        def train():
            model = RidgeClassifier().fit(X, y)
            return held["accuracy"](y, model.predict(X)), f1(y, model.predict(X), average="micro"), model.score(X, y), \
                held["scorer"](model, X, y), recall_score(y, model.predict(X).tolist(), average=None).tolist()
        values = train()
        assert pickle.loads(pickle.dumps(held))["accuracy"] is accuracy_score is sm.accuracy_score
        autotrack.disable()
        assert train() == values and [accuracy_score, sm.accuracy_score, f1, sm.roc_curve] == before[:4]
        (run,) = autotrack.search_runs()
        found = {k: v for k, v in run.metrics.items() if not k.startswith(("training", "fit"))}
        assert found == {
            "accuracy_score_X": values[0], "f1_score_X": values[1], "RidgeClassifier_score_X": values[2],
            "f1_score-2_X": values[3], **{f"recall_score_X.{at}": v for at, v in enumerate(values[4])},
        }, found
        assert not run.health, run.health
    """
    for order in ("before", "after"):
        done = script(source, order, AUTOTRACK_TRACKING_URI=str(store / order))
        assert (done.returncode, done.stderr) == (0, ""), order
