"""A data set that is logged stands on its run, with a fingerprint that a later one is compared with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import autotrack
from autotrack.core.fingerprint import compare, from_document, mlflow_digest
from autotrack.core.objects import Objects
from autotrack.core.runs import trackers


@pytest.fixture(autouse=True)
def _closed(store: Path) -> Iterator[None]:
    yield
    trackers.close_all()


def test_the_fingerprint_is_kept(store: Path) -> None:
    labels = np.zeros(20_000)
    changed = labels.copy()
    changed[15_000] = 1
    with autotrack.start_run() as run:
        run.log_dataset(labels, "y", "train", "labels.csv")
        run.log_dataset(changed, "changed", "eval")
    trackers.close_all()
    (kept,) = autotrack.search_runs()
    data = {each.name: each for each in kept.datasets}
    y, other = data["y"], data["changed"]
    assert (y.rows, y.bytes, y.context, y.source, y.partial) == (20_000, 160_000, "train", "labels.csv", None)
    assert y.kind == "numpy.ndarray" and y.mlflow_digest == mlflow_digest(labels)
    assert y.mlflow_digest == other.mlflow_digest and y.digest != other.digest  # a row past MLflow's 10,000
    objects = Objects(store / "objects")
    before, after = (
        from_document(json.loads(objects.get(each.fingerprint))) for each in (y, other) if each.fingerprint
    )
    assert compare(before, after).sentences()[0] == "the unnamed column: row 15000 changed"


def test_a_time_limit_makes_it_partial(store: Path) -> None:
    with autotrack.start_run() as run:
        run.log_dataset(np.zeros(100_000), seconds=0.0)
    (data,) = run.datasets
    assert data.digest.startswith("partial-") and data.partial and data.rows == 100_000


def test_a_disk_that_takes_no_document(store: Path) -> None:
    with autotrack.start_run() as run:
        (store / "objects").mkdir(exist_ok=True)
        for name in range(256):
            folder = store / "objects" / f"{name:02x}"
            if not folder.exists():
                folder.write_text("in the way")
        run.log_dataset([1.0, 2.0], "y")
    (data,) = run.datasets
    assert data.fingerprint is None and data.rows == 2
    assert any("fingerprint of a data set could not be kept" in note for note in run.health["notes"])
