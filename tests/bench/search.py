"""Searching and listing 10,000 runs of 10 metrics and 10 params, in process, beside bare indexed SQLite."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator

import autotrack

from .harness import Place, Row, interleaved, median, seconds

METRICS = [f"m{number}" for number in range(10)]
PARAMS = [f"p{number}" for number in range(10)]


def rows(place: Place) -> Iterator[Row]:
    count = place.scaled(10_000, 200)
    bare = sqlite3.connect(place.folder / "bare.db")
    bare.executescript(
        "CREATE TABLE runs (id TEXT PRIMARY KEY, name TEXT, started INT);"
        "CREATE TABLE metrics (run TEXT, key TEXT, value REAL, PRIMARY KEY (run, key)) WITHOUT ROWID;"
        "CREATE TABLE params (run TEXT, key TEXT, value TEXT, PRIMARY KEY (run, key)) WITHOUT ROWID;"
        "CREATE INDEX by_value ON metrics (key, value, run); CREATE INDEX by_start ON runs (started)"
    )
    for number in range(count):
        metrics = {key: random.random() for key in METRICS}
        params = {key: str(random.randrange(10)) for key in PARAMS}
        with autotrack.start_run() as run:
            run.log_params(params)
            run.log_metrics(metrics)
        bare.execute("INSERT INTO runs VALUES (?, ?, ?)", (run.id, f"run-{number}", number))
        bare.executemany("INSERT INTO metrics VALUES (?, ?, ?)", [(run.id, *item) for item in metrics.items()])
        bare.executemany("INSERT INTO params VALUES (?, ?, ?)", [(run.id, *item) for item in params.items()])
    bare.commit()
    client = autotrack.Client()

    def search() -> None:
        found = client.search_runs("metrics.m3 < 0.5", order_by="metrics.m3 ASC", max_results=100)
        assert len(found) == min(100, len(found)) > 0
        assert all(len(run.record.params) == len(PARAMS) for run in found)

    def listed() -> None:
        found = client.search_runs(max_results=1000)
        assert len(found) == min(1000, count)
        assert all(len(run.record.metrics) == len(METRICS) for run in found)

    def bare_search() -> None:
        query = "SELECT run FROM metrics WHERE key = 'm3' AND value < 0.5 ORDER BY value LIMIT 100"
        assert bare.execute(query).fetchall()

    def bare_list() -> None:
        newest = "SELECT id FROM runs ORDER BY started DESC LIMIT 1000"
        assert bare.execute("SELECT * FROM runs WHERE id IN (" + newest + ")").fetchall()
        assert bare.execute("SELECT * FROM metrics WHERE run IN (" + newest + ")").fetchall()

    search()
    listed()
    works = (search, bare_search, listed, bare_list)
    samples = interleaved(place.scaled(21, 3), *[lambda work=work: seconds(work) for work in works])
    ours, floor, ours_list, floor_list = (median(kept) for kept in samples)
    what = f"search {count:,} runs, filter and order by a metric, first 100"
    yield Row(what, ours, "s", 0.01, floor, "bare SQLite, ids only", "MLflow 1.9 s")
    yield Row("list 1,000 of them", ours_list, "s", 0.04, floor_list, "bare SQLite", "MLflow 0.59 s")
