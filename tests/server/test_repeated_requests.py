"""A POST with an Idempotency-Key is done once, however often it is sent."""

from __future__ import annotations

import http.client
import json
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from asgi_calls import Asgi
from server_process import Response, ServerProcess

from autotrack.server import repeats
from autotrack.server.app import make_app
from autotrack.server.services import ServerSettings, Services
from autotrack.store.intake.direct import DirectWrites
from autotrack.store.store import Store

NewServer = Callable[..., ServerProcess]


def log(server: ServerProcess, run: str, key: str, value: float = 1.0) -> Response:
    body = {"metrics": [{"key": "loss", "values": [value], "steps": [0], "timestamps": [0]}]}
    return server.post(f"/api/v1/runs/{run}/log", body, headers={"Idempotency-Key": key})


def count(server: ServerProcess, run: str) -> int:
    return sum(each["count"] for each in server.get(f"/api/v1/runs/{run}/metrics").json()["metrics"])


def test_the_same_request_is_answered_alike(server: ServerProcess) -> None:
    key = {"Idempotency-Key": "mine"}
    first, second = (server.post("/api/v1/runs", {"name": "a"}, headers=key) for _ in range(2))
    assert (first.status, second.status, first.content) == (201, 201, second.content)
    assert second.headers["idempotency-replayed"] == "true"
    other = server.post("/api/v1/runs", {"name": "b"}, headers=key)
    assert (other.status, other.json()["error_code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    # The key is one for a path: elsewhere it is another.
    run = first.json()["id"]
    assert [log(server, run, "mine").status for _ in range(3)] == [200] * 3
    assert count(server, run) == 1
    # What failed was not done, and may be sent again.
    assert log(server, "f" * 32, "later").status == 404
    server.post("/api/v1/runs", {"id": "f" * 32})
    assert log(server, "f" * 32, "later").status == 200
    # MLflow's routes, too.
    made = [server.post("/api/2.0/mlflow/experiments/create", {"name": "x"}, headers=key).content for _ in range(2)]
    assert made[0] == made[1]


def test_many_at_once_and_a_server_that_is_killed(new_server: NewServer) -> None:
    server = new_server()
    run = server.post("/api/v1/runs", {}).json()["id"]
    answers: list[tuple[int, Any]] = []
    enough = threading.Semaphore(0)

    def send(at: int) -> None:
        try:
            answers.append((at % 20, log(server, run, f"key{at % 20}").status))
        except (OSError, http.client.HTTPException):
            answers.append((at % 20, None))
        enough.release()

    threads = [threading.Thread(target=send, args=(at,)) for at in range(60)]
    for thread in threads:
        thread.start()
    for _ in range(15):
        assert enough.acquire(timeout=20)
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()
    for thread in threads:
        thread.join()
    assert {status for _, status in answers} <= {200, 409, None}
    again = new_server(store=server.store)
    after = {at: log(again, run, f"key{at}").status for at in range(20)}
    assert all(after[at] == 200 for at, status in answers if status == 200)
    # What was under way when the server died (409: to be sent again in a minute) was not done.
    assert count(again, run) == sum(status == 200 for status in after.values())


def test_what_is_written_and_its_answer_are_one_transaction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that dies between the two has done and answered it: as if it had died, the second write never comes."""
    store = Store.open(tmp_path / "store")
    settings = ServerSettings(str(tmp_path / "store"))
    http = Asgi(make_app(settings, Services(settings, store, DirectWrites(store.writing))))
    run = json.loads(http.request("POST", "/api/v1/runs", {})[2])["id"]
    monkeypatch.setattr(repeats, "_end", lambda call, status, body: None)
    body = {"metrics": [{"key": "loss", "values": [1.0]}]}
    for _ in range(2):
        answer = http.request("POST", f"/api/v1/runs/{run}/log", body, headers={"idempotency-key": "k"})
        assert (answer[0], answer[2]) == (200, b"{}")
    assert [each.count for each in store.metric_summaries(run)] == [1]
    http.close()
