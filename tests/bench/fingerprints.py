"""Fingerprints of columns, beside the hash alone over the same bytes; and of a small table.

CPU seconds of the one thread that works, so that what else runs on the machine counts less.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from blake3 import blake3

from autotrack.core.fingerprint import fingerprint

from .harness import Place, Row, interleaved, median

PEERS = "MLflow: the first 10,000 rows"


def rows(place: Place) -> Iterator[Row]:
    import pandas as pd
    import pyarrow as pa

    random = np.random.default_rng(0)
    count = place.scaled(16_000_000, 50_000)
    floats, whole = random.standard_normal(count), random.integers(0, 1 << 40, count)
    numbers = {
        "a float64 column": floats,
        "an int64 column": whole,
        "a 2-D array of 16 columns": floats[: count // 16 * 16].reshape(-1, 16),
        "a frame of 8 float and 8 int columns": pd.DataFrame(
            {f"{n}": (floats, whole)[n % 2][n * (count // 16) : (n + 1) * (count // 16)] for n in range(16)}
        ),
    }
    for what, data in numbers.items():
        yield _row(f"fingerprint of {what}", data, count * 8, 2.0, floats.view("u1"))

    count = place.scaled(1_000_000, 10_000)
    texts = [f"customer {number:x}, street {number % 977}" for number in random.integers(0, 1 << 40, count).tolist()]
    joined = "".join(texts).encode()
    for what, column in {"str objects": np.array(texts, object), "Arrow strings": pa.array(texts)}.items():
        yield _row(f"fingerprint of {what}", column, len(joined), 0.2, joined)

    table = pd.DataFrame(random.standard_normal((150, 4)), columns=["a", "b", "c", "d"])
    labels = pd.Series(np.arange(150) % 3, name="y")
    raw = memoryview(np.ascontiguousarray(table)).cast("B")

    def small() -> None:
        fingerprint(table)
        fingerprint(labels)

    small()
    ours, floor = interleaved(place.scaled(300, 10), _timed(small), _timed(lambda: blake3(raw).digest()))
    yield Row("fingerprint of 150 rows, X and y", median(ours), "s", 0.0005, median(floor), "BLAKE3 alone", PEERS)


def _row(what: str, data: Any, size: int, budget: float, raw: Any) -> Row:
    """Best of several: what the machine can do, for others may be at work on it."""
    ours, floor = interleaved(7, _timed(lambda: fingerprint(data)), _timed(lambda: blake3(raw).digest()))
    speed, bare = size / min(ours) / 1e9, size / min(floor) / 1e9
    return Row(what, speed, "GB/s", budget, bare, "BLAKE3 alone", PEERS, more_is_better=True)


def _timed(work: Callable[[], object]) -> Callable[[], float]:
    def once() -> float:
        start = time.thread_time()
        work()
        return time.thread_time() - start

    return once
