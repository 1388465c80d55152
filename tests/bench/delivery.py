"""From ``log_metric`` until the point can be read from the store: all work of one process, a point."""

from __future__ import annotations

import mmap
import random
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import autotrack

from .harness import Place, Row, interleaved, median, seconds


def rows(place: Place) -> Iterator[Row]:
    count = place.scaled(300_000, 1_000)
    values = [random.random() for _ in range(count)]
    with autotrack.start_run() as run:  # the first read loads the store: that is not a point's cost
        run.log_metric("loss", 0.5)
    autotrack.get_run(run.id)

    def ours() -> float:
        start = time.perf_counter()
        with autotrack.start_run() as run:
            for step, value in enumerate(values):
                run.log_metric("loss", value, step)
        found = autotrack.get_run(run.id).metrics["loss"]
        spent = time.perf_counter() - start
        assert found == values[-1]
        return spent / count

    samples, floor = interleaved(5, ours, lambda: seconds(lambda: _floor(values, place.folder / "floor.npy")) / count)
    peers = "MLflow 3.2 ms, dvclive 39 us, trackio 20 us"
    yield Row("until delivered, a point", median(samples), "s", 3e-6, median(floor), "map, then array file", peers)


def _floor(values: list[float], path: Path) -> None:
    """Packs the points into a map, takes them out as columns and writes those to a file."""
    pack_into = struct.Struct("<qqdII").pack_into
    slot = np.dtype([("step", "<i8"), ("time", "<i8"), ("value", "<f8"), ("series", "<u4"), ("crc", "<u4")])
    with mmap.mmap(-1, len(values) * 32) as plain:
        offset = 0
        for step, value in enumerate(values):
            pack_into(plain, offset, step, 0, value, 1, 0)
            offset += 32
        table = np.frombuffer(bytes(plain), slot)
    np.save(path, np.stack([table["step"].astype("<f8"), table["time"].astype("<f8"), table["value"]]))
