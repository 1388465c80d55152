"""What ``torch.save`` writes is a file of the program; of a model in training it becomes a checkpoint of its run."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotrack.plugin import saw_file

from .loops import loops
from .modules import own_parameters

if TYPE_CHECKING:
    from autotrack.plugin import Call, ProbeRun

    from .training import Training

FOLDER = "checkpoints"
#: How far into a checkpoint of several parts (epoch, model, optimizer, ...) a state dict is looked for.
DEEPEST = 2
#: Bytes a second that a copy is counted with before it is made.
COPIED_A_SECOND = 200e6


def saved(call: Call, run: ProbeRun) -> Generator[None, None, None]:
    """Tells of the file, which torch writes past Python's ``open``, and keeps a copy where it is a checkpoint.

    That is where a training of this thread is open and what is saved is of its model.
    """
    yield
    place = call.arg("f", None) if call.error is None else None  # a call may have failed for want of an argument
    if not isinstance(place, (str, os.PathLike)):
        return
    path = Path(os.fspath(place))
    saw_file(path, "written")
    training = loops.here().training
    if training is None or not training.goes_on or training.run.folded or not is_of(training, call.arg("obj", None)):
        return
    if training.run.setting("checkpoints") and path.is_file():
        training.settle()
        size = path.stat().st_size
        if size > training.run.setting("checkpoint_bytes"):
            training.run.note(f"{path.name} left out: {size} bytes are more than the setting checkpoint_bytes")
        elif training.run.afford("checkpoints", size / COPIED_A_SECOND):
            training.run.log_file(path, f"{FOLDER}/{path.name}")


def _own_name(key: str) -> str:
    """A name in a state dict without what compiled and distributed models put before it."""
    for prefix in ("module.", "_orig_mod.", "module."):
        key = key.removeprefix(prefix)
    return key


def is_of(training: Training, obj: Any, depth: int = 0) -> bool:
    """True for the training's model, its state dict, or a mapping that has one of them among its values."""
    found = [reference() for member in training.members for reference in member.models_now]
    models = [model for model in found if model is not None]
    if isinstance(obj, sys.modules["torch"].nn.Module):
        inside = {id(tensor) for _, tensor in own_parameters(obj)}
        return any(id(tensor) in inside for model in models for _, tensor in own_parameters(model))
    if not isinstance(obj, Mapping) or depth > DEEPEST:
        return False
    names = {name for model in models for name, _ in own_parameters(model)}
    if any(isinstance(key, str) and _own_name(key) in names for key in obj):
        return True
    return any(is_of(training, value, depth + 1) for value in obj.values() if not hasattr(value, "shape"))
