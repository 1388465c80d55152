"""One sample of the machine, as far as this process may use it: its container's limits are the whole.

Rates are means since the sample before, so the first sample has none of them.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from autotrack.plugin import Ours, attempt

from .ranks import Ranks

_CGROUPS = "/sys/fs/cgroup"
_MB = 1e6


class Meters:
    """Asks psutil, the control groups and NVML; what one of them does not know is left out."""

    def __init__(self) -> None:
        self._psutil, _ = attempt(__import__, "psutil")
        self._process = None if self._psutil is None else self._psutil.Process()
        self._ranks = None if self._psutil is None else Ranks(self._psutil)
        self._cards = Cards()
        self._group = _own_group()
        self._before: dict[str, float] = {}
        self._when = 0.0

    def sample(self) -> dict[str, float]:
        """Names with values: percent, megabytes (of 1,000,000 bytes), megabytes a second, watts, degrees Celsius."""
        now = time.monotonic()
        elapsed, self._when = now - self._when if self._when else 0.0, now
        counters: dict[str, float] = {}
        found: dict[str, float] = {}
        if self._psutil is not None:
            # One that a container or a system forbids takes no other with it.
            attempt(self._machine, found, counters)
            attempt(self._own, found, counters)
            attempt(self._disk, found, counters)
            attempt(self._network, counters)
        if self._ranks is not None:
            attempt(self._ranks.read, found, counters)
        attempt(self._container, found, counters)
        for name, count in counters.items():
            if elapsed > 0 and name in self._before:
                found[name] = max(0.0, count - self._before[name]) / elapsed
        self._before = counters
        attempt(self._cards.read, found)
        return found

    def _machine(self, found: dict[str, float], counters: dict[str, float]) -> None:
        times = self._psutil.cpu_times()
        idle = times.idle + getattr(times, "iowait", 0.0)
        # Seconds of all processors in a second, as percent of them: what a rate of "idle" makes of 100.
        busy = sum(times) - idle - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
        counters["cpu_percent"] = 100 * busy / (os.cpu_count() or 1)
        memory = self._psutil.virtual_memory()
        found["memory_percent"] = memory.percent
        found["memory_used_mb"] = (memory.total - memory.available) / _MB

    def _own(self, found: dict[str, float], counters: dict[str, float]) -> None:
        times = os.times()
        counters["process_cpu_percent"] = 100 * (times.user + times.system)
        found["process_memory_mb"] = self._process.memory_info().rss / _MB
        found["process_threads"] = float(self._process.num_threads())

    def _disk(self, found: dict[str, float], counters: dict[str, float]) -> None:
        found["disk_free_mb"] = self._psutil.disk_usage(".").free / _MB
        counted = self._psutil.disk_io_counters()
        if counted is not None:
            counters["disk_read_mb_per_s"] = counted.read_bytes / _MB
            counters["disk_written_mb_per_s"] = counted.write_bytes / _MB

    def _network(self, counters: dict[str, float]) -> None:
        counted = self._psutil.net_io_counters()
        if counted is not None:
            counters["network_sent_mb_per_s"] = counted.bytes_sent / _MB
            counters["network_received_mb_per_s"] = counted.bytes_recv / _MB

    def _container(self, found: dict[str, float], counters: dict[str, float]) -> None:
        """What control groups (version 2) say of the container, in the place of the machine's own numbers."""
        if self._group is None:
            return
        most = _text(self._group / "memory.max")
        if most.isdecimal():
            cached = re.search(r"^inactive_file (\d+)$", _text(self._group / "memory.stat"), re.MULTILINE)
            used = int(_text(self._group / "memory.current")) - (int(cached[1]) if cached else 0)
            found["memory_used_mb"] = used / _MB
            found["memory_percent"] = 100 * used / int(most)
        quota, _, period = _text(self._group / "cpu.max").partition(" ")
        spent = re.search(r"^usage_usec (\d+)$", _text(self._group / "cpu.stat"), re.MULTILINE)
        if quota.isdecimal() and period.isdecimal() and spent:
            counters["cpu_percent"] = 100 * int(spent[1]) / 1e6 / (int(quota) / int(period))


class Cards:
    """NVIDIA's graphics cards as NVML sees them: no CUDA context is made, no card is woken."""

    def __init__(self) -> None:
        self._library: Any = None
        if Path("/proc/driver/nvidia").is_dir() or os.name == "nt":
            library, error = attempt(__import__, "pynvml")
            if error is None and attempt(library.nvmlInit)[1] is None:
                self._library = library

    def read(self, found: dict[str, float]) -> None:
        """Adds ``gpu.<n>.*``, by NVML's numbers, for the cards that CUDA_VISIBLE_DEVICES leaves to this process."""
        library = self._library
        if library is None:
            return
        for number in range(library.nvmlDeviceGetCount()):
            card = library.nvmlDeviceGetHandleByIndex(number)
            if not _is_visible(number, library.nvmlDeviceGetUUID(card)):
                continue
            for name, ask in _ASKED.items():
                value, error = attempt(ask, library, card)  # a card of an older kind does not know all of it
                if error is None and value is not None:
                    found[f"gpu.{number}.{name}"] = float(value)


def _memory_percent(library: Any, card: Any) -> float:
    memory = library.nvmlDeviceGetMemoryInfo(card)
    return float(100 * memory.used / memory.total)


_ASKED: dict[str, Callable[[Any, Any], float]] = {
    "utilization_percent": lambda library, card: library.nvmlDeviceGetUtilizationRates(card).gpu,
    "memory_used_mb": lambda library, card: library.nvmlDeviceGetMemoryInfo(card).used / _MB,
    "memory_percent": _memory_percent,
    "power_w": lambda library, card: library.nvmlDeviceGetPowerUsage(card) / 1000,
    "temperature_c": lambda library, card: library.nvmlDeviceGetTemperature(card, library.NVML_TEMPERATURE_GPU),
}


def _is_visible(number: int, uuid: str | bytes) -> bool:
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is None:
        return True
    name = uuid.decode() if isinstance(uuid, bytes) else uuid
    words = [word.strip() for word in chosen.split(",") if word.strip()]
    return str(number) in words or any(word and name.startswith(word) for word in words)


def _own_group() -> Path | None:
    """This process's control group, or the nearest one around it that has a limit; None where there is none."""
    found = re.search(r"^0::(/.*)$", _text(Path("/proc/self/cgroup")), re.MULTILINE)
    if found is None:
        return None
    group = Path(_CGROUPS + (found[1] if ".." not in found[1] else "/"))
    for place in (group, *group.parents):
        if not place.is_relative_to(_CGROUPS):
            break
        if _text(place / "memory.max").isdecimal() or _text(place / "cpu.max").partition(" ")[0].isdecimal():
            return place
    return None


def _text(path: Path) -> str:
    try:
        with open(Ours(path), "rb") as file:
            return file.read(65536).decode("utf-8", "replace").strip()
    except OSError:
        return ""
