"""The stock MLflow client logs to our server, unmodified, and finds what it logged."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow_environment import clean_environment, mlflow_python

from autotrack.store.store import Store

sys.path.insert(0, str(Path(__file__).parents[1] / "server"))
from server_process import ServerProcess

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
PROGRAM = Path(__file__).with_name("mlflow_client_side.py")


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, Any], Path]]:
    """What the program found, and the store that it logged to."""
    python = mlflow_python()
    base = tmp_path_factory.mktemp("client")
    server = ServerProcess(base, environment=clean_environment())
    done = subprocess.run(
        [str(python), str(PROGRAM), server.url],
        capture_output=True,
        text=True,
        cwd=base,
        env=clean_environment(MLFLOW_HTTP_REQUEST_MAX_RETRIES="0"),
    )
    printed = server.output()
    server.close()
    assert done.returncode == 0, f"{done.stderr[-4000:]}\n{printed[-2000:]}"
    yield json.loads(done.stdout.splitlines()[-1]), Path(server.store)


def test_a_training_script(logged: tuple[dict[str, Any], Path]) -> None:
    assert logged[0]["fluent"] == {
        "name": "parent",
        "status": "FINISHED",
        "params": {"a": "1", "b": "2.5", "c": 6000},
        "loss": 1 / 3,
        "nan": True,
        "inf": True,
        "again": 1.0,
        "note": "changed",
        "dataset": ["frame", "training", 3],
        "artifacts": ["d", "hello.txt", "t.json"],
        "dict": {"k": [1, 2]},
        "table": {"q": [1], "a": [2]},
        "child": True,
        "searched": True,
    }


def test_the_client_s_calls(logged: tuple[dict[str, Any], Path]) -> None:
    assert logged[0]["client"] == {
        "tags": {"team": "a", "more": "b"},
        "found": ["by hand again"],
        "history": True,
        "params": ["p0", "p1000", "p2000"],
        "errors": {
            "param": "INVALID_PARAMETER_VALUE",
            "key": "INVALID_PARAMETER_VALUE",
            "experiment": "RESOURCE_ALREADY_EXISTS",
            "run": "RESOURCE_DOES_NOT_EXIST",
            "filter": "INVALID_PARAMETER_VALUE",
        },
        "ended": ["KILLED", 5000],
        "content": "inside",
        "deleted": True,
        "gone": ["deleted", "deleted"],
        "pages": True,
        "default": "Default",
    }


def test_models_and_their_registry(logged: tuple[dict[str, Any], Path]) -> None:
    assert logged[0]["models"] == {
        "params": "0.5",
        "metrics": True,
        "artifacts": True,
        "dataset": ["train"],
        "status": "READY",
        "source": True,
        "same": True,
        "searched": True,
        "versions": ["1"],
        "aliases": {},
        "second": "1",
        "copy": "models:/Stock/1",
        "models": ["Stock"],
    }


def test_what_was_logged_is_a_run_of_ours(logged: tuple[dict[str, Any], Path]) -> None:
    store = Store.open(logged[1])
    try:
        [parent] = store.runs("name = 'parent'")
        assert len(parent.params["c"]) == 7000  # MLflow is told less of it; nothing of it is lost
        assert parent.metrics["again"] == 1 and parent.metrics["inf"] == float("inf")
        assert {file.path for file in parent.artifacts} == {"d/x.json", "hello.txt", "t.json"}
        [child] = store.runs("name = 'child'")
        assert child.parent == parent.id
    finally:
        store.close()
