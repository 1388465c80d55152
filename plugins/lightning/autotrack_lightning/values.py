"""Values as parameters: plain ones as they are, others by what they are, without any code of the user's."""

from __future__ import annotations

import datetime
import enum
import pathlib
import sys
from collections.abc import Mapping
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

from autotrack.plugin import attempt

#: Nesting and items of lists and mappings that are written out.
MAX_DEPTH, MAX_ITEMS = 6, 200
_PLAIN = (bool, int, float, complex, str, bytes, type(None))
_SHOWN = (datetime.timedelta, datetime.date, pathlib.PurePath)


def shown(value: Any, depth: int = 0) -> Any:
    """The value as it is logged: a mapping stays one, so that its keys become dotted ones."""
    if type(value) in _PLAIN:
        return value
    if isinstance(value, Mapping) and depth < MAX_DEPTH:
        items, _ = attempt(lambda: list(value.items())[:MAX_ITEMS])
        return {str(key): shown(item, depth + 1) for key, item in items or []}
    if type(value) in (list, tuple, set, frozenset) and depth < MAX_DEPTH:
        parts = [_text(item, depth + 1) for item in list(value)[:MAX_ITEMS]]
        more = [f"... {len(value) - MAX_ITEMS} more"] if len(value) > MAX_ITEMS else []
        opening, closing = ("(", ")") if type(value) is tuple else ("[", "]")
        return opening + ", ".join(parts + more) + closing
    if isinstance(value, enum.Enum):
        return value.value if type(value.value) in _PLAIN else value.name
    if isinstance(value, type | FunctionType | BuiltinFunctionType | MethodType):
        return f"{value.__module__}.{value.__qualname__}"
    if isinstance(value, _SHOWN):
        return str(value)
    number = single(value)
    if number is not None:
        return number
    shape = getattr(value, "shape", None)
    described = f" of shape {tuple(shape)}" if type(shape).__name__ in ("Size", "tuple") else ""
    return f"{type(value).__module__}.{type(value).__qualname__}{described}"


def single(value: Any) -> float | None:
    """The number in a tensor or array of one element that lies in this machine's memory; None for all else."""
    torch, numpy = sys.modules.get("torch"), sys.modules.get("numpy")
    if torch is not None and type(value) in (torch.Tensor, torch.nn.Parameter):
        if value.device.type != "cpu" or value.numel() != 1 or value.is_complex():
            return None
        return value.item()  # type: ignore[no-any-return]
    if numpy is not None and isinstance(value, numpy.generic):
        found = value.item()
        return found if type(found) in (bool, int, float) else None
    return None


def _text(value: Any, depth: int) -> str:
    """An item of a list: only texts of the user's are in quotes."""
    return repr(value) if type(value) in (str, bytes) else str(shown(value, depth))
