"""100,000 scalars through a SummaryWriter in an open run, beside the same without autotrack: CPU seconds in turn.

Through TensorBoard's own writer as torch and Lightning use it, and through tensorboardX. All of them must be on the
run. CPU of the whole process: the files are read by a thread of ours.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from time import process_time
from typing import Any

import autotrack

from .harness import Place, Row, added, interleaved, median


def rows(place: Place) -> Iterator[Row]:
    count = place.scaled(100_000, 1000)
    for name, make in (("tensorboard", _tensorboard), ("tensorboardX", _tensorboardx)):
        work = partial(_write, make, place.folder / "logs", count)
        _tracked(work, count)  # imports, and what is captured once a program
        plain, ours = interleaved(place.scaled(5, 2), work, partial(_tracked, work, count))
        floor = median(plain)
        share = added(plain, ours) / floor
        yield Row(f"{count:,} scalars through {name}, added", share, "", 0.05, floor, "CPU seconds alone")


def _tracked(work: Callable[[], float], count: int) -> float:
    """The same in a run, its end included; what delivering points costs is a subject of its own."""
    autotrack.enable(deliver_after=1e9)
    began = process_time()
    with autotrack.start_run() as run:
        work()
    took = process_time() - began
    autotrack.disable()
    (kept,) = (summary for summary in run.metric_summaries() if summary.key == "train/loss")
    if kept.count != count:
        raise RuntimeError(f"{count:,} scalars were written and {kept.count:,} are in the store")
    return took


def _write(make: Callable[[Path], Callable[[str, float, int], None]], folder: Path, count: int) -> float:
    shutil.rmtree(folder, ignore_errors=True)
    began = process_time()
    add = make(folder)
    for step in range(count):
        add("train/loss", step / 2, step)
    add.__self__.close()  # type: ignore[attr-defined]
    return process_time() - began


class _Writer:
    """What ``torch.utils.tensorboard.SummaryWriter`` does for a scalar, where torch is not installed."""

    def __init__(self, folder: Path) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        self._event, self._writer = Event, EventFileWriter(str(folder))
        self.close = self._writer.close

    def add_scalar(self, tag: str, value: float, step: int) -> None:
        event = self._event(wall_time=time.time(), step=step)
        event.summary.value.add(tag=tag, simple_value=value)
        self._writer.add_event(event)


def _tensorboard(folder: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return _Writer(folder).add_scalar
    return SummaryWriter(str(folder)).add_scalar


def _tensorboardx(folder: Path) -> Any:
    from tensorboardX import SummaryWriter

    return SummaryWriter(str(folder)).add_scalar
