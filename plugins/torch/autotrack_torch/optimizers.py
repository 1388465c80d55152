"""What an optimizer and its schedulers were set to, as parameters of a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

#: Groups that are written down one by one; of layer-wise learning rates there can be hundreds.
MAX_GROUPS = 16
#: Values of one list or mapping that are written out.
MAX_ITEMS = 20


def hyperparameters(optimizer: Any) -> dict[str, Any]:
    """``optimizer`` (its class) and its settings: those of the first group, and what differs in further ones.

    ``optimizer.lr``, ``optimizer.group_1.lr``, ...; values that live on an accelerator are left out.
    """
    found: dict[str, Any] = {"optimizer": type(optimizer).__name__}
    groups = optimizer.param_groups
    first = dict(settings_of(groups[0])) if groups else {}
    found |= {f"optimizer.{key}": value for key, value in first.items()}
    if len(groups) > 1:
        found["optimizer.groups"] = len(groups)
    for number, group in enumerate(groups[1:MAX_GROUPS], 1):
        for key, value in settings_of(group):
            if first.get(key, _MISSING) != value:
                found[f"optimizer.group_{number}.{key}"] = value
    before = steps_before(optimizer)
    if before:
        found["optimizer.steps_before"] = before
    return found


def steps_before(optimizer: Any) -> int:
    """Steps that the optimizer had made in an earlier life, by the state that it was given (a checkpoint's). Asked at
    its first step here; 0 where its kind does not count."""
    state = next(iter(optimizer.state.values()), None) if optimizer.state else None
    steps = plain_value(state.get("step")) if isinstance(state, Mapping) else None
    return int(steps) - 1 if type(steps) in (int, float) else 0


def settings_of(group: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The settings of one group of parameters, without those that were given up to defaults of None."""
    for key, value in group.items():
        if key in ("params", "param_names", "initial_lr") or value is None:
            continue
        if key == "lr" and group.get("initial_lr") is not None:
            value = group["initial_lr"]  # as it was given: a scheduler that warms up has begun with less
        plain = plain_value(value)
        if plain is not _MISSING:
            yield str(key), plain


def scheduled(scheduler: Any) -> dict[str, Any]:
    """``scheduler`` (its class) and what it was made with, as it keeps it."""
    found: dict[str, Any] = {"scheduler": type(scheduler).__name__}
    for key, value in vars(scheduler).items():
        if key.startswith("_") or key in _STATE:
            continue
        plain = plain_value(value)
        if plain is not _MISSING:
            found[f"scheduler.{key}"] = plain
    return found


def plain_value(value: Any) -> Any:
    """A number, a text, or a few of them, as they are; ``_MISSING`` for anything else."""
    kind = type(value)
    if kind in (int, float, bool, str):
        return value
    if (
        kind in (list, tuple)
        and len(value) <= MAX_ITEMS
        and all(type(item) in (int, float, bool, str) for item in value)
    ):
        return value
    if getattr(value, "device", None) is not None and getattr(value, "numel", None) is not None:
        return value.item() if value.device.type == "cpu" and value.numel() == 1 else _MISSING
    if isinstance(value, Mapping) and len(value) <= MAX_ITEMS:  # the milestones of MultiStepLR: a Counter
        return list(value) if all(type(item) in (int, float, str) for item in value) else _MISSING
    return _MISSING


#: What schedulers keep of their progress: no settings.
_STATE = frozenset(
    {"last_epoch", "base_lrs", "best", "num_bad_epochs", "cooldown_counter", "mode_worse", "verbose", "optimizer"}
    | {"T_cur", "total_size", "step_ratio", "num_bad_epochs", "optimizer_to_update"}
)


class _Missing:
    """The type of the mark for values that are not written down."""


_MISSING = _Missing()
