"""Of few rows nothing is said to have moved, and workers of a server judge the rows of all of them together."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from autotrack_serving.counting import Counts
from autotrack_serving.monitoring.reference import Reference
from autotrack_serving.monitoring.reporting import Reporter, recorders_of
from autotrack_serving.monitoring.status import served
from autotrack_serving.monitoring.together import together, too_few
from autotrack_serving.monitoring.watching import Watch
from autotrack_serving.observing import Observation
from autotrack_serving.request import Request
from autotrack_serving.rows import Rows
from autotrack_serving.scorer import load

import autotrack
from autotrack.models.profile import column_profiles
from tests.plugins.serving.conftest import Kept
from tests.plugins.serving.observed import seen

COLUMNS = [f"x{at}" for at in range(10)]


def looked(reference: Reference, stream: np.random.Generator, rows: int) -> Watch:
    """What one worker has seen of inputs as training had them."""
    watch = Watch(reference, None)
    data = {name: stream.normal(size=rows) for name in COLUMNS}
    watch.take([Observation("r", 1.0, Rows("columns", data, rows), None, 0.001)])
    return watch


def test_what_has_not_moved_is_no_drift_by_chance() -> None:
    """Each of four workers has 60 rows: alone they would tell of a large shift nearly always."""
    stream = np.random.default_rng(0)
    reference = Reference(None, tuple(column_profiles({name: stream.normal(size=5000) for name in COLUMNS})))
    for _ in range(100):
        workers = [looked(reference, stream, 60) for _ in range(4)]
        alone = together(each.measures() | each.standing(each.counts()) for each in workers)
        assert "psi" not in alone and "ks" not in alone and too_few(alone) == "too few rows (60 of 150 needed)"
        counts = sum(each.counts() for each in workers)
        found = workers[0].measures(counts) | workers[0].standing(counts)
        assert found["psi"] < 0.2 and found["watched"] == 240 and not too_few(found)
        assert workers[0].counts()[0] == 60  # those of others are not taken for its own


def test_a_bin_that_is_empty_by_chance_is_no_large_shift() -> None:
    """A bin of a twentieth has none of 150 values in one of two thousand columns."""
    training = np.arange(2000.0)
    (column,) = column_profiles({"x": training})
    watch = Watch(Reference(None, (column,)), None)
    rows = training[np.linspace(105, 1999, 150).astype(int)]
    watch.take([Observation("r", 1.0, Rows("columns", {"x": rows}, 150), None, 0.001)])
    assert watch.measures()["psi"] < 0.2


def test_whoever_judged_most_rows_speaks_for_all() -> None:
    few = {"rows": 10.0, "psi": 0.9, "psi/a": 0.9, "prediction_ks": 0.5, "watched": 150.0, "needed": 150.0}
    most = {"rows": 20.0, "psi": 0.1, "psi/a": 0.1, "watched": 170.0, "needed": 150.0}
    told = {"rows": 30.0, "psi": 0.1, "psi/a": 0.1, "watched": 170.0, "needed": 150.0}
    assert together([few, most]) == together([most, few]) == told


@pytest.fixture
def uri(store: Path, array_model: Kept) -> str:
    with autotrack.start_run() as run:
        run.log_model(array_model.model, "model", example=array_model.data)
    return f"runs:/{run.id}/model"


def worker(uri: str, server: str = "5e12") -> Reporter:
    request = Request(uri=uri, report=True, workers=2, server=server, alert_if=("psi > 0.1",))
    recorders, _ = recorders_of(request, load(uri), Counts())
    assert isinstance(recorders[0], Reporter)
    return recorders[0]


def status(uri: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "autotrack", "models", "status", uri, "--fail-if", "psi > 0.1"]
    return subprocess.run(command, capture_output=True, text=True, env=dict(os.environ))


def test_too_few_rows_are_named_and_those_of_all_workers_judged(uri: str, array_model: Kept) -> None:
    stream = np.random.default_rng(3)
    one, other, another = worker(uri), worker(uri), worker(uri, "0717")
    needed = one.watch.standing(one.watch.counts())["needed"]
    rows = np.asarray(array_model.data)[stream.integers(0, len(array_model.data), int(needed) - 20)]
    parts = np.array_split(rows, 2)
    one.record([seen("a", [0.0] * len(parts[0]), parts[0])])
    one.report(last=True)
    few = f"too few rows ({len(parts[0])} of {needed:.0f} needed)"
    said = status(uri)
    assert f"how far it has moved is not known yet: {few}" in said.stdout and "shifted" not in said.stdout
    assert said.returncode == 0 and f"not known yet: psi > 0.1: {few}" in said.stderr
    another.record([seen("c", [0.0] * 500, np.zeros((500, rows.shape[1])))])
    another.report(last=True)  # of another server
    other.record([seen("b", [0.0] * len(parts[1]), parts[1])])
    other.report(last=True)
    (told,) = [each for each in served(uri) if len(each.runs) == 2]
    assert told.metrics["watched"] == needed - 20 and "psi" not in told.metrics and not told.alerts
    other.record([seen("d", [0.0] * 500, np.full((500, rows.shape[1]), 1e6))])
    other.report(last=True)
    one.report(last=True)
    (told,) = [each for each in served(uri) if len(each.runs) == 2]
    assert [run.metrics["psi"] for run in told.runs] == [told.metrics["psi"]] * 2 and told.metrics["psi"] > 0.25
    assert told.alerts == ["psi > 0.1"] and not too_few(told.metrics)
