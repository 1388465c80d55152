"""Tracks the machine while runs are open: processors, memory, disk, network, graphics cards, as ``system/...``.

psutil and NVIDIA's library are imported by the sampling thread, after the first seconds of a run, and only where they
are installed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from autotrack.plugin import hookimpl, settings

if TYPE_CHECKING:
    from autotrack.plugin import Run

    from .sampling import Sampling

_sampling: Sampling | None = None


@hookimpl
def register_settings() -> Mapping[str, Any]:
    """``interval``: seconds between two samples, 0 for none. ``first``: seconds of a run before its first sample."""
    return {"interval": 10.0, "first": 5.0}


@hookimpl
def run_started(run: Run) -> None:
    """The run is sampled once it has lasted a few seconds."""
    global _sampling
    if settings("system")["interval"] <= 0:
        return
    if _sampling is None:
        from .sampling import Sampling

        _sampling = Sampling()
    _sampling.began(run)


@hookimpl
def run_ended(run: Run) -> None:
    """The run is sampled no more."""
    if _sampling is not None:
        _sampling.ended(run)
