"""The server's processes under signals: nothing that was acknowledged is lost, and nobody stays behind."""

from __future__ import annotations

import http.client
import json
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import psutil
import pytest
from server_process import ServerProcess

from autotrack.core.wire import columns_unpacked

NewServer = Callable[..., ServerProcess]


class Writers:
    """Threads that log one point after another, each its own key; ``acknowledged`` are the steps that were answered."""

    def __init__(self, server: ServerProcess, run: str, count: int) -> None:
        self.acknowledged: list[list[int]] = [[] for _ in range(count)]
        self._server, self._run = server, run
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._write, args=(at,)) for at in range(count)]
        for thread in self._threads:
            thread.start()

    def _write(self, at: int) -> None:
        connection = self._server.connection(timeout=10)
        path = f"/api/v1/runs/{self._run}/log"
        for step in range(1_000_000):
            if self._stop.is_set():
                break
            body = json.dumps({"metrics": [{"key": f"k{at}", "values": [step], "steps": [step]}]})
            try:
                connection.request("POST", path, body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException):
                connection.close()
                continue
            if answer.status == 200:
                self.acknowledged[at].append(step)
        connection.close()

    def wait_for(self, more: int) -> None:
        """Until every thread has so many further points acknowledged."""
        wanted = [len(steps) + more for steps in self.acknowledged]
        until(lambda: all(len(steps) >= want for steps, want in zip(self.acknowledged, wanted, strict=True)))

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def until(condition: Callable[[], Any], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def workers(server: ServerProcess) -> list[psutil.Process]:
    """The processes that serve (not the one that multiprocessing keeps for itself)."""
    children = psutil.Process(server.process.pid).children(recursive=True)
    return [child for child in children if "spawn_main" in _command(child)]


def _command(process: psutil.Process) -> str:
    """Its command line, "" for one that has ended."""
    try:
        return " ".join(process.cmdline())
    except (psutil.ZombieProcess, psutil.NoSuchProcess):
        return ""


def all_ended(processes: list[psutil.Process]) -> bool:
    """True once none of them runs. (Where nobody waits for orphans, they stay as zombies.)"""
    return all(not each.is_running() or each.status() == psutil.STATUS_ZOMBIE for each in processes)


def lost(server: ServerProcess, run: str, acknowledged: list[list[int]]) -> list[tuple[int, set[int]]]:
    """Steps that were acknowledged and are not there, by writer; none is there twice."""
    missing = []
    for at, steps in enumerate(acknowledged):
        columns, _ = columns_unpacked(server.get(f"/api/v1/runs/{run}/series?key=k{at}").content)
        there = columns.steps.tolist()
        assert len(set(there)) == len(there)
        if gone := set(steps) - set(there):
            missing.append((at, gone))
    return missing


@pytest.mark.slow
def test_workers_are_killed_and_stopped_while_they_are_written_to(new_server: NewServer) -> None:
    server = new_server("--workers", "4")
    until(lambda: len(workers(server)) == 4)
    run = server.post("/api/v1/runs", {}).json()["id"]
    writers = Writers(server, run, 6)
    writers.wait_for(20)
    first = workers(server)[0]
    first.kill()
    writers.wait_for(20)
    until(lambda: len(workers(server)) == 4 and first.pid not in {each.pid for each in workers(server)})
    writers.wait_for(20)
    there = psutil.Process(server.process.pid).children(recursive=True)
    began = time.monotonic()
    server.close()
    assert time.monotonic() - began < 10
    until(lambda: all_ended(there), 5)
    writers.stop()
    again = new_server(store=server.store)
    assert not lost(again, run, writers.acknowledged)


def test_workers_do_not_outlive_their_supervisor(new_server: NewServer) -> None:
    server = new_server("--workers", "2")
    until(lambda: len(workers(server)) == 2)
    there = psutil.Process(server.process.pid).children(recursive=True)
    server.process.kill()
    server.process.wait()
    until(lambda: all_ended(there), 5)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_one_process_ends_at_once(new_server: NewServer, number: signal.Signals) -> None:
    server = new_server()
    run = server.post("/api/v1/runs", {}).json()["id"]
    writers = Writers(server, run, 4)
    writers.wait_for(5)
    began = time.monotonic()
    os.kill(server.process.pid, number)
    server.process.wait(10)
    assert time.monotonic() - began < 3
    writers.stop()
    assert "Traceback" not in server.output()
    again = new_server(store=server.store)
    assert not lost(again, run, writers.acknowledged)


def test_an_idle_server_is_small(new_server: NewServer) -> None:
    server = new_server()
    process = psutil.Process(server.process.pid)
    assert not process.children()
    used = process.cpu_times()
    assert used.user + used.system < 1.5
    assert server.get("/api/v1/runs").status == 200
    assert process.memory_info().rss < 120 << 20
    # Nothing is logged of what goes well, nor of what others do wrong.
    for path in ("/none", "/api/v1/runs?filter=x", "/api/v1/runs/none"):
        assert server.get(path).status in (404, 422)
    server.raw(b"nonsense\r\n\r\n")
    assert server.output().count("\n") == 1, server.output()
