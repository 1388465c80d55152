"""What is watched in torch, and which versions that was tested with."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from autotrack.plugin import Family, Hook, Patch, Tap

from .loops import loops

VERSIONS = ">=2.2,<3"


def declarations() -> list[Patch | Family | Tap | Hook]:
    """Everything that the plugin watches."""
    return [
        Hook("torch.optim.optimizer", attach=_after_steps, observer=loops.stepped, versions=VERSIONS),
        _tap("torch.autograd:backward", loops.went_backward),
        _tap("torch.utils.data.dataloader:DataLoader.__iter__", iterated),
        _tap("torch.optim.optimizer:Optimizer.__init__", made_optimizer),
    ]


def _tap(target: str, observer: Callable[..., object]) -> Tap:
    return Tap(target, observer, versions=VERSIONS)


def _after_steps(module: ModuleType, listener: Callable[..., None]) -> Callable[[], object]:
    """Registers with torch's own hooks of all optimizers."""
    torch = module.torch

    def after_step(optimizer: Any, args: Any, kwargs: Any) -> None:
        # Nothing at all to who traces a step: a compiled optimizer compiles as it did.
        if not torch.compiler.is_compiling():
            listener(optimizer, args, kwargs)

    handle = module.register_optimizer_step_post_hook(after_step)
    return handle.remove


def iterated(args: tuple[Any, ...], kwargs: dict[str, Any], error: BaseException | None) -> None:
    """A loader starts to give batches."""
    if error is None and args:
        loops.iterated(args[0])


def made_optimizer(args: tuple[Any, ...], kwargs: dict[str, Any], error: BaseException | None) -> None:
    """An optimizer was made."""
    if error is None and args:
        loops.made(args[0])
