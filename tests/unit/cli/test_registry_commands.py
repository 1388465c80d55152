"""``autotrack models`` with registered models: what is printed, its JSON, and its exit codes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

import autotrack as at
from autotrack.core.runs import trackers

Autotrack = Callable[..., Any]
X = np.arange(12.0).reshape(6, 2)


@pytest.fixture
def run(autotrack: Autotrack, monkeypatch: pytest.MonkeyPatch) -> str:
    """A run with a model; the id."""
    monkeypatch.setenv("LOGNAME", "ada")
    trackers.close_all()  # one that an earlier test has left goes on writing to that test's store
    with at.start_run(name="lines") as active:
        active.log_model(LinearRegression().fit(X, X[:, 0]), example=X)
    trackers.close_all()
    return active.id


def test_from_a_run_to_a_name_and_back(autotrack: Autotrack, run: str) -> None:
    made = autotrack("models", "register", run[:8], "churn", "--alias", "champion", "-t", "team=risk", "--json")
    assert made.code == 0 and made.json["uri"] == "models:/churn/1" and made.json["aliases"] == ["champion"]
    assert made.json["source"] == f"runs:/{run}/model" and made.json["tags"] == {"team": "risk"}
    again = autotrack("models", "register", "churn@champion", "churn", "--description", "the same")
    assert again.out == "registered churn version 2, from models:/churn/1\n"

    (listed,) = autotrack("models", "list", "--registered", "--json").json
    assert listed["name"] == "churn" and listed["aliases"] == {"champion": 1} and listed["latest"] == {"None": 2}
    assert "churn" in autotrack("models", "list", "--registered").out
    (of_run,) = autotrack("models", "list", "--json").json
    assert of_run["registered"] == ["models:/churn/2", "models:/churn/1"]
    assert "churn 1 @champion" in autotrack("models", "list").out

    assert (
        autotrack("models", "alias", "churn", "champion", "2").out == "churn@champion is version 2; it was version 1\n"
    )
    shown = autotrack("models", "show", "churn")
    assert shown.code == 0
    for part in (
        "champion",
        "to version 2",
        "by ada",
        f"runs:/{run}/model",
        "the same",
        "team=risk",
        "takes",
        "golden",
    ):
        assert part in shown.out, part
    found = autotrack("models", "show", "churn", "--json").json
    assert [(move["alias"], move["version"], move["user"]) for move in found["alias_moves"]] == [
        ("champion", 2, "ada"),
        ("champion", 1, "ada"),
    ]
    assert [each["version"] for each in found["versions"]] == [2, 1] and found["newest"]["sealed"]
    assert found["newest"]["golden"]["made_with"]["numpy"] == np.__version__
    for word in ("churn/1", "churn@champion", "models:/churn/latest"):
        assert autotrack("models", "show", word, "--json").json["digest"] == made.json["digest"], word
    assert autotrack("models", "verify", "churn@champion", "--json").json["verified"]
    by_name, by_run = (autotrack("lineage", uri, "--json") for uri in ("models:/churn@champion", f"runs:/{run}/model"))
    assert by_name.code == 0 and by_name.json == by_run.json


def test_taking_back(autotrack: Autotrack, run: str) -> None:
    for _ in range(2):
        autotrack("models", "register", run, "churn", "--alias", "champion")
    assert autotrack("models", "alias", "churn", "champion", "--delete").out == (
        "churn@champion is no more; it was version 2\n"
    )
    assert autotrack("models", "alias", "churn", "next", "1").code == 0
    asked = autotrack("models", "delete", "churn", "--version", "1")
    assert asked.code == 2 and "deletes churn version 1 for good (next would stand for nothing)" in asked.err
    assert autotrack("models", "delete", "churn", "--version", "1", "--yes").out == "deleted churn version 1\n"
    assert autotrack("models", "register", run, "churn", "--json").json["version"] == 3

    said = autotrack("runs", "delete", run).out
    assert f"run {run[:8]} keeps its files for churn version 2, churn version 3 of the registry" in said
    planned = autotrack("gc", "--yes")
    assert f"the run {run} is deleted and stays for churn version 2" in planned.out and planned.out.endswith(
        "nothing to free\n"
    )
    assert autotrack("models", "verify", "churn/3").code == 0
    assert autotrack("models", "delete", "churn", "--yes", "--json").json["versions"] == 2
    assert autotrack("gc", "--yes", "--json").json["runs"] == [run]


def test_what_cannot_be_is_said_in_one_sentence(autotrack: Autotrack, run: str, tmp_path: Path) -> None:
    for words, code, said in (
        (("register", run, "a/b"), 2, "model name"),
        (("register", run, "churn", "--alias", "v1"), 2, "alias"),
        (("register", "nothing", "churn"), 1, "no model folder at nothing"),
        (("register", f"{run}/other", "churn"), 1, "has no model 'other'; its models: model"),
        (("alias", "churn", "champion", "1"), 1, "churn"),
        (("alias", "churn", "champion"), 2, "give the version"),
        (("delete", "churn", "--yes"), 1, "churn"),
        (("show", "models:/churn/1"), 1, "churn"),
        (("list", "--registered", "-e", "x"), 2, "leave out --experiment"),
    ):
        found = autotrack("models", *words)
        assert found.code == code and said in found.err and found.out == "", words
        assert "Traceback" not in found.err
    empty = str(tmp_path / "empty")
    assert autotrack("models", "list", "--registered", "--json", "--store", empty).json == []
    assert autotrack("models", "list", "--registered").code == 0


def test_names_that_would_reach_the_terminal(autotrack: Autotrack, run: str) -> None:
    autotrack("models", "register", run, "a\x1b[31m", "--description", "\x1b]0;x\x07", "-t", "k=\x1b[2J")
    for words in (("list",), ("list", "--registered"), ("show", "a\x1b[31m")):
        found = autotrack("models", *words)
        assert found.code == 0 and "\x1b" not in found.out and "a\\x1b[31m" in found.out
