"""What the pages ask a server for, over 10,000 runs of 20 params and 5 metrics, in CPU seconds of the server."""

from __future__ import annotations

import random
from collections.abc import Iterator
from http.client import HTTPConnection
from urllib.parse import urlencode

import autotrack

from .harness import Place, Row
from .served import Served, autotrack_server

COLUMNS = "m.val_loss,m.val_acc,p.lr,p.optimizer"
#: Requests of one kind that are answered one after the other.
TIMES = 20


def rows(place: Place) -> Iterator[Row]:
    count, points = place.scaled(10_000, 100), place.scaled(1_000_000, 5_000)
    _fill(count)
    with autotrack.start_run("long", experiment="long") as run:
        for step in range(points):
            run.log_metric("loss", random.random(), step)
    autotrack.Client().search_runs(max_results=1)  # everything is in the store now
    with autotrack_server(place.store) as server:
        first = _cpu(server, "table", exp="sweep")
        yield Row(f"pages: first 200 of {count:,} runs, columns chosen, server CPU", first, "s", 0.06)
        what = (
            {"sort": "m.val_loss", "offset": count // 2},
            {"sort": "-p.optimizer,m.val_acc"},
            {"where": 'val_loss < 0.3 and optimizer = "adam"', "sort": "m.val_loss"},
            {"group": "p.optimizer"},
            {"tree": 1},
        )
        slowest = max(_cpu(server, "table", exp="sweep", cols=COLUMNS, **each) for each in what)
        yield Row("pages: the slowest of two sorts, a filter, groups and a tree, server CPU", slowest, "s", 0.2)
        glance = _cpu(server, "overview")
        yield Row("pages: all experiments at a glance, server CPU", glance, "s", 0.06)
        line = _cpu(server, "series", runs=run.id, keys="loss", px=800, smooth=0.9)
        yield Row(f"pages: a line of {points:,} points at 800 pixels, smooth, server CPU", line, "s", 0.1)


def _fill(count: int) -> None:
    pick = random.Random(7)
    for _ in range(count):
        with autotrack.start_run(experiment="sweep") as run:
            varying = {f"v{number}": pick.randrange(10) for number in range(10)}
            constant = {f"c{number}": "constant" for number in range(8)}
            some = {"lr": 10 ** pick.uniform(-5, -1), "optimizer": pick.choice(("adam", "sgd", "rmsprop", "lion"))}
            run.log_params({**some, **varying, **constant})
            run.log_metrics({key: pick.random() for key in ("acc", "loss", "val_acc", "val_loss", "f1")})


def _cpu(server: Served, path: str, **query: object) -> float:
    """CPU seconds that the server takes for one of these requests."""
    import psutil

    process = psutil.Process(server.process.pid)
    connection = HTTPConnection("127.0.0.1", server.port, timeout=60)

    def ask() -> None:
        connection.request("GET", f"/api/v1/{path}?{urlencode(query)}")
        response = connection.getresponse()
        content = response.read()
        if response.status != 200:
            raise RuntimeError(f"{path} was answered with {response.status}: {content[:300]!r}")

    def used() -> float:
        every = [process, *process.children(recursive=True)]
        return sum(sum(each.cpu_times()[:2]) for each in every)

    ask()
    before = used()
    for _ in range(TIMES):
        ask()
    connection.close()
    return (used() - before) / TIMES
