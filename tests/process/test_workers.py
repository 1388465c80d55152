"""R12: whatever a program starts, one training is one run."""

from __future__ import annotations

from pathlib import Path

import pytest

import autotrack

POOL = """
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
import autotrack
from sklearn.linear_model import Ridge

def fit(alpha):
    autotrack.log_metric("from worker", alpha) if LOG else None
    return float(Ridge(alpha=alpha).fit([[0.0], [1.0]], [0.0, 1.0]).coef_[0])

LOG = False
if __name__ == "__main__":
    autotrack.enable()
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("{method}")) as pool:
        assert len(list(pool.map(fit, [0.0, 1.0, 2.0]))) == 3
    Ridge().fit([[0.0], [1.0]], [0.0, 1.0])
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_process_pool(method: str, store: Path, script) -> None:
    done = script(POOL.replace("{method}", method))
    assert (done.returncode, done.stderr) == (0, "")
    (run,) = autotrack.search_runs()
    assert run.status == "FINISHED"


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_a_search_is_one_run_whatever_runs_it(backend: str, store: Path, script) -> None:
    done = script(
        f"""
        import autotrack, joblib
        autotrack.enable()  # does nothing in a worker
        from sklearn.datasets import load_iris
        from sklearn.linear_model import LogisticRegression
        from sklearn.model_selection import GridSearchCV, cross_validate
        if __name__ == "__main__":
            X, y = load_iris(return_X_y=True)
            with joblib.parallel_backend("{backend}", n_jobs=2):
                GridSearchCV(LogisticRegression(max_iter=500), {{"C": [0.1, 1.0]}}, cv=2).fit(X, y)
                cross_validate(LogisticRegression(max_iter=500), X, y, cv=2)
        """
    )
    assert (done.returncode, done.stderr) == (0, "")
    runs = autotrack.search_runs()
    top = [run for run in runs if run.parent is None]
    assert len(top) == 2
    assert len(runs) == 4  # and the two candidates
    assert {str(run.status) for run in runs} == {"FINISHED"}


def test_a_childs_child_logs_to_the_first_ones_run(store: Path, script) -> None:
    done = script(
        """
        import os, autotrack
        run = autotrack.start_run("family")
        for depth in range(4):
            run.log_metric(f"depth{depth}", float(depth))
            pid = os.fork()
            if pid:
                assert os.waitpid(pid, 0)[1] == 0
                if depth: os._exit(0)
                break
        else:
            os._exit(0)
        run.finish()
        """
    )
    assert (done.returncode, done.stderr) == (0, "")
    (run,) = autotrack.search_runs()
    assert run.metrics == {f"depth{depth}": float(depth) for depth in range(4)}
    assert run.status == "FINISHED"


def test_a_forked_childs_normal_end_does_not_end_the_parents_run(store: Path, script) -> None:
    done = script(
        """
        import os, sys, autotrack
        run = autotrack.start_run("family")
        run.log_metric("parent", 0.0)
        if os.fork() == 0:
            run.log_metric("child", 1.0)
            sys.exit(3)  # exit handlers run, in the child
        os.wait()
        assert run.is_open
        run.log_metric("parent", 1.0)
        """
    )
    assert (done.returncode, done.stderr) == (0, "")
    (run,) = autotrack.search_runs()
    assert (run.status, run.metrics) == ("FINISHED", {"parent": 1.0, "child": 1.0})
