"""Loops that train thousands of models: what is kept of them stays small and readable."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

from autotrack_sklearn.provenance import provenance
from sklearn.linear_model import Ridge

import autotrack
from autotrack.core.runs import placement

X, Y = [[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0]


def test_a_loop_inside_a_run_folds(store: Path) -> None:
    autotrack.enable(models=False, runs_per_site=5)
    with autotrack.start_run("sweep") as run:
        for number in range(50):
            Ridge(alpha=float(number)).fit(X, Y)
        Ridge(alpha=99.0).fit(X, Y)  # another line: a call like any other
    assert [found.name for found in autotrack.search_runs()] == ["sweep"]
    assert run.params["alpha"] == "0.0" and run.params["Ridge_5.alpha"] == "4.0"
    assert run.params["Ridge_6.alpha"] == "5.0", "the series has its first call's params"
    assert run.params["Ridge_7.alpha"] == "99.0"
    assert not [key for key in run.params if key.startswith("Ridge_8")]
    steps = run.metric_history("Ridge_6.fit_seconds").steps
    assert list(steps) == list(range(45))
    assert list(run.metric_history("Ridge_6.param.alpha").values) == [float(n) for n in range(6, 50)]
    assert run.health["notes"] == ["one line made 5 calls in this run; further ones are the steps of Ridge_6.*"]


def test_each_run_counts_for_itself_and_nothing_keeps_it(store: Path) -> None:
    autotrack.enable(models=False, runs_per_site=5)
    references = []
    for _ in range(3):
        with autotrack.start_run("few") as run:
            for _ in range(7):
                Ridge().fit(X, Y)
        references.append(weakref.ref(run))
        assert len(run.metric_history("Ridge_6.fit_seconds").steps) == 2
    del run
    provenance.clear()  # it keeps the runs of the last 512 models, for their metrics to come
    gc.collect()
    assert [reference() for reference in references[:2]] == [None, None]
    assert len(placement._joined) <= 1
