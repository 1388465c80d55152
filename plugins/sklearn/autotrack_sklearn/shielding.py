"""The user's data before a question of ours: what a model might change, it is asked with a copy of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

import numpy as np

from autotrack.plugin import attempt

from .kinds import is_library

#: Bytes of data up to which they are copied for one question.
MOST_BYTES = 256 << 20

Shield = Callable[[Any], Any]


class TooLarge(ValueError):
    """The model might change its data, and there are too many of them to copy."""


def shield_of(model: Any) -> Shield:
    """What the data have to pass before the model is asked with them: nothing, where only a library's code sees them.

    Else a copy is made for each question. A function of the user's may write into its argument, and so does
    scikit-learn where it is told ``copy=False``, by which the user gives leave for their own calls, not for ours.
    """
    params, _ = attempt(model.get_params, deep=True)
    if params is None or any(_writes(name, part) for name, part in _parts(model, params)):
        return _copied
    return lambda data: data


@contextmanager
def unheard() -> Iterator[None]:
    """Within it, no warning of numpy's or of a library's is shown or raised, whatever the user has set."""
    from autotrack.plugin import unwarned

    with np.errstate(all="ignore"), unwarned():
        yield


def _parts(model: Any, params: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    yield "", model
    yield from params.items()


def _writes(name: str, part: Any) -> bool:
    if name.rpartition("__")[2].startswith("copy"):
        return part is not None and not part
    while isinstance(part, partial):
        part = part.func
    if isinstance(part, MethodType):
        part = part.__func__
    if isinstance(part, BuiltinFunctionType):
        return False
    return not is_library(part if isinstance(part, (FunctionType, type)) else type(part))


def _copied(data: Any) -> Any:
    size = _bytes(data)
    if size > MOST_BYTES:
        raise TooLarge(f"the model might change its data, and {size / 1e6:,.0f} MB are too much to copy")
    if isinstance(data, np.ndarray):
        return np.array(data, copy=True, subok=True)
    if isinstance(data, (list, tuple)):
        import copy

        return copy.deepcopy(data)
    return data.clone() if hasattr(data, "clone") else data.copy()


def _bytes(data: Any) -> int:
    if hasattr(data, "memory_usage"):
        return int(np.sum(data.memory_usage(index=False)))
    if hasattr(data, "estimated_size"):
        return int(data.estimated_size())
    held = getattr(data, "data", None) if hasattr(data, "tocsr") else data
    return int(getattr(held, "nbytes", 0))
