"""Reading a history of a million points as arrays, beside an array file."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np

import autotrack

from .harness import Place, Row, interleaved, median, seconds


def rows(place: Place) -> Iterator[Row]:
    count = place.scaled(1_000_000, 10_000)
    with autotrack.start_run() as run:
        for step in range(count):
            run.log_metric("loss", random.random(), step)
    kept = autotrack.get_run(run.id)
    file = place.folder / "columns.npy"

    def read() -> None:
        history = kept.metric_history("loss")
        assert len(history.steps) == len(history.timestamps) == len(history.values) == count

    read()
    history = kept.metric_history("loss")
    np.save(file, np.stack([history.steps.view("i8"), history.timestamps.view("i8"), history.values.view("i8")]))

    ours, floor = interleaved(place.scaled(15, 3), lambda: seconds(read), lambda: seconds(lambda: np.load(file)))
    peers = "MLflow 25 s, row-a-point SQLite 0.43 s"
    yield Row(f"history of {count:,} points", median(ours), "s", 0.04, median(floor), "array file", peers)
