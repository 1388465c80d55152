"""What a training was set to, as parameters: the module's own, the trainer's, optimizers, schedulers, callbacks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .values import shown

#: Groups of parameters that are written down one by one; of layer-wise learning rates there can be hundreds.
MAX_GROUPS = 16
_TRAINER = (
    "max_epochs",
    "min_epochs",
    "max_steps",
    "min_steps",
    "precision",
    "num_nodes",
    "num_devices",
    "accumulate_grad_batches",
    "gradient_clip_val",
    "gradient_clip_algorithm",
    "limit_train_batches",
    "limit_val_batches",
    "overfit_batches",
    "val_check_interval",
    "check_val_every_n_epoch",
    "log_every_n_steps",
    "fast_dev_run",
    "barebones",
)
_EARLY_STOPPING = (
    "monitor",
    "mode",
    "patience",
    "min_delta",
    "strict",
    "check_finite",
    "stopping_threshold",
    "divergence_threshold",
)
_CHECKPOINT = (
    "monitor",
    "mode",
    "save_top_k",
    "save_last",
    "save_weights_only",
    "_every_n_train_steps",
    "_every_n_epochs",
    "_train_time_interval",
)
#: What schedulers keep of their progress, and of the optimizer's settings.
_PROGRESS = frozenset("last_epoch best num_bad_epochs cooldown_counter mode_worse verbose T_cur optimizer".split())


def hyperparameters(*owners: Any) -> dict[str, Any]:
    """What modules and data modules were asked to keep (``save_hyperparameters``) and to log, as loggers get it."""
    found: dict[str, Any] = {}
    for owner in owners:
        # Not ``owner.hparams``: where there are none, asking for them makes some.
        state = vars(owner) if owner is not None else {}
        if state.get("_log_hyperparams") and isinstance(state.get("_hparams_initial"), Mapping):
            values = shown(dict(state["_hparams_initial"]))
            found |= {key: value for key, value in values.items() if key != "_class_path"}
    return found


def trainer_settings(trainer: Any) -> dict[str, Any]:
    """``trainer.max_epochs``, ``trainer.precision``, ... as Lightning understood them."""
    found = {f"trainer.{name}": shown(getattr(trainer, name, None)) for name in _TRAINER}
    strategy, accelerator = trainer.strategy, trainer.accelerator
    found["trainer.strategy"] = getattr(strategy, "strategy_name", None) or type(strategy).__name__
    found["trainer.accelerator"] = type(accelerator).__name__.removesuffix("Accelerator").lower()
    found["trainer.callbacks"] = ", ".join(type(callback).__name__ for callback in trainer.callbacks)
    found["trainer.loggers"] = ", ".join(type(logger).__name__ for logger in trainer.loggers)
    found |= _numbered("early_stopping", trainer.early_stopping_callbacks, _EARLY_STOPPING)
    found |= _numbered("checkpoint", trainer.checkpoint_callbacks, _CHECKPOINT)
    return {key: value for key, value in found.items() if value is not None and value != ""}


def optimization(trainer: Any) -> dict[str, Any]:
    """``optimizer``, ``optimizer.lr``, ``scheduler``, ...; of further ones ``optimizer_2`` and so on."""
    found: dict[str, Any] = {}
    for number, optimizer in enumerate(trainer.optimizers):
        name = _nth("optimizer", number)
        found[name] = type(getattr(optimizer, "optimizer", optimizer)).__name__
        found |= {f"{name}.{key}": value for key, value in _groups(optimizer.param_groups)}
    for number, config in enumerate(trainer.lr_scheduler_configs):
        name = _nth("scheduler", number)
        found[name] = type(config.scheduler).__name__
        for key in ("interval", "frequency", "monitor"):
            if getattr(config, key, None) is not None:
                found[f"{name}.{key}"] = getattr(config, key)
        for key, value in vars(config.scheduler).items():
            if not key.startswith("_") and key not in _PROGRESS and value is not None:
                found[f"{name}.{key}"] = shown(value)
    return found


def _groups(groups: list[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Settings of the first group of parameters as they began, and what is different in further ones."""
    first = dict(_settings(groups[0])) if groups else {}
    yield from first.items()
    if len(groups) > 1:
        yield "groups", len(groups)
    for number, group in enumerate(groups[1:MAX_GROUPS], 2):
        for key, value in _settings(group):
            if first.get(key) != value:
                yield f"group_{number}.{key}", value


def _settings(group: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in group.items():
        if key not in ("params", "param_names", "initial_lr") and value is not None:
            # A scheduler may have changed the rate already, for a warm-up: what it was set to is what is wanted.
            yield key, shown(group.get("initial_lr", value) if key == "lr" else value)


def _numbered(name: str, callbacks: list[Any], attributes: tuple[str, ...]) -> dict[str, Any]:
    found = {}
    for number, callback in enumerate(callbacks):
        state = vars(callback)
        for attribute in attributes:
            if state.get(attribute) is not None:
                found[f"{_nth(name, number)}.{attribute.removeprefix('_')}"] = shown(state[attribute])
    return found


def _nth(name: str, number: int) -> str:
    return f"{name}_{number + 1}" if number else name
