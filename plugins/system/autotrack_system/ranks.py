"""What the other ranks of a distributed job do on this machine: processes that the same launcher has started.

Ranks above 0 record nothing, so rank 0 looks at them from outside. A launcher (torchrun, mpirun) gives each its number
in its environment.
"""

from __future__ import annotations

import os
from typing import Any

from autotrack.plugin import attempt

#: Processes of the launcher that are looked at.
MOST = 64
_MB = 1e6


def own_rank(environment: Any = os.environ) -> str | None:
    """The number of this process among those of its job, as its launcher has written it; None where there is none."""
    names = ("RANK", "LOCAL_RANK", "SLURM_PROCID", "JSM_NAMESPACE_RANK")
    return next((environment[name] for name in names if environment.get(name, "").isdecimal()), None)


class Ranks:
    """The other ranks on this machine, found at the first sample and again when one of them is gone."""

    def __init__(self, psutil: Any) -> None:
        self._psutil = psutil
        self._processes: dict[str, Any] = {}
        self._alone = own_rank() is None

    def read(self, found: dict[str, float], counters: dict[str, float]) -> None:
        """Adds ``rank.<n>.process_cpu_percent`` (of one processor) and ``rank.<n>.process_memory_mb``."""
        if self._alone:
            return
        if not self._processes or not all(process.is_running() for process in self._processes.values()):
            self._processes = dict(self._others())
        for rank, process in self._processes.items():
            attempt(self._one, rank, process, found, counters)  # it may end meanwhile

    def _one(self, rank: str, process: Any, found: dict[str, float], counters: dict[str, float]) -> None:
        times, memory = process.cpu_times(), process.memory_info().rss
        counters[f"rank.{rank}.process_cpu_percent"] = 100 * (times.user + times.system)
        found[f"rank.{rank}.process_memory_mb"] = memory / _MB

    def _others(self) -> list[tuple[str, Any]]:
        others = []
        for process in self._psutil.Process(os.getppid()).children()[:MOST]:
            environment, _ = attempt(process.environ) if process.pid != os.getpid() else (None, None)
            rank = own_rank(environment) if environment is not None else None
            if rank is not None and rank != own_rank():
                others.append((rank, process))
        return others
