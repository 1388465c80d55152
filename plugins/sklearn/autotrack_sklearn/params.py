"""Parameters of estimators as text that is the same in every process: no addresses, no data, nothing cut.

``repr`` is called on library objects alone: on a user's object it may read data, raise or count calls.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

from autotrack.plugin import attempt

#: Arrays up to this many numbers are shown in full, larger ones by shape and type.
SMALL_ARRAY = 16
MAX_DEPTH = 8
#: Bits of an integer that is shown in full; Python refuses to spell those of more than some thousand digits.
LONGEST_INT = 4096
#: Packages whose objects show themselves without side effects.
_SHOWN = frozenset({"sklearn", "scipy", "numpy", "datetime", "decimal", "fractions", "pathlib", "uuid", "enum"})


def params_of(estimator: Any, *, deep: bool = True) -> dict[str, Any]:
    """The estimator's params with values ready to log; those of inner estimators as ``step__param`` where ``deep``.

    Where ``get_params`` raises, the shallow params or none are answered: tracking outlives it.
    """
    params, _ = attempt(lambda: estimator.get_params(deep=deep))
    if params is None and deep:
        params, _ = attempt(lambda: estimator.get_params(deep=False))
    if not isinstance(params, Mapping):
        return {}
    return {str(key): shown(value) for key, value in params.items()}


def shown(value: Any, depth: int = 0) -> Any:
    """A number, bool, None or text for one param value."""
    if value is None or _is(type(value), (bool, float)):
        return value
    if type(value) is str:
        return value.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")  # as no store keeps them
    return value if type(value) is int and value.bit_length() <= LONGEST_INT else text(value, depth)


def text(value: Any, depth: int = 0) -> str:
    """The value as stable text."""
    kind = type(value)
    if kind is int and value.bit_length() > LONGEST_INT:
        return f"int of {value.bit_length()} bits"
    if value is None or _is(kind, (bool, int, float, str, bytes, complex)):
        return repr(value)
    if _is(kind, (list, tuple, set, frozenset, dict)):
        return _container(value, kind, depth)
    if isinstance(value, type):
        return _path(value)
    if isinstance(value, (FunctionType, BuiltinFunctionType)):
        return _path(value)
    if isinstance(value, MethodType):
        return f"{_path(type(value.__self__))}.{value.__func__.__name__}"
    if isinstance(value, functools.partial):
        return _partial(value, depth)
    return _object(value, kind, depth)


def _is(kind: type, kinds: tuple[type, ...]) -> bool:
    """By identity: a class may define its own comparison."""
    return any(kind is one for one in kinds)


def _path(value: Any) -> str:
    name = getattr(value, "__qualname__", None) or getattr(value, "__name__", "?")
    module = getattr(value, "__module__", None)
    return f"{module}.{name}" if isinstance(module, str) and module not in ("builtins", "__main__") else str(name)


def _container(value: Any, kind: type, depth: int) -> str:
    if depth >= MAX_DEPTH:
        return f"{kind.__name__} of {len(value)}"
    if kind is dict:
        return "{" + ", ".join(f"{text(key, depth + 1)}: {text(item, depth + 1)}" for key, item in value.items()) + "}"
    items = [text(item, depth + 1) for item in value]
    if kind is list:
        return "[" + ", ".join(items) + "]"
    if kind is tuple:
        return "(" + ", ".join(items) + ("," if len(items) == 1 else "") + ")"
    items.sort()  # sets have no order of their own
    return ("{" + ", ".join(items) + "}") if items else f"{kind.__name__}()"


def _partial(value: functools.partial[Any], depth: int) -> str:
    parts = [text(value.func, depth + 1), *(text(arg, depth + 1) for arg in value.args)]
    parts += [f"{key}={text(item, depth + 1)}" for key, item in value.keywords.items()]
    return f"partial({', '.join(parts)})"


def _object(value: Any, kind: type, depth: int) -> str:
    package = kind.__module__.partition(".")[0]
    if hasattr(kind, "get_params") and hasattr(kind, "fit"):
        return kind.__name__
    if package == "numpy":
        return _numpy(value, kind, depth)
    if package == "scipy" and hasattr(value, "dist") and hasattr(value, "args"):
        named = [text(arg, depth + 1) for arg in value.args]
        named += [f"{key}={text(item, depth + 1)}" for key, item in value.kwds.items()]
        return f"{value.dist.name}({', '.join(named)})"
    if package in ("pandas", "polars", "pyarrow", "scipy") and hasattr(value, "shape"):
        return f"{kind.__name__}(shape={tuple(value.shape)})"
    if package in _SHOWN and kind.__repr__ is not object.__repr__:
        own, _ = attempt(repr, value)
        if isinstance(own, str) and " at 0x" not in own:
            return own
    return _path(kind)


def _numpy(value: Any, kind: type, depth: int) -> str:
    if hasattr(value, "get_state") or hasattr(value, "bit_generator"):
        return kind.__name__
    if not hasattr(value, "shape"):
        return str(value) if kind.__name__.endswith("DType") or kind.__name__ == "dtype" else _path_of_callable(value)
    if not value.shape and hasattr(value, "item"):
        return text(value.item(), depth + 1)
    if value.size <= SMALL_ARRAY and value.dtype.kind in "biufU":
        return f"array({text(value.tolist(), depth + 1)}, dtype={value.dtype})"
    return f"array(shape={tuple(value.shape)}, dtype={value.dtype})"


def _path_of_callable(value: Any) -> str:
    name = getattr(value, "__name__", None)
    return f"numpy.{name}" if name else _path(type(value))
