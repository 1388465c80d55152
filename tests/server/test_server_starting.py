"""The server as a process: how it starts, what it costs, how it ends."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

from server_process import ServerProcess

NewServer = Callable[..., ServerProcess]


def test_a_run_logged_over_http_is_in_the_store(server: ServerProcess) -> None:
    experiment = server.post("/api/2.0/mlflow/experiments/create", {"name": "one"}).json()["experiment_id"]
    made = server.post("/api/2.0/mlflow/runs/create", {"experiment_id": experiment, "run_name": "first"})
    assert made.status == 200, made.text
    run = made.json()["run"]["info"]["run_id"]
    assert server.get(f"/api/2.0/mlflow/runs/get?run_id={run}").json()["run"]["info"]["run_name"] == "first"


def test_a_port_that_is_taken_is_one_sentence(new_server: NewServer) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        try:
            new_server("--port", str(port))
        except AssertionError as error:
            assert f"cannot listen at 127.0.0.1, port {port}" in str(error)
            assert "Traceback" not in str(error)
        else:
            raise AssertionError("it started on a port that is taken")


def test_it_stops_in_under_a_second(new_server: NewServer) -> None:
    server = new_server()
    idle = server.connection()  # a client that keeps its connection does not hold it up
    server.request("GET", "/health", connection=idle)
    began = time.monotonic()
    server.close()
    assert time.monotonic() - began < 1
    idle.close()
