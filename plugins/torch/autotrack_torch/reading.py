"""Reads losses so that no mode of the user's (``TorchDispatchMode``, ``TorchFunctionMode``) sees what we do.

Only for what is a ``torch.Tensor`` and of no class below it: the data of a fake tensor, say, must not be touched.
"""

from __future__ import annotations

import sys
from typing import Any


def number_of(tensor: Any) -> Any:
    """The value of a tensor of one number that is on the CPU. On an accelerator a tensor of its own there. None for
    others, and while operations become part of a graph of the user's."""
    core = sys.modules["torch"]._C
    if core._len_torch_dispatch_stack() or core._len_torch_function_stack():
        with core._DisableTorchDispatch(), core.DisableTorchFunction():
            return _number_of(tensor)
    return _number_of(tensor)


def _number_of(tensor: Any) -> Any:
    if tensor.numel() != 1 or tensor.device.type == "meta":
        return None
    if tensor.is_cpu:
        return tensor.item()
    if tensor.is_cuda and sys.modules["torch"].cuda.is_current_stream_capturing():
        return None
    return tensor.detach().reshape(())
