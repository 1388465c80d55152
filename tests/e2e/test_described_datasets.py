"""Data that a probe describes where they are the user's, for a run that comes later."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import autotrack

PLUGIN = """
import contextlib, statistics
import numpy as np
import autotrack
from autotrack.core.probes.patching import Patch
from autotrack.core import switch

kept = []
def looked_at(call, run):
    kept.append(run.describe(call.arg("data")))
    assert run.describe(object()) is None
    yield
def used(call, run):
    yield
    run.log_described(kept[0], "mine", "eval")
    log = run.metric_logger()
    for step in range(3):
        log("score", step / 2, step)
autotrack.enable(SETTINGS)
installer = switch._watching.installer
installer.install("mine", [
    Patch("statistics:mean", looked_at, nested="beside"), Patch("statistics:median", used),
])
data = np.arange(12.0)
statistics.mean(data)
data[:] = 0
with RUN:
    statistics.median([1, 2])
    statistics.median([1, 2])
"""


def run(tmp_path: Path, settings: str = "", around: str = "contextlib.nullcontext()", code: str = PLUGIN) -> None:
    source = code.replace("SETTINGS", settings).replace("RUN", around)
    subprocess.run([sys.executable, "-c", source], check=True, timeout=60, cwd=tmp_path)


def test_they_are_written_down_as_they_were(store: Path, tmp_path: Path) -> None:
    import numpy as np

    run(tmp_path)
    found = autotrack.search_runs()
    assert len(found) == 2
    with autotrack.start_run() as other:
        other.log_dataset(np.arange(12.0), "mine", "eval")
    (expected,) = autotrack.get_run(other.id).datasets
    for one in found:
        (data,) = one.datasets
        for field in ("name", "context", "digest", "mlflow_digest", "rows", "columns", "kind", "bytes", "partial"):
            assert getattr(data, field) == getattr(expected, field), field
        assert list(autotrack.get_run(one.id).metric_history("score").values) == [0, 0.5, 1]


def test_not_where_data_sets_are_not_wanted(store: Path, tmp_path: Path) -> None:
    code = PLUGIN.replace('run.log_described(kept[0], "mine", "eval")', "assert kept == [None]")
    run(tmp_path, "datasets=False", code=code)
    assert [list(one.datasets) for one in autotrack.search_runs()] == [[], []]


def test_within_a_run_of_ones_own_keys_do_not_meet(store: Path, tmp_path: Path) -> None:
    run(tmp_path, around="autotrack.start_run()")
    (one,) = autotrack.search_runs()
    assert {summary.key for summary in autotrack.get_run(one.id).metric_summaries()} == {"score", "median_2.score"}
