"""What tracking adds to GridSearchCV with 20 candidates and 3 folds: all CPU, models saved."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

import autotrack

from .harness import Place, Row, child, interleaved
from .small_fit import GENEROUS

PROGRAM = """
import sys
import autotrack
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler
mode, searches = sys.argv[1], int(sys.argv[2])
if mode != "plain":
    autotrack.enable(models=mode == "model")
X, y = load_breast_cancer(return_X_y=True)
X = StandardScaler().fit_transform(X)
for _ in range(searches):
    GridSearchCV(LogisticRegression(), {"C": np.logspace(-3, 2, 20)}, cv=3).fit(X, y)
"""


def rows(place: Place) -> Iterator[Row]:
    few, many = 1, 1 + place.scaled(6, 1)

    def a_search(mode: str) -> float:
        env = GENEROUS | {"AUTOTRACK_TRACKING_URI": str(place.folder / mode)}
        ends = [child(PROGRAM, mode, searches, env=env).cpu for searches in (few, many)]
        return (ends[1] - ends[0]) / (many - few)

    modes = ("plain", "bare", "model")
    samples = interleaved(place.scaled(5, 1), *[lambda mode=mode: a_search(mode) for mode in modes])
    plain, bare, model = (statistics.median(kept) for kept in samples)
    for mode in ("bare", "model"):
        searches = len(samples[0]) * (few + many)
        found = autotrack.Client(place.folder / mode).search_runs(max_results=50_000)
        tops = [run for run in found if run.record.parent is None]
        if len(tops) != searches or len(found) != searches * 21:
            raise RuntimeError(f"{searches} searches made {len(tops)} runs and {len(found) - len(tops)} candidates")
        if not all(bool(run.models) == (mode == "model") for run in tops):
            raise RuntimeError(f"some runs of {mode!r} lack their model, or have one too many")
    for what, spent, peer in (("GridSearchCV 20 x 3", model, "4.6 s"), ("GridSearchCV without models", bare, "0.41 s")):
        cost = spent - plain
        yield Row(f"{what}, CPU added", cost, "s", 0.1, plain, "the search itself", f"MLflow {peer}")
