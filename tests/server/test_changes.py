"""The stream of changes: what happened arrives, nothing that did not, and it ends with the server."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from server_process import ServerProcess

NewServer = Callable[..., ServerProcess]


class Listener:
    """An open stream: its answer's status and headers, and its events one by one."""

    def __init__(self, server: ServerProcess, since: str = "") -> None:
        self._connection = server.connection(timeout=20)
        self._connection.request("GET", f"/api/v1/changes?since={since}")
        self.answer = self._connection.getresponse()
        self.status, self.headers = self.answer.status, self.answer.headers

    def next(self) -> tuple[str, str, Any]:
        """Kind, token, and the runs of the next event."""
        fields: dict[str, str] = {}
        while line := self.answer.readline():
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name:
                fields[name] = value
            elif "event" in fields:
                return fields["event"], fields["id"], json.loads(fields["data"])["runs"]
        raise EOFError

    def close(self) -> None:
        self.answer.close()
        self._connection.close()


@pytest.fixture
def listen() -> Iterator[Callable[..., Listener]]:
    opened: list[Listener] = []

    def listening(*arguments: Any) -> Listener:
        opened.append(Listener(*arguments))
        return opened[-1]

    yield listening
    for each in opened:
        each.close()


Listen = Callable[..., Listener]


def test_changes_arrive_and_can_be_taken_up_again(server: ServerProcess, listen: Listen) -> None:
    run = server.post("/api/v1/runs", {"experiment": "live"}).json()["id"]
    stream = listen(server)
    assert stream.headers["content-type"] == "text/event-stream"
    assert stream.headers["content-security-policy"]
    kind, token, runs = stream.next()
    assert (kind, runs) == ("ready", [])
    server.post(f"/api/v1/runs/{run}/log", {"metrics": [{"key": "a", "values": [1]}]})
    kind, logged, runs = stream.next()
    assert (kind, [(each["id"], each["status"]) for each in runs]) == ("changed", [(run, "RUNNING")])
    assert runs[0]["keys"] == {"a": 1}
    first = (kind, logged, runs)
    # Only what has grown is told, with how many points there are now.
    two = [{"key": "a", "values": [1]}, {"key": "b", "values": [1, 2]}]
    server.post(f"/api/v1/runs/{run}/log", {"metrics": two[1:]})
    runs = stream.next()[2]
    assert runs[0]["keys"] == {"b": 2}
    server.post(f"/api/v1/runs/{run}/log", {"metrics": two, "tags": {"c": "d"}})
    runs = stream.next()[2]
    assert runs[0]["keys"] == {"a": 2, "b": 4}
    server.post(f"/api/v1/runs/{run}/finish", {})
    ended = stream.next()[2][0]
    assert (ended["status"], ended["keys"]) == ("FINISHED", {})
    again = listen(server, token)
    assert again.next()[:2] == ("ready", token)
    assert again.next() == first
    assert listen(server, "0badc0de-7").next()[0] == "reset"


def test_listeners_are_bounded_and_end_with_the_server(new_server: NewServer, listen: Listen) -> None:
    server = new_server()
    streams = [listen(server) for _ in range(251)]
    assert [stream.status for stream in streams[:250]] == [200] * 250
    assert (streams[-1].status, streams[-1].headers["retry-after"]) == (503, "10")
    # Who goes makes room.
    streams.pop(0).close()
    deadline = time.monotonic() + 10
    while listen(server).status != 200:
        assert time.monotonic() < deadline
    began = time.monotonic()
    server.close()
    assert time.monotonic() - began < 3
    assert all(stream.answer.read().startswith(b"retry: 2000\nevent: ready\n") for stream in streams[:-1])
