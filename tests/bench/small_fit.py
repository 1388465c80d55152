"""What tracking adds to a small fit: all CPU of the process, background threads and exit included.

Processes that make few and many fits are compared, so that start-up cancels out.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path

import autotrack

from .harness import Place, Row, child, interleaved

PROGRAM = """
import sys, time, warnings
import autotrack
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
mode, fits = sys.argv[1], int(sys.argv[2])
if mode != "plain":
    autotrack.enable(models=mode == "model")
X, y = load_breast_cancer(return_X_y=True)
X = StandardScaler().fit_transform(X)
spent = []
for _ in range(fits):
    model = LogisticRegression()
    start = time.perf_counter()
    model.fit(X, y)
    spent.append(time.perf_counter() - start)
print(sorted(spent)[len(spent) // 2])
"""
FLOOR = """
import io, time
import skops.io
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
model = LogisticRegression(max_iter=5000).fit(*load_breast_cancer(return_X_y=True))
spent = []
for _ in range(50):
    start = time.process_time()
    skops.io.dumps(model)
    spent.append(time.process_time() - start)
print(sorted(spent)[25])
"""
#: Nothing is left out for the sake of the budget while the budget is measured.
GENEROUS = {"AUTOTRACK_OVERHEAD_SHARE": "1000"}


def rows(place: Place) -> Iterator[Row]:
    few, many = 10, 10 + place.scaled(60, 5)
    waits: dict[str, list[float]] = {"plain": [], "bare": [], "model": []}

    def a_fit(mode: str) -> float:
        ends = []
        for fits in (few, many):
            run = child(PROGRAM, mode, fits, env=GENEROUS | _own(place.folder, mode))
            ends.append(run.cpu)
        waits[mode].append(float(run.json))
        return (ends[1] - ends[0]) / (many - few)

    modes = ("plain", "bare", "model")
    samples = interleaved(place.scaled(5, 1), *[lambda mode=mode: a_fit(mode) for mode in modes])
    plain, bare, model = (statistics.median(kept) for kept in samples)
    for mode in ("bare", "model"):
        runs = autotrack.Client(place.folder / mode).search_runs(max_results=50_000)
        if len(runs) != len(waits[mode]) * (few + many):
            raise RuntimeError(f"not every fit made a run ({len(runs)}): what was measured is not what was promised")
        if not all(bool(run.models) == (mode == "model") and run.metrics for run in runs):
            raise RuntimeError(f"some runs of {mode!r} lack their model or their metrics, or have one too many")
    dump = float(child(FLOOR).json)
    cost = model - plain
    yield Row("small fit with its model, CPU added", cost, "s", 0.02, dump, "skops dump", "MLflow 2.6 s")
    yield Row("small fit without model, CPU added", bare - plain, "s", 0.005, peers="MLflow 0.32 s")
    waited = statistics.median(waits["model"]) - statistics.median(waits["plain"])
    yield Row("small fit with its model, fit() returns later by", waited, "s", 0.02)


def _own(folder: Path, mode: str) -> dict[str, str]:
    return {"AUTOTRACK_TRACKING_URI": str(folder / mode)}
