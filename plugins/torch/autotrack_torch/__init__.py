"""Tracks plain PyTorch loops: the first step of an optimizer starts a run; weights are saved as safetensors.

Nothing here imports torch: that happens in observers, when the user has done so.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from autotrack.plugin import Later, hookimpl

if TYPE_CHECKING:
    from autotrack.plugin import Flavor, Hook, Patch, Tap


@hookimpl
def register_patches() -> Sequence[Later]:
    """Steps, backward passes, loaders, and what is made on the way: optimizers, schedulers, checkpoints."""
    return [Later("torch", _watched)]


@hookimpl
def register_flavors() -> Sequence[Flavor]:
    """Modules as a description and safetensors; MLflow's flavor of them."""
    from .flavor import MLFLOW, TORCH

    return [TORCH, MLFLOW]


@hookimpl
def register_settings() -> Mapping[str, Any]:
    """``grad_norm`` logs the gradient's norm at each step, which costs a pass over all gradients; ``checkpoints`` keeps
    copies of what ``torch.save`` writes of the model, if they have at most ``checkpoint_bytes``."""
    return {"grad_norm": False, "checkpoints": True, "checkpoint_bytes": 1 << 30}


@hookimpl
def run_started() -> None:
    """A run of the user's may have begun: the next step belongs there."""
    _runs_changed()


@hookimpl
def run_ended() -> None:
    """A run of the user's may have ended."""
    _runs_changed()


def _watched() -> Sequence[Patch | Tap | Hook]:
    from .watched import declarations

    return declarations()


def _runs_changed() -> None:
    module = sys.modules.get(f"{__name__}.loops")  # which nobody has while torch is not imported
    if module is not None:
        module.loops.runs_changed()
