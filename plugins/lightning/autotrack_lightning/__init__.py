"""Tracks Lightning: each ``Trainer.fit`` is a run, under either name, ``lightning`` and ``pytorch_lightning``.

Nothing here imports Lightning or torch: that happens in probes, when the user has done so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from autotrack.plugin import Family, Later, Patch, hookimpl

if TYPE_CHECKING:
    from .logger import Logging as AutotrackLogger

__all__ = ["AutotrackLogger"]


@hookimpl
def register_patches() -> Sequence[Later]:
    """The trainer's four calls, what its loggers are told, and what would be mistaken for a training."""
    return [Later(package, _watched_in(package)) for package in ("lightning", "pytorch_lightning")]


@hookimpl
def register_settings() -> Mapping[str, Any]:
    """``checkpoint_mb``: the best checkpoint is kept with the run up to this size; 0 keeps none."""
    return {"checkpoint_mb": 512.0}


def _watched_in(package: str) -> Callable[[], Sequence[Patch | Family]]:
    def declare() -> Sequence[Patch | Family]:
        from .watched import declarations

        return declarations(package)

    return declare


def __getattr__(name: str) -> Any:
    # A subclass of Lightning's Logger, so it is made when someone asks for it.
    if name == "AutotrackLogger":
        from .logger import logger_class

        return logger_class()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
