"""Servers and clients for the subjects that measure a server: real processes, real sockets, ours and MLflow's alike."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from .harness import CALM, Place


@dataclass(frozen=True, slots=True)
class Served:
    """A server that answers: its port, and the processes that it is (their pids)."""

    port: int
    process: subprocess.Popen[bytes]
    started_in: float

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """One request; RuntimeError where the answer is no success."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        content = None if body is None else json.dumps(body).encode()
        connection.request(method, path, content, {"Content-Type": "application/json"})
        response = connection.getresponse()
        data = response.read()
        connection.close()
        if response.status != 200:
            raise RuntimeError(f"{method} {path} was answered with {response.status}: {data[:300]!r}")
        return json.loads(data)

    def memory(self) -> tuple[int, float]:
        """How many processes it is, and their resident memory in MB, each page of a process counted for it alone."""
        import psutil

        every = [psutil.Process(self.process.pid)]
        every += every[0].children(recursive=True)
        return len(every), sum(each.memory_info().rss for each in every) / 1e6

    def cpu(self) -> float:
        """Processor seconds that its processes have taken."""
        import psutil

        every = [psutil.Process(self.process.pid)]
        every += every[0].children(recursive=True)
        return sum(sum(each.cpu_times()[:2]) for each in every)


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def autotrack_server(folder: Path, *options: str, store: str | None = None) -> Iterator[Served]:
    """``autotrack server`` over a fresh store in ``folder``, or over another one."""
    port, place = free_port(), store or str(folder)
    command = [sys.executable, "-m", "autotrack", "server", "--store", place, "--port", str(port), *options]
    with running(command, port, folder.with_name(f"{folder.name}.log")) as served:
        yield served


@contextmanager
def peer_server(place: Place) -> Iterator[Served]:
    """``mlflow server`` over a fresh SQLite database, as it comes; in a quick run, which measures nothing, one of ours
    stands for it."""
    folder = place.folder / "theirs"
    if place.scale < 1.0:
        with autotrack_server(folder) as served:
            yield served
        return
    from tests.compat.mlflow_environment import clean_environment, mlflow_python

    port = free_port()
    folder.mkdir(parents=True)
    store = ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", str(folder / "art")]
    command = [str(mlflow_python()), "-m", "mlflow", "server", *store, "--port", str(port)]
    with running(command, port, folder.with_name("theirs.log"), clean_environment()) as served:
        yield served


@contextmanager
def running(command: list[str], port: int, log: Path, environment: dict[str, str] | None = None) -> Iterator[Served]:
    """A command that serves at a port: there once ``/health`` is answered, ended at the end."""
    began = time.perf_counter()
    with log.open("wb") as out:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env={**(environment or os.environ), **CALM},
            start_new_session=True,
        )
    try:
        while not _answers(port):
            if process.poll() is not None or time.perf_counter() > began + 120:
                raise RuntimeError(f"{command[2]} did not start: {log.read_text()[-2000:]}")
            time.sleep(0.01)
        yield Served(port, process, time.perf_counter() - began)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()


def _answers(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


#: A client: sends one kind of request over one connection for some seconds, and says how long each took.
CLIENT = """
import json, socket, sys, time

port, kind, seconds, number = int(sys.argv[1]), sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
link = socket.create_connection(("127.0.0.1", port))
link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
rest = b""

def ask(path, body, media="application/json", method="POST"):
    global rest
    lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", f"Content-Type: {media}"]
    link.sendall("\\r\\n".join((*lines, f"Content-Length: {len(body)}", "", "")).encode() + body)
    data = rest
    while (end := data.find(b"\\r\\n\\r\\n")) < 0:
        data += link.recv(1 << 16)
    lines = data[:end].lower().split(b"\\r\\n")
    length = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), None)
    rest = data[end + 4:]
    if length is None:
        raise SystemExit(f"an answer without a length: {data[:300]}")
    while len(rest) < length:
        rest += link.recv(1 << 16)
    answer, rest = rest[:length], rest[length:]
    if b" 200 " not in lines[0]:
        raise SystemExit(f"{path}: {lines[0]} {answer[:500]}")
    return json.loads(answer or b"{}")

API = "/api/2.0/mlflow"
def json_of(value):
    return json.dumps(value).encode()

def made():
    name = f"bench-{kind}-{number}-{time.time_ns()}"
    experiment = ask(f"{API}/experiments/create", json_of({"name": name}))["experiment_id"]
    body = {"experiment_id": experiment, "start_time": time.time_ns() // 10**6}
    return ask(f"{API}/runs/create", json_of(body))["run"]["info"]["run_id"]

took, points, step = [], 0, 0
if kind == "ingest":
    from autotrack.core.journal.layout import F8, SEALED
    from autotrack.core.journal.reader import Batch, Cursor
    from autotrack.core.journal.shipping import MEDIA, Shipped, packed
    from zlib import crc32
    import os
    writer, run = os.urandom(16).hex(), os.urandom(16).hex()
    now = time.time_ns()
    start = {"k": "run_start", "t": now, "r": run, "name": "bench", "experiment": f"bench-{number}", "tags": {}}
    events = [start] + [{"k": "series", "t": now, "r": run, "id": n, "key": f"m{n}", "dtype": "f8"} for n in range(4)]
    size, cursor = 40_000, Cursor(0, 0)
else:
    run = made()
end = time.perf_counter() + seconds
while time.perf_counter() < end:
    if kind == "ingest":
        body = [F8.pack(step + n // 4, now + n, n / 3, n % 4) for n in range(size)] if step == 0 else body
        slots = b"".join(SEALED.pack(each, crc32(each)) for each in body) if step == 0 else slots
        after = Cursor(cursor.events + len(events), cursor.points + size)
        sent = packed(Shipped(cursor, Batch(events, [(cursor.points, slots)], after, 0, True), "host", now))
        path, media, events, cursor, many = f"/api/v1/writers/{writer}/batches", MEDIA, [], after, size
    elif kind == "batch":
        stamp = time.time_ns() // 10**6
        metrics = [{"key": f"m{n % 4}", "value": n / 3, "timestamp": stamp, "step": step + n // 4} for n in range(100)]
        sent = json_of({"run_id": run, "metrics": metrics})
        path, media, many = f"{API}/runs/log-batch", "application/json", 100
    else:
        stamp = time.time_ns() // 10**6
        sent = json_of({"run_id": run, "key": "loss", "value": step / 3, "timestamp": stamp, "step": step})
        path, media, many = f"{API}/runs/log-metric", "application/json", 1
    step += 25
    began = time.perf_counter()
    ask(path, sent, media)
    took.append(time.perf_counter() - began)
    points += many
print(json.dumps({"points": points, "took": took, "run": run, "key": "loss" if kind == "single" else "m0"}))
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What clients together got done: points and requests a second, and the 99th percentile of a request (seconds)."""

    points: float
    requests: float
    p99: float


def load(served: Served, kind: str, seconds: float, clients: int = 8) -> Load:
    """Has clients, each a process, send requests at once: ``batch`` (100 points by MLflow's log-batch), ``single``
    (log-metric) or ``ingest`` (our own). What they were told is stored must be there afterwards."""
    command = [sys.executable, "-c", CLIENT, str(served.port), kind, str(seconds)]
    processes = [
        subprocess.Popen([*command, str(number)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for number in range(clients)
    ]
    found = []
    for process in processes:
        out, error = process.communicate()
        if process.returncode:
            raise RuntimeError(f"a client failed: {error[-2000:]}")
        found.append(json.loads(out))
    for each in found:
        if kind != "ingest":
            query = f"run_id={each['run']}&metric_key={each['key']}&max_results=1"
            if not served.ask("GET", f"/api/2.0/mlflow/metrics/get-history?{query}")["metrics"]:
                raise RuntimeError("what was acknowledged is not there")
    took = sorted(value for each in found for value in each["took"])
    return Load(
        sum(each["points"] for each in found) / seconds,
        len(took) / seconds,
        took[int(len(took) * 0.99)] if took else 0.0,
    )
