"""The machine that a program may use: processors, memory and graphics cards, limits of its container included.

Read from ``/proc`` and ``/sys`` where there is Linux; what another system does not say so cheaply is left out. No
device is woken: CUDA is asked only where the program has started it.
"""

from __future__ import annotations

import os
import platform
import re
import sys
from pathlib import Path
from typing import Any

_CGROUPS = "/sys/fs/cgroup"


def processors() -> dict[str, Any]:
    """``model``, ``logical`` and ``physical`` cores of the machine, ``affinity`` and ``quota`` of this process."""
    cpu: dict[str, Any] = {"model": _model(), "machine": platform.machine(), "logical": os.cpu_count()}
    cores = {_text(path) for path in Path("/sys/devices/system/cpu").glob("cpu[0-9]*/topology/thread_siblings_list")}
    cpu["physical"] = len(cores) or None
    cpu["affinity"] = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
    cpu["quota"] = _quota()
    return cpu


def memory_bytes() -> int | None:
    """What this process may use of the machine's memory: all of it, or its container's limit."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return None
    limits = [int(text) for text in _limits("memory.max", "memory/memory.limit_in_bytes") if text.isdecimal()]
    return min([total, *limits])


def gpus() -> list[dict[str, Any]]:
    """The graphics cards as the program sees them where it uses CUDA through torch, else those of the machine."""
    torch = sys.modules.get("torch")
    cuda = getattr(torch, "cuda", None)
    if cuda is not None and cuda.is_initialized():
        cards = [cuda.get_device_properties(index) for index in range(cuda.device_count())]
        return [
            {"name": card.name, "memory_bytes": card.total_memory, "capability": f"{card.major}.{card.minor}"}
            for card in cards
        ]
    found = []
    for path in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
        facts = dict(re.findall(r"^([^:\n]+):[ \t]*(.*)$", _text(path), re.MULTILINE))
        found.append({"name": facts.get("Model", "NVIDIA"), "uuid": facts.get("GPU UUID")})
    return found


def gpu_driver() -> str | None:
    """The version of NVIDIA's kernel driver; None where there is none."""
    found = re.search(r"Kernel Module.*?(\d+\.[\d.]+)", _text(Path("/proc/driver/nvidia/version")))
    return found.group(1) if found else None


def _model() -> str | None:
    # The beginning is enough, and the kernel takes milliseconds to describe hundreds of cores.
    found = re.search(r"^(?:model name|Model|cpu model)\s*:\s*(.+)$", _text(Path("/proc/cpuinfo"), 4096), re.MULTILINE)
    return found.group(1).strip() if found else platform.processor() or None


def _quota() -> float | None:
    """Processors that the container may use at once, as a number; None where there is no limit."""
    shares = []
    for text in _limits("cpu.max", ""):
        most, _, period = text.partition(" ")
        if most.isdecimal() and period.isdecimal() and int(period):
            shares.append(int(most) / int(period))
    quota, period = (_text(Path(_CGROUPS, f"cpu/cpu.cfs_{name}_us")) for name in ("quota", "period"))
    if quota.isdecimal() and period.isdecimal() and int(period):
        shares.append(int(quota) / int(period))
    return min(shares, default=None)


def _limits(name: str, old: str) -> list[str]:
    """What the control groups around this process say, from its own to the root; ``old`` is version 1's file."""
    found = re.search(r"^0::(/.*)$", _text(Path("/proc/self/cgroup")), re.MULTILINE)
    group = Path(_CGROUPS + (found.group(1) if found and ".." not in found.group(1) else "/"))
    places = [place / name for place in (group, *group.parents) if place.is_relative_to(_CGROUPS)]
    return [text for path in (*places, *([Path(_CGROUPS, old)] if old else [])) if (text := _text(path))]


def _text(path: Path, most: int = 65536) -> str:
    try:
        with path.open("rb") as file:
            return file.read(most).decode("utf-8", "replace").strip()
    except OSError:
        return ""
