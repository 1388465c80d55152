"""Our computation of MLflow's digest against what MLflow itself answered (``mlflow_digests.json``)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from autotrack.core.fingerprint import mlflow_digest

from .mlflow_cases import arrays, frames

KEPT = json.loads((Path(__file__).parent / "mlflow_digests.json").read_text("utf-8"))


def test_the_facts_cover_the_cases() -> None:
    assert KEPT["arrays"].keys() == arrays().keys() and KEPT["frames"].keys() == frames().keys()


@pytest.mark.parametrize("name", KEPT["arrays"])
def test_arrays(name: str) -> None:
    features, targets = arrays()[name]
    assert mlflow_digest(features, targets) == KEPT["arrays"][name]


@pytest.mark.parametrize("name", KEPT["frames"])
def test_frames(name: str) -> None:
    assert mlflow_digest(frames()[name]) == KEPT["frames"][name]


@pytest.mark.parametrize("data", [[1, 2], None, "x", {}, {"a": [1]}])
def test_what_mlflow_has_no_such_digest_for(data: object) -> None:
    assert mlflow_digest(data) is None


def test_numbers_without_pandas() -> None:
    """The same digests where pandas is not loaded; None where only pandas knows."""
    code = (
        "import json, sys\nimport numpy as np\nfrom autotrack.core.fingerprint import mlflow_digest\n"
        "table = ((np.arange(600, dtype='i8') * 2654435761 % 1000003) / 997.0).reshape(150, 4)\n"
        "labels = np.arange(150) % 3\n"
        "found = [mlflow_digest(table, labels), mlflow_digest(table.astype('f4')), mlflow_digest(labels.astype('i1')),"
        "    mlflow_digest(labels == 1), mlflow_digest(table[:, 0] + 1j * table[:, 1]),\n"
        "    mlflow_digest(np.array([1.0, np.nan, -0.0])), mlflow_digest(np.array(['a'], object))]\n"
        "assert 'pandas' not in sys.modules\nprint(json.dumps(found))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    names = ("floats and labels", "float32", "int8", "bool", "complex", "nan")
    assert json.loads(done.stdout) == [*(KEPT["arrays"][name] for name in names), None]
