"""How fast journals that processes left behind are taken into the store."""

from __future__ import annotations

import time
from collections.abc import Iterator

import autotrack

from .harness import Place, Row, child, median

#: The process ends long before it would deliver by itself, and leaves its journal.
WRITER = """
import random, sys, autotrack
with autotrack.start_run() as run:
    for step in range(int(sys.argv[1])):
        run.log_metric("loss", random.random(), step)
        run.log_metric("accuracy", random.random(), step)
"""


def rows(place: Place) -> Iterator[Row]:
    steps = place.scaled(500_000, 5_000)
    speeds = []
    with autotrack.start_run() as first:  # loads the store, so that the first pass below pays only for points
        first.log_metric("loss", 0.5)
    autotrack.get_run(first.id)
    for _ in range(place.scaled(3, 1)):
        child(WRITER, steps, env={"AUTOTRACK_DELIVER_AFTER": "1e9"})
        start = time.perf_counter()
        newest = autotrack.last_run()
        spent = time.perf_counter() - start
        counts = {summary.key: summary.count for summary in newest.metric_summaries()}
        assert counts == {"loss": steps, "accuracy": steps}
        speeds.append(2 * steps / spent)
    peers = "SQLite row inserts 0.3 M/s"
    yield Row("ingest from journals", median(speeds), "points/s", 1e6, peers=peers, more_is_better=True)
