"""What everything that is captured adds to a small fit: data sets, metrics, charts, model, code, environment, seeds.

Over the same fit, untracked, a fit and once a process: from the first fit on (``enable()`` has its own benchmark) to
the end of the program's exit handlers, background threads included. Processes that make one fit and many are compared.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator

import autotrack

from .harness import Place, Row, child, interleaved

PROGRAM = """
import atexit, sys, time
@atexit.register
def last():
    print([time.process_time() - cpu, time.perf_counter() - wall])
import autotrack
import numpy as np
from sklearn.linear_model import LogisticRegression
mode, fits = sys.argv[1], int(sys.argv[2])
if mode == "captured":
    autotrack.enable()
rng = np.random.default_rng(0)
X = rng.normal(size=(1000, 20))
y = (X[:, 0] + rng.normal(size=1000) > 0).astype(int)
cpu, wall = time.process_time(), time.perf_counter()
for _ in range(fits):
    LogisticRegression().fit(X, y)
"""
PARTS = ("environment", "code", "seeds", "arguments")


def rows(place: Place) -> Iterator[Row]:
    many = 1 + place.scaled(40, 3)
    # Nothing is left out for the sake of the budget while the budget is measured; an installed package has bytecode.
    env = {
        "AUTOTRACK_OVERHEAD_SHARE": "1000",
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONPYCACHEPREFIX": str(place.folder / "bytecode"),
    }
    (place.folder / "train.py").write_text(PROGRAM)
    run = f"import runpy; runpy.run_path({str(place.folder / 'train.py')!r}, run_name='__main__')"

    def spent(mode: str, fits: int) -> tuple[float, float]:
        cpu, wall = child(run, mode, fits, env=env, cwd=place.folder).json
        return cpu, wall

    for mode in ("plain", "captured"):
        spent(mode, 1)  # compiles
    times = place.scaled(9, 1)
    works = [(mode, fits) for mode in ("plain", "captured") for fits in (1, many)]
    samples = interleaved(times, *[lambda work=work: spent(*work) for work in works])  # type: ignore[misc,arg-type]
    _complete(1 + times * (1 + many))
    for at, what in enumerate(("CPU", "wall")):
        one, more, captured_one, captured_more = (statistics.median(s[at] for s in kept) for kept in samples)  # type: ignore[index]
        each = ((captured_more - captured_one) - (more - one)) / (many - 1)
        floor = (more - one) / (many - 1)
        peers = "MLflow 2.6 s" if what == "CPU" else ""
        yield Row(f"all that is captured of a small fit, {what} added", each, "s", 0.015, floor, "the fit", peers)
        yield Row(f"all that is captured, {what} added once a process", captured_one - one - each, "s", 0.06)


def _complete(expected: int) -> None:
    """RuntimeError where something was not captured: what was measured is then not what was promised."""
    found = autotrack.Client().search_runs(max_results=50_000)
    if len(found) != expected:
        raise RuntimeError(f"{expected} fits made {len(found)} runs")
    for run in found:
        files = {artifact.path for artifact in run.artifacts}
        if not run.models or not run.metrics or len(run.datasets) != 2 or "figures" not in files | {"figures"}:
            raise RuntimeError(f"the run {run.id} lacks something of what a fit captures")
