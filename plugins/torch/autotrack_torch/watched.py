"""What is watched in torch, and which versions that was tested with."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from autotrack.plugin import Hook, Patch, ResultTap, Tap

from .checkpoints import saved
from .compilers import keep_out, nothing
from .evaluations import EAR, LOSSES
from .loops import loops
from .registered import holders
from .spawning import spawned

VERSIONS = ">=2.13,<2.14"


def declarations() -> list[Patch | Tap | Hook]:
    """Everything that the plugin watches."""
    return [
        Hook("torch.optim.optimizer", attach=_after_steps, observer=loops.stepped, versions=VERSIONS),
        Hook("torch._dynamo.trace_rules", attach=keep_out, observer=nothing, versions=VERSIONS),
        Patch(
            "torch.multiprocessing.spawn:start_processes",
            spawned,
            also=("torch.multiprocessing:start_processes",),
            versions=VERSIONS,
        ),
        Patch("torch.serialization:save", saved, also=("torch:save",), versions=VERSIONS),
        _tap("torch.autograd:backward", loops.went_backward),
        _tap("torch.utils.data.dataloader:DataLoader.__iter__", iterated),
        _tap("torch.optim.optimizer:Optimizer.__init__", made_optimizer),
        _tap("torch.optim.lr_scheduler:LRScheduler.__init__", made_scheduler),
        _tap("torch.optim.lr_scheduler:ReduceLROnPlateau.__init__", made_scheduler),
        _tap("torch.nn.modules.module:Module.eval", evaluates),
        _tap("torch.nn.modules.module:Module.__init__", made_module),
        _tap("torch.nn.modules.module:Module.__setstate__", made_module),
        _tap("torch.amp.grad_scaler:GradScaler.scale", scales, optional=True),
        _tap("torch.amp.grad_scaler:GradScaler.update", rescales, optional=True),
        *(_loss(name) for name in LOSSES),
    ]


def _tap(target: str, observer: Callable[..., object], optional: bool = False) -> Tap:
    return Tap(target, observer, versions=VERSIONS, optional=optional)


def _loss(name: str) -> ResultTap:
    def loss(args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        """A loss function has answered during an evaluation."""
        loops.evaluated(name, args, kwargs, result)

    return ResultTap(f"torch.nn.functional:{name}", loss, versions=VERSIONS, optional=True, ear=EAR)


def _after_steps(module: ModuleType, listener: Callable[..., None]) -> Callable[[], object]:
    """Registers with torch's own hooks of all optimizers."""
    # As torch marks what its compiler is not to trace: it then calls the listener between two graphs. (Its own
    # ``torch.compiler.disable`` would import the compiler.)
    listener._torchdynamo_disable = True  # type: ignore[attr-defined]
    handle = module.register_optimizer_step_post_hook(listener)
    return handle.remove


def made_module(args: tuple[Any, ...], kwargs: dict[str, Any], error: BaseException | None) -> None:
    """A module was made, copied or unpickled."""
    if error is None and args:
        holders.note(args[0])


def iterated(args: tuple[Any, ...], kwargs: dict[str, Any], error: BaseException | None) -> None:
    """A loader starts to give batches."""
    if error is None and args:
        loops.iterated(args[0])


def made_optimizer(args: tuple[Any, ...], kwargs: dict[str, Any], error: BaseException | None) -> None:
    """An optimizer was made."""
    if error is None and args:
        loops.made(args[0])


def made_scheduler(args: tuple[Any, ...], kwargs: dict[str, Any], error: BaseException | None) -> None:
    """A scheduler of learning rates was made."""
    if error is None and args:
        loops.scheduled(args[0])


def evaluates(args: tuple[Any, ...], kwargs: dict[str, Any], error: BaseException | None) -> None:
    """A model was switched to evaluation."""
    if error is None and args:
        loops.evaluates(args[0])


def scales(args: tuple[Any, ...], kwargs: dict[str, Any], error: BaseException | None) -> None:
    """A loss was multiplied, so that its gradients do not vanish in half precision."""
    if error is None and len(args) > 1:
        loops.scales(args[1])


def rescales(args: tuple[Any, ...], kwargs: dict[str, Any], error: BaseException | None) -> None:
    """The factor of losses in half precision was looked at again, at the end of a step."""
    if error is None and args:
        loops.rescales(args[0])
