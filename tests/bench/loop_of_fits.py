"""A loop of 10,000 fits of a millisecond: how much longer it takes, and how many runs it leaves."""

from __future__ import annotations

from collections.abc import Iterator

import autotrack

from .harness import Place, Row, child

PROGRAM = """
import sys, time
import autotrack
import numpy as np
from sklearn.linear_model import Ridge
mode, fits, rows = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
if mode == "tracked":
    autotrack.enable()
rng = np.random.default_rng(0)
X, y = rng.normal(size=(rows, 20)), rng.normal(size=rows)
start = time.perf_counter()
for number in range(fits):
    Ridge(alpha=0.1 + number * 1e-4).fit(X, y)
print((time.perf_counter() - start) / fits)
"""


def rows(place: Place) -> Iterator[Row]:
    size = _a_millisecond()
    fits = place.scaled(10_000, 200)
    plain = child(PROGRAM, "plain", fits, size)
    tracked = child(PROGRAM, "tracked", fits, size)
    found = autotrack.Client().search_runs(max_results=50_000)
    what = f"{fits:,} fits of {plain.json * 1e3:.2g} ms, the whole process"
    yield Row(what, tracked.wall / plain.wall, "x", 1.3, 1.0, "plain", "MLflow 2.6 s a fit")
    yield Row(f"{fits:,} fits, runs made", float(len(found)), "runs", 200)
    if not found:
        raise RuntimeError("no fit made a run: nothing was measured")


def _a_millisecond() -> int:
    """How many rows a ridge regression needs to take about a millisecond here."""
    size = 500
    while size < 100_000 and child(PROGRAM, "plain", 200, size).json < 0.9e-3:
        size = int(size * 1.5)
    return size
