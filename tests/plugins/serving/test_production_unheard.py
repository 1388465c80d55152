"""``autotrack models status`` where production has told nothing of a model: it says what there is, and what to do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from autotrack_serving.monitoring.status import served

import autotrack
from autotrack.core.errors import NotFoundError
from tests.plugins.serving.conftest import Kept


def told(what: str) -> str:
    with pytest.raises(NotFoundError) as found:
        served(what)
    return str(found.value)


def report(name: str, uri: str) -> None:
    """What a server of that model leaves."""
    tags = {"autotrack.serves.name": name, "autotrack.serves.uri": uri}
    with autotrack.start_run(f"serving {name}", experiment="serving", tags=tags):
        pass


def test_a_name_that_nobody_has(store: Path) -> None:
    with autotrack.start_run():
        pass
    assert told("NOPE") == (
        "nothing has been heard of NOPE in production, nor of any other model; no model is registered here, "
        "either: is it another store (--store)?"
    )
    report("churn", "models:/churn/1")
    report("lin\x1be", "models:/line/1")
    assert "NOPE in production, but of churn, lin\\x1be; no model" in told("NOPE")
    assert "chrun in production, but of churn, ...; no" in told("chrun")
    assert "but of models:/churn/1, " in told("models:/chrun/1")


def test_a_model_that_was_not_served_yet(store: Path, table_model: Kept) -> None:
    with autotrack.start_run() as run:
        run.log_model(table_model.model, "model")
    assert f"it is a run: `autotrack serve -m {run.id[:6]}` serves" in told(run.id[:6])
    autotrack.register_model(f"runs:/{run.id}/model", "wine", alias="best")
    assert "it is registered: `autotrack serve -m models:/wine/1` serves" in told("wine")
    assert "`autotrack serve -m models:/wine@best` serves" in told("models:/wine@best")
    assert "no model of that name is registered, but wine (`autotrack models list`)" in told("whine")
    folder = str(table_model.folder)
    assert f"it is a folder: `autotrack serve -m {folder} --report` serves" in told(folder)


def test_asking_makes_no_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOTRACK_TRACKING_URI", str(tmp_path / "none"))
    done = subprocess.run(
        [sys.executable, "-m", "autotrack", "models", "status", "NOPE"], capture_output=True, text=True
    )
    assert done.returncode == 1 and f"there is no store at {tmp_path}/none yet" in done.stderr
    assert not (tmp_path / "none").exists()
