"""What a benchmark is made of: rows with a budget and a floor, fresh processes with their CPU time, and medians.

A floor is the least that the same work can cost, measured in the same run: the ratio to it holds on any machine, the
seconds only on this one.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

#: One thread for BLAS and OpenMP, so that CPU time is the work's and not the spinning of idle threads.
CALM = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    # Compiled modules are kept, as everybody's are: a checkout's would be compiled anew in each process.
    "PYTHONDONTWRITEBYTECODE": "",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One promise: what was measured, in which unit ("s", "B", "MB", "points/s", "x", ""), and what it must reach."""

    what: str
    value: float
    unit: str
    budget: float
    floor: float | None = None
    floor_is: str = ""
    peers: str = ""
    more_is_better: bool = False

    @property
    def use(self) -> float:
        """How much of the budget is used: up to 1 the promise is kept."""
        if self.more_is_better:
            return self.budget / self.value if self.value else float("inf")
        if self.budget:
            return self.value / self.budget
        return 0.0 if self.value <= 0 else float("inf")

    @property
    def met(self) -> bool:
        return self.use <= 1.0

    @property
    def verdict(self) -> str:
        """ "met, 0.40 of it" or "MISSED, 1.3 times"."""
        if self.met:
            return f"met, {self.use:.2f} of it" if self.budget else "met"
        return f"MISSED, {self.use:.1f} times" if self.use != float("inf") else "MISSED"

    def to_json(self) -> dict[str, Any]:
        ratio = self.value / self.floor if self.floor else None
        return {**asdict(self), "met": self.met, "of_budget": _finite(self.use), "times_floor": ratio}


def _finite(value: float) -> float | None:
    return value if value != float("inf") else None


def spelled(value: float | None, unit: str) -> str:
    """A number as a person reads it: ``0.0000015, "s"`` is "1.50 us"."""
    if value is None:
        return ""
    if unit == "s":
        for name, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
            if abs(value) >= size:
                return f"{value / size:.3g} {name}"
        return f"{value * 1e9:.3g} ns"
    if unit == "points/s":
        return f"{value / 1e6:.3g} M/s"
    return f"{value:,.4g} {unit}".rstrip()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a subject works: an empty folder, the store in force, and how large it should make things."""

    folder: Path
    scale: float = 1.0

    @property
    def store(self) -> Path:
        return self.folder / ".autotrack"

    def scaled(self, full: int, least: int = 1) -> int:
        """The size for this run: ``full`` in earnest, less in a quick one."""
        return max(least, int(full * self.scale))


@dataclass(frozen=True, slots=True)
class Child:
    """What became of a fresh interpreter: CPU and wall seconds, what it printed."""

    cpu: float
    wall: float
    out: str

    @property
    def json(self) -> Any:
        """The last line that it printed."""
        return json.loads(self.out.splitlines()[-1])


def child(code: str, *argv: object, env: dict[str, str] | None = None, cwd: Path | None = None) -> Child:
    """Runs the code in a fresh interpreter. RuntimeError with its stderr where it fails."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-c", code, *map(str, argv)],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env={**os.environ, **CALM, **(env or {})},
            cwd=cwd,
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode:
            raise RuntimeError(f"a benchmark's process ended with {process.returncode}: {err.read().decode()[-2000:]}")
        return Child(usage.ru_utime + usage.ru_stime, wall, out.read().decode())


def interleaved(times: int, *works: Callable[[], float]) -> list[list[float]]:
    """Runs the works in turn, so that a slow moment of the machine hits all of them; answers the samples of each."""
    samples: list[list[float]] = [[] for _ in works]
    for _ in range(times):
        for work, kept in zip(works, samples, strict=True):
            kept.append(work())
    return samples


def median(samples: Sequence[float]) -> float:
    return statistics.median(samples)


def quantile(samples: Sequence[float], share: float) -> float:
    """The sample below which the share of all samples lies."""
    return sorted(samples)[min(len(samples) - 1, int(len(samples) * share))]


def added(plain: Sequence[float], ours: Sequence[float]) -> float:
    """What ours costs more: the median difference of neighbouring pairs.

    Below zero where the machine's noise is larger than the cost. It is shown as it is: a zero would look like proof.
    """
    return statistics.median(b - a for a, b in zip(plain, ours, strict=True))


def seconds(work: Callable[[], object]) -> float:
    """Wall seconds of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def size_of(folder: Path) -> int:
    """Bytes of all files under a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


Subject = Callable[[Place], Iterator[Row]]
