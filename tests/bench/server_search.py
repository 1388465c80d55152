"""A search over 10,000 runs on a server while eight clients write to it, beside ``mlflow server`` with as many runs."""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from autotrack.core.keys import new_id
from autotrack.core.plugins.registry import open_sink
from autotrack.store.intake.direct import Change, DirectWrites
from autotrack.store.series.points import Points, bits
from autotrack.store.store import Store

from .harness import Place, Row, median
from .served import Served, autotrack_server, load, peer_server

API = "/api/2.0/mlflow"


def rows(place: Place) -> Iterator[Row]:
    count, searches, seconds = place.scaled(10_000, 50), place.scaled(100, 5), 15.0 if place.scale == 1.0 else 1.0
    with autotrack_server(place.folder / "ours") as ours, peer_server(place) as theirs:
        fill = _fill if place.scale < 1.0 else _fill_mlflow  # in a quick run one of ours stands for the peer
        found = []
        for server, experiment in (
            (ours, _fill(place.folder / "ours", count)),
            (theirs, fill(place.folder / "theirs", count)),
        ):
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


def _runs(count: int) -> Iterator[tuple[str, int, dict[str, float], dict[str, str]]]:
    """Runs to search: an id, when each began (milliseconds), ten metrics and ten params."""
    pick, now = random.Random(1), time.time_ns() // 1_000_000
    for number in range(count):
        metrics = {f"m{n}": pick.random() for n in range(10)}
        yield new_id(), now - count + number, metrics, {f"p{n}": str(pick.randrange(10)) for n in range(10)}


def _fill(folder: Path, count: int) -> str:
    """Puts the runs into our server's store; answers their experiment's id."""
    store = open_sink(str(folder))
    assert isinstance(store, Store)
    writes = DirectWrites(store.writing)
    done = []
    for run, started, metrics, params in _runs(count):
        moment = started * 1_000_000
        start = {"k": "run_start", "t": moment, "r": run, "name": run, "experiment": "searched", "tags": {}}
        records = [start, {"k": "params", "t": moment, "r": run, "params": params}]
        points = [(key, Points([0], [moment], bits([value]), is_int=False)) for key, value in metrics.items()]
        done.append(writes.submit(Change(run, lambda standing, records=records: records, points, distinct=True)))
    for each in done:
        each.result()
    writes.close()
    experiment = next(each.id for each in store.experiments() if each.name == "searched")
    store.close()
    return experiment


def _fill_mlflow(folder: Path, count: int) -> str:
    """Puts the same into the database of ``mlflow server``, as its own store writes it: its API takes minutes."""
    runs = list(_runs(count))
    with closing(sqlite3.connect(folder / "mlflow.db", timeout=30)) as base, base:
        made = "INSERT INTO experiments (name, artifact_location, lifecycle_stage) VALUES ('searched', ?, 'active')"
        experiment = base.execute(made, (str(folder / "art"),)).lastrowid
        columns = (
            "run_uuid, name, source_type, user_id, status, start_time, lifecycle_stage, artifact_uri, experiment_id"
        )
        base.executemany(
            f"INSERT INTO runs ({columns}) VALUES (?, ?, 'UNKNOWN', '', 'RUNNING', ?, 'active', ?, ?)",
            [(run, run, started, str(folder / "art" / run), experiment) for run, started, _, _ in runs],
        )
        base.executemany("INSERT INTO tags VALUES ('mlflow.runName', ?, ?)", [(run, run) for run, *_ in runs])
        points = [(key, value, at, run) for run, at, metrics, _ in runs for key, value in metrics.items()]
        for table in ("metrics", "latest_metrics"):
            base.executemany(
                f"INSERT INTO {table} (key, value, timestamp, run_uuid, step, is_nan) VALUES (?, ?, ?, ?, 0, 0)", points
            )
        texts = [(key, value, run) for run, _, _, params in runs for key, value in params.items()]
        base.executemany("INSERT INTO params (key, value, run_uuid) VALUES (?, ?, ?)", texts)
    return str(experiment)


def _write(server: Served, seconds: float) -> None:
    with suppress(RuntimeError):  # a client that a server has refused: the search goes on
        load(server, "batch", seconds)
