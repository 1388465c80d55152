"""What tracking adds to an XGBoost training of 200 rounds with two evaluation sets: a round, and the run around them.

All CPU of the process counts, background thread and exit included. Processes that do little and much are compared, so
that start-up cancels out; plain and tracked ones take turns.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import autotrack

from .harness import Place, Row, added, child, interleaved, median

PROGRAM = """
import sys
import autotrack
import xgboost as xgb
from sklearn.datasets import load_breast_cancer
mode, trainings, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
if mode != "plain":
    autotrack.enable(models=mode == "model")
X, y = load_breast_cancer(return_X_y=True)
for _ in range(trainings):
    train, test = xgb.DMatrix(X[:400], label=y[:400]), xgb.DMatrix(X[400:], label=y[400:])
    params = {"objective": "binary:logistic", "max_depth": 2, "nthread": 1}
    xgb.train(params, train, rounds, evals=[(train, "train"), (test, "valid")], verbose_eval=False)
"""
#: Nothing is left out for the sake of the budget while the budget is measured.
GENEROUS = {"AUTOTRACK_OVERHEAD_SHARE": "1000"}
ROUNDS = 200
MODES = ("plain", "bare", "model")


def rows(place: Place) -> Iterator[Row]:
    trainings, many = 2 + place.scaled(20, 1), ROUNDS + place.scaled(4_000, 20)
    made = dict.fromkeys(MODES, 0)

    def cpu(mode: str, trainings: int, rounds: int) -> float:
        made[mode] += trainings
        env = GENEROUS | {"AUTOTRACK_TRACKING_URI": str(place.folder / mode)}
        return child(PROGRAM, mode, trainings, rounds, env=env).cpu

    def a_training(mode: str) -> float:
        return (cpu(mode, trainings, ROUNDS) - cpu(mode, 2, ROUNDS)) / (trainings - 2)

    def a_round(mode: str) -> float:
        return (cpu(mode, 1, many) - cpu(mode, 1, ROUNDS)) / (many - ROUNDS)

    times = place.scaled(5, 1)
    rounds = interleaved(times, *[lambda mode=mode: a_round(mode) for mode in MODES[:2]])
    whole = interleaved(times, *[lambda mode=mode: a_training(mode) for mode in MODES])
    _look(place.folder, made)
    each = added(*rounds)
    yield Row("XGBoost, a round with 2 eval sets, CPU added", each, "s", 20e-6, median(rounds[0]), "a plain round")
    plain, bare, model = whole
    floor = median(plain)
    peers = "W&B 0.11 s, MLflow 0.17 s for the 200 rounds"
    yield Row("XGBoost run, fixed CPU", added(plain, bare) - ROUNDS * each, "s", 0.03, floor, "plain training", peers)
    cost = added(plain, model) - ROUNDS * each
    yield Row("XGBoost run with its model, fixed CPU", cost, "s", 0.06, floor, "plain training", "MLflow 2.1 s")


def _look(folder: Path, made: dict[str, int]) -> None:
    for mode in MODES[1:]:
        runs = autotrack.Client(folder / mode).search_runs(max_results=50_000)
        if len(runs) != made[mode]:
            raise RuntimeError(
                f"not every training made a run ({len(runs)}): what was measured is not what was promised"
            )
        if not all(bool(run.models) == (mode == "model") and "valid-logloss" in run.metrics for run in runs):
            raise RuntimeError(f"some runs of {mode!r} lack their rounds or their model, or have one too many")
