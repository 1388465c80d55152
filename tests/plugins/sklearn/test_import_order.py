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
