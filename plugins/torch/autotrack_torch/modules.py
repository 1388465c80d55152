"""Finds the model that an optimizer trains, and tells what it is made of."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from .heap import objects_of
from .registered import holders

#: Rows of a layer table; what lies beyond is counted.
MAX_LAYERS = 2000
#: Models of one optimizer.
MAX_MODELS = 8


def parameters_of(optimizer: Any) -> list[Any]:
    """The tensors that an optimizer changes."""
    return [tensor for group in optimizer.param_groups for tensor in group["params"]]


def models_of(optimizer: Any, anew: bool = False) -> tuple[list[Any], bool]:
    """The modules whose parameters the optimizer changes: the smallest one that holds them all, else the one that holds
    most of them, and what holds the others. None where they are in no module that is known of.

    And True where that is all, False where other modules may hold what is left: those that were there before torch was
    watched, and with ``anew`` only those.
    """
    numbers = [id(tensor) for tensor in parameters_of(optimizer)]
    wanted = set(numbers)
    if not wanted:
        return [], True
    found = _best(_in_globals(), wanted)
    if found is not None and _count(found, wanted) == len(wanted):
        return [model for model in (unwrapped(found),) if model is not None], True
    known = holders.around(numbers, anew)
    models: list[Any] = []
    while wanted and len(models) < MAX_MODELS:
        found = _best(known, wanted)
        if found is None:
            break
        wanted -= {id(tensor) for _, tensor in own_parameters(found)}
        model = unwrapped(found)
        models += [model] if model is not None else []
    return models, not wanted or len(models) == MAX_MODELS


def meet_all() -> None:
    """Has all modules of the process known from here on. Costs a walk over all objects."""
    for module in objects_of(sys.modules["torch"].nn.Module):
        holders.note(module)


def labels_of(models: list[Any]) -> list[str]:
    """A name for each model: its class, with a number where there is another one of that."""
    labels: list[str] = []
    for model in models:
        name = type(model).__name__
        labels.append(name if name not in labels else f"{name}_{len(labels) + 1}")
    return labels


def unwrapped(model: Any) -> Any:
    """The user's own module inside what compiles it or spreads it over devices."""
    torch = sys.modules["torch"]
    while True:
        inner = vars(model).get("_modules", {})
        kind = type(model).__name__
        if kind == "OptimizedModule" and "_orig_mod" in inner:
            model = inner["_orig_mod"]
        elif kind in ("DistributedDataParallel", "DataParallel", "FullyShardedDataParallel") and "module" in inner:
            model = inner["module"]
        else:
            return model if isinstance(model, torch.nn.Module) else None


def own_parameters(module: Any) -> Iterator[tuple[str, Any]]:
    """Names and parameters of a module and all below it, each tensor once, without calling anything of the user's."""
    seen: set[int] = set()
    for name, part in parts(module):
        for key, tensor in vars(part).get("_parameters", {}).items():
            if tensor is not None and id(tensor) not in seen:
                seen.add(id(tensor))
                yield f"{name}.{key}" if name else key, tensor


def parts(module: Any) -> Iterator[tuple[str, Any]]:
    """A module and all below it, each once, with their dotted names; outer ones first."""
    seen: set[int] = set()
    waiting = [("", module)]
    while waiting:
        name, part = waiting.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        yield name, part
        inner = [(f"{name}.{key}" if name else key, child) for key, child in vars(part).get("_modules", {}).items()]
        waiting.extend((key, child) for key, child in reversed(inner) if child is not None)


def _in_globals() -> list[Any]:
    """Modules that are globals of the functions on the stack. (Looking at locals would keep them alive.)"""
    module_class = sys.modules["torch"].nn.Module
    frame, seen, found = sys._getframe(1), set(), []
    while frame is not None:
        names = frame.f_globals
        if id(names) not in seen:
            seen.add(id(names))
            found += [value for value in list(names.values()) if issubclass(type(value), module_class)]
        frame = frame.f_back  # type: ignore[assignment]
    return found


def _best(modules: list[Any], wanted: set[int]) -> Any | None:
    """Of these modules the one with most of the wanted parameters; of those the one with fewest others; outer first."""
    direct = [module for module in modules if _holds_any(module, wanted)]
    ranked = []
    for module in direct:
        ids = {id(tensor) for _, tensor in own_parameters(module)}
        shared = len(ids & wanted)
        if shared:
            ranked.append((-shared, len(ids), -sum(1 for _ in parts(module)), module))
    return min(ranked, key=lambda entry: entry[:3])[3] if ranked else None


def _holds_any(module: Any, wanted: set[int]) -> bool:
    return any(id(tensor) in wanted for _, tensor in own_parameters(module))


def _count(module: Any, wanted: set[int]) -> int:
    return sum(1 for _, tensor in own_parameters(module) if id(tensor) in wanted)


def described(models: list[Any], optimizer: Any) -> dict[str, Any]:
    """``model``, ``model.parameters`` and ``model.trainable_parameters``: its class, and how many numbers it has."""
    if not models:
        tensors = parameters_of(optimizer)
        return {"model.trainable_parameters": sum(tensor.numel() for tensor in tensors)}
    tensors = list({id(tensor): tensor for model in models for _, tensor in own_parameters(model)}.values())
    return {
        "model": ", ".join(type(model).__name__ for model in models),
        "model.parameters": sum(_numel(tensor) for tensor in tensors),
        "model.trainable_parameters": sum(_numel(tensor) for tensor in tensors if tensor.requires_grad),
    }


def _numel(tensor: Any) -> int:
    try:
        return int(tensor.numel())
    except (RuntimeError, ValueError):  # a lazy parameter that has no shape yet
        return 0


def layer_table(model: Any) -> dict[str, Any]:
    """Every part of the model: its name, class, the shapes of its own parameters, and how many numbers they are."""
    rows, left_out = [], 0
    for name, part in parts(model):
        if len(rows) == MAX_LAYERS:
            left_out += 1
            continue
        own = {key: tensor for key, tensor in vars(part).get("_parameters", {}).items() if tensor is not None}
        rows.append(
            {
                "name": name,
                "class": f"{type(part).__module__}.{type(part).__qualname__}",
                "shapes": {key: _shape(tensor) for key, tensor in own.items()},
                "parameters": sum(_numel(tensor) for tensor in own.values()),
                "trainable": sum(_numel(tensor) for tensor in own.values() if tensor.requires_grad),
            }
        )
    return {"layers": rows, "left_out": left_out}


def _shape(tensor: Any) -> list[int] | None:
    try:
        return [int(size) for size in tensor.shape]
    except (RuntimeError, ValueError):
        return None
