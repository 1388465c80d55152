"""scikit-learn's own tests come out the same with autotrack watching every fit in full as without it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import sklearn

RUNNER = Path(__file__).with_name("sklearn_suite.py")

#: Tests of scikit-learn by module, and which of them (pytest's ``-k``): quick ones, and those that count calls.
CHOSEN = {
    "trainings": (
        "sklearn.tests.test_naive_bayes sklearn.tests.test_dummy sklearn.tests.test_base sklearn.svm.tests.test_svm "
        "sklearn.cluster.tests.test_dbscan sklearn.cluster.tests.test_birch sklearn.linear_model.tests.test_base",
        "not seed and not convergence",
    ),
    "compositions": (
        "sklearn.tests.test_pipeline sklearn.tests.test_metaestimators_metadata_routing "
        "sklearn.ensemble.tests.test_voting sklearn.model_selection.tests.test_search "
        "sklearn.linear_model.tests.test_logistic",
        "mock or fit_params or passthrough or removes_error or custom_run_search or refit or clone or notfitted or "
        "classes_property or predict_on or score_samples",
    ),
}


def _run(mode: str, chosen: tuple[str, str], folder: Path, **environment: str) -> dict[str, object]:
    output = folder / f"{mode}.json"
    modules, names = chosen
    site = Path(sklearn.__file__).parents[1]
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-c", os.devnull, "--rootdir", str(site)]
    done = subprocess.run(
        [sys.executable, str(RUNNER), mode, str(output), *options, "-k", names, "--pyargs", *modules.split()],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert output.exists(), done.stdout[-3000:] + done.stderr[-3000:]
    return dict(json.loads(output.read_text()))


@pytest.mark.timeout(240)
@pytest.mark.parametrize("chosen", CHOSEN.values(), ids=list(CHOSEN))
def test_outcomes_are_the_same(store: Path, tmp_path: Path, chosen: tuple[str, str]) -> None:
    # Every fit a run of its own with metrics and model, however many there are: what is left out could hide a fault.
    watched = _run("on", chosen, tmp_path, AUTOTRACK_RUNS_PER_SITE="1000000", AUTOTRACK_OVERHEAD_SHARE="1000000")
    plain = _run("off", chosen, tmp_path)
    assert watched["outcomes"] == plain["outcomes"]
    assert len(watched["outcomes"]) > 80  # type: ignore[arg-type]
    assert watched["failures"] == []
