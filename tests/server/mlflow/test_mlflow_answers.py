"""Our server answers what MLflow's own answers, request by request (recorded by ``tests.compat.mlflow_record``)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.compat.mlflow_script import Asking, ask_all

ANSWERS = Path(__file__).parents[2] / "compat" / "mlflow_answers.json"

#: Where we answer otherwise on purpose.
OTHERWISE: dict[str, str] = {}


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
