"""Our server answers what MLflow's own answers, request by request (recorded by ``tests.compat.mlflow_record``)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.compat.mlflow_script import Asking, ask_all

ANSWERS = Path(__file__).parents[2] / "compat" / "mlflow_answers.json"

#: Where we answer otherwise on purpose.
OTHERWISE = {
    "no experiment": "a field that is missing is said in the words of every other one",
    "reopen": "a run that goes on has no end",
    "schedule": "a run that goes on has no end",
    "no such status": "MLflow takes any word",
    "bad run id": "it is no id, and is not looked for",
    "point true": "true is no number",
    "point list": "MLflow fails (500)",
    "point half a step": "MLflow cuts it",
    "batch bad value": "MLflow stores 0 for what is no number",
    "search for user": "a run without a user has no attribute to compare",
    "search for trailing and": "MLflow overlooks it",
    "search by twice": "MLflow fails (500)",
    "search bad view": "MLflow overlooks it",
    "history of no run": "what is not there is said",
    "history of text": "MLflow overlooks it",
    "inputs without a name": "MLflow stores a data set without a name",
    "models zero": "a page has a result at least",
    "named models zero": "a page has a result at least",
    "version from C:/x": "no place in the store",
    "models by status": "MLflow finds none by their status",
    "model with aliases": "a version says its aliases wherever it is told",
    "versions": "a version says its aliases wherever it is told",
    "versions by number": "a version says its aliases wherever it is told",
    "versions of run": "no version was made from C:/x",
    "a list": "MLflow fails (500)",
    "multipart": "no answer of ours is a 5xx; clients go by the message",
    "nothing there": "errors are JSON",
    "server info": "no gateway here, and no addresses that are signed",
}


@pytest.fixture(scope="module")
def answers(server: Any) -> dict[str, Any]:
    ask = Asking(f"{server.host}:{server.port}")
    ask_all(ask)
    return ask.comparable()


def test_answers_are_those_of_mlflow(answers: dict[str, Any]) -> None:
    recorded = json.loads(ANSWERS.read_text("utf-8"))
    assert answers.keys() == recorded.keys()
    differing = {
        name: {"ours": answers[name], "MLflow's": wanted}
        for name, wanted in recorded.items()
        if answers[name] != wanted
    }
    unexplained = {name: found for name, found in differing.items() if name not in OTHERWISE}
    assert not unexplained, json.dumps(unexplained, indent=1)
    assert not OTHERWISE.keys() - differing.keys(), "these are answered as MLflow does"
