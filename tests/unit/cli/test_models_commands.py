"""``autotrack models``: what it prints, its JSON, and its exit codes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.linear_model import LinearRegression, Ridge

import autotrack as at
from autotrack.core.runs import trackers

Autotrack = Callable[..., Any]
X = np.arange(12.0).reshape(6, 2)


class Mine(Ridge, BaseEstimator):
    """A class of this test's, which no skops file holds without trust."""


@pytest.fixture(autouse=True)
def own_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOTRACK_TRUST_FILE", str(tmp_path / "trust.json"))


@pytest.fixture
def run(autotrack: Autotrack, store: Path) -> str:
    """A run with a model; the id."""
    trackers.close_all()  # one that an earlier test has left goes on writing to that test's store
    with at.start_run(name="lines") as active:
        active.log_model(LinearRegression().fit(X, X[:, 0]), example=X)
    trackers.close_all()
    return active.id


def test_list_and_show(autotrack: Autotrack, run: str) -> None:
    (entry,) = autotrack("models", "list", "--json").json
    assert entry["uri"] == f"runs:/{run}/model" and entry["flavor"] == "sklearn" and entry["run_name"] == "lines"
    assert entry["class_name"].endswith("LinearRegression") and entry["size"] > 1000
    listed = autotrack("models", "list").out
    assert f"{run[:8]}/model" in listed and "LinearRegression" in listed
    found = autotrack("models", "show", run[:6], "--json")
    assert found.code == 0 and found.json["sealed"] and found.json["golden"]["made_with"]["numpy"] == np.__version__
    assert found.json["risky_files"] == {} and "[-1, 2]" in found.json["signature"]["inputs"]
    assert "model.skops" in found.json["files"] and any(
        line.startswith("numpy==") for line in found.json["requirements"]
    )
    shown = autotrack("models", "show", f"{run[:6]}/model").out
    for part in ("takes", "answers", "float64", "(any, 2)", "requirements", found.json["digest"]):
        assert part in shown


def test_an_empty_store(autotrack: Autotrack) -> None:
    assert autotrack("models", "list", "--json").json == []
    assert autotrack("models", "list").code == 0
    missing = autotrack("models", "show", "abc")
    assert missing.code == 1 and "there are no runs yet" in missing.err
    assert "no model folder at" in autotrack("models", "show", "./nothing").err


def test_verify(autotrack: Autotrack, run: str, tmp_path: Path) -> None:
    found = autotrack("models", "verify", run[:8], "--json")
    assert found.code == 0 and found.json["verified"] and found.json["golden"]["verdict"] == "equal"
    (folder,) = (tmp_path / ".autotrack" / "artifacts").glob("*/*/model")
    assert autotrack("models", "verify", str(folder)).out.startswith("whole ")
    (folder / "model.skops").write_bytes((folder / "model.skops").read_bytes()[:-1] + b"\1")
    broken = autotrack("models", "verify", run[:8])
    assert broken.code == 1 and "model.skops was changed" in broken.err and broken.out == ""
    assert autotrack("models", "show", run[:8]).code == 1


def test_a_model_that_answers_otherwise(autotrack: Autotrack, tmp_path: Path) -> None:
    folder = at.save_model(Ridge().fit(X, X[:, 0]), tmp_path / "model", example=X, golden=np.zeros(5))
    found = autotrack("models", "verify", str(folder), "--json")
    assert found.code == 1 and not found.json["verified"] and found.json["golden"]["verdict"] == "different"
    assert found.json["golden"]["largest"] > 1 and found.json["golden"]["where"].startswith("predict, row")
    assert "different" in autotrack("models", "verify", str(folder)).out


def test_trust(autotrack: Autotrack, tmp_path: Path) -> None:
    import pickle

    folder = at.save_model(Mine().fit(X, X[:, 0]), tmp_path / "model", example=X)
    (folder / "manifest.json").unlink()
    text = (folder / "MLmodel").read_text()
    (folder / "model.pkl").write_bytes(pickle.dumps(Mine().fit(X, X[:, 0])))
    text = text.replace('"model.skops"', '"model.pkl"').replace('format: "skops"', 'format: "pickle"')
    (folder / "MLmodel").write_text(text)
    refused = autotrack("models", "verify", str(folder))
    assert refused.code == 3 and f"autotrack models trust {folder}" in refused.err
    asked = autotrack("models", "trust", str(folder))
    assert asked.code == 2 and "model.pkl" in asked.out and f"{__name__}.Mine" in asked.out and "--yes" in asked.err
    assert autotrack("models", "verify", str(folder)).code == 3, "asking is not trusting"
    given = autotrack("models", "trust", str(folder), "--yes", "--json")
    assert given.code == 0 and list(given.json["risky_files"]) == ["model.pkl", "model.skops"]
    verified = autotrack("models", "verify", str(folder))
    assert verified.code == 0 and "no manifest" in verified.out
    assert autotrack("models", "verify", str(folder), "--trust").code == 0


def test_names_that_would_reach_the_terminal(autotrack: Autotrack, tmp_path: Path) -> None:
    folder = at.save_model(Ridge().fit(X, X[:, 0]), tmp_path / "model")
    (folder / "manifest.json").unlink()
    (folder / "a\x1b[31m.pkl").write_bytes(b"\x80\x04.")
    for command in ("show", "trust"):
        assert "\x1b" not in autotrack("models", command, str(folder)).out
