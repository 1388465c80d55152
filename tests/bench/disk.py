"""Bytes that a metric point takes in the store, once delivered and the journal is gone."""

from __future__ import annotations

from collections.abc import Iterator

from .harness import Place, Row, child, size_of

#: Random values at the pace of a real loop: neither the values nor the times compress by chance.
WRITER = """
import random, sys, autotrack
with autotrack.start_run() as run:
    for step in range(int(sys.argv[1])):
        run.log_metric("loss", random.random(), step)
"""
READER = """
import sys, autotrack
(run,) = autotrack.search_runs()
assert len(run.metric_history("loss").steps) == int(sys.argv[1])
"""


def rows(place: Place) -> Iterator[Row]:
    count = place.scaled(200_000, 20_000)
    sizes = []
    for points in (1, count):
        store = place.folder / f"store-{points}"
        env = {"AUTOTRACK_TRACKING_URI": str(store)}
        child(WRITER, points, env=env)
        child(READER, points, env=env)
        sizes.append(size_of(store))
    peers = "MLflow 256 B, tensorboardX 43 B, dvclive 20 B"
    yield Row("disk a point, delivered", (sizes[1] - sizes[0]) / count, "B", 12, 16.0, "time and value, raw", peers)
