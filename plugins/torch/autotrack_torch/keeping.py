"""The trained model, as it is when the training is over: from the module if it lives, else from a copy.

A module is held weakly. When the function that made it returns, it and its optimizer go one after the other, and each
takes only its own references along: whichever goes first, all tensors are still there at that moment. They are copied
then, in memory, and written by autotrack's own thread.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from autotrack.plugin import attempt

from .describing import Tree, rebuilt

if TYPE_CHECKING:
    from autotrack.plugin import LoopRun

#: Bytes of weights that are copied when a model goes; larger ones are saved only where they live on.
MOST_BYTES = 1 << 30


class KeptModel:
    """One model of a training."""

    def __init__(self, model: Any) -> None:
        self._copy: Mapping[str, Any] | None = None
        self._why = "it was gone before it could be saved"
        tree, error = attempt(Tree, model)
        self._tree: Any = None
        self._classes: Mapping[str, type] = {}
        self._tensors: dict[str, weakref.ref[Any]] = {}
        if tree is None:
            self._why = f"{self._why}, and could not be copied: {error}"
        else:
            self._tree, self._classes = tree.root, tree.classes
            self._tensors = {name: weakref.ref(tensor) for name, tensor in tree.tensors.items()}
        self.model = weakref.ref(model, self._going)

    def _going(self, _: object) -> None:
        attempt(self.copy)  # wherever it is that the model goes: nobody there has to do with this

    def copy(self) -> None:
        """Copies the weights as they are now, if they are all there and not copied yet."""
        torch = sys.modules.get("torch")
        if torch is None or self._copy is not None:  # the interpreter ends
            return
        found = {name: reference() for name, reference in self._tensors.items()}
        if self._tree is None or not found or any(tensor is None for tensor in found.values()):
            return
        size = sum(tensor.numel() * tensor.element_size() for tensor in found.values())
        if size > MOST_BYTES:
            self._why = f"it was gone before it could be saved, and its {size >> 20} MB are too many to copy"
            return
        if torch.cuda.is_available() and torch.cuda.is_initialized() and torch.cuda.is_current_stream_capturing():
            return
        with torch.no_grad():
            copied, _ = attempt(lambda: {name: tensor.detach().to("cpu", copy=True) for name, tensor in found.items()})
        self._copy = copied

    def save(self, run: LoopRun, path: str) -> None:
        """Saves the model with the run, or writes down why not."""
        copied, self._copy = self._copy, None
        model = self.model() if copied is None else None
        if copied is not None:
            model, error = attempt(rebuilt, self._tree, copied, self._classes.__getitem__)
            if error is not None:
                self._why = f"its copy could not be put together: {error}"
        if model is None:
            run.note(f"{path} left out: {self._why}")
        else:
            run.log_model(model, path)
