"""A search over 10,000 runs on a server while eight clients write to it, beside ``mlflow server`` with as many runs."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

from .harness import Place, Row, median
from .served import Served, autotrack_server, load, peer_server

API = "/api/2.0/mlflow"


def rows(place: Place) -> Iterator[Row]:
    count, searches, seconds = place.scaled(10_000, 50), place.scaled(100, 5), 20.0 if place.scale == 1.0 else 1.0
    with autotrack_server(place.folder / "ours") as ours, peer_server(place) as theirs:
        found = []
        for server in (ours, theirs):
            experiment = _filled(server, count)
            busy = threading.Thread(target=_write, args=(server, seconds))
            busy.start()
            took: list[float] = []
            while busy.is_alive() and len(took) < searches:
                began = time.perf_counter()
                body = {"experiment_ids": [experiment], "filter": "metrics.m3 < 0.5", "max_results": 100}
                runs = server.ask("POST", f"{API}/runs/search", {**body, "order_by": ["metrics.m3 ASC"]})["runs"]
                took.append(time.perf_counter() - began)
                if not runs:
                    raise RuntimeError("the search found nothing")
            busy.join()
            found.append(sorted(took))
    ours_p99, theirs_p99 = (each[int(len(each) * 0.99)] for each in found)
    peers = f"mlflow server {theirs_p99 * 1e3:,.0f} ms, median {median(found[1]) * 1e3:,.0f} ms"
    yield Row(f"search of {count:,} runs while 8 clients write, p99", ours_p99, "s", 0.1, peers=peers)
    yield Row("the same, ratio", theirs_p99 / ours_p99, "x", 10, more_is_better=True)


def _filled(server: Served, count: int) -> str:
    """An experiment with that many runs of ten metrics and ten params."""
    experiment: str = server.ask("POST", f"{API}/experiments/create", {"name": "searched"})["experiment_id"]
    pick = random.Random(1)

    def some(part: range) -> None:
        for number in part:
            now = time.time_ns() // 1_000_000
            body = {"experiment_id": experiment, "start_time": now, "run_name": f"run-{number}"}
            run = server.ask("POST", f"{API}/runs/create", body)["run"]["info"]["run_id"]
            metrics = [{"key": f"m{n}", "value": pick.random(), "timestamp": now, "step": 0} for n in range(10)]
            params = [{"key": f"p{n}", "value": str(pick.randrange(10))} for n in range(10)]
            server.ask("POST", f"{API}/runs/log-batch", {"run_id": run, "metrics": metrics, "params": params})

    threads = [threading.Thread(target=some, args=(range(first, count, 8),)) for first in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return experiment


def _write(server: Served, seconds: float) -> None:
    with suppress(RuntimeError):  # a client that a server has refused: the search goes on
        load(server, "batch", seconds)
