"""Parameters of a training as text that is the same in every process: no addresses, nothing cut."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autotrack.plugin import Call

#: Arguments that are logged where they are given; objects are named by class or function.
_ARGUMENTS = (
    "num_boost_round", "early_stopping_rounds", "maximize", "verbose_eval", "obj", "feval", "custom_metric", "nfold",
    "stratified", "metrics", "seed", "shuffle", "folds", "fpreproc",
)  # fmt: skip


def params_of(call: Call) -> dict[str, Any]:
    """The booster's parameters and the arguments of ``train`` or ``cv``, ready to log."""
    found = _pairs(call.arg("params", None))
    for name in _ARGUMENTS:
        value = call.arg(name, None)
        if value is not None and value != ():
            found[name] = value
    callbacks = call.arg("callbacks", None)
    if type(callbacks) in (list, tuple) and callbacks:
        found["callbacks"] = list(callbacks)
    if call.arg("xgb_model", None) is not None:
        found["xgb_model"] = "continued from another model"
    return {str(key): shown(value) for key, value in found.items()}


def _pairs(params: Any) -> dict[str, Any]:
    """Parameters as XGBoost takes them: a dict, or pairs of which several may have one name."""
    if isinstance(params, Mapping):
        return dict(params)
    found: dict[str, Any] = {}
    for pair in params if isinstance(params, (list, tuple)) else ():
        if isinstance(pair, (list, tuple)) and len(pair) == 2:
            key, value = pair
            found[key] = [*found[key], value] if isinstance(found.get(key), list) else value
            if key == "eval_metric" and not isinstance(found[key], list):
                found[key] = [value]
    return found


def shown(value: Any, depth: int = 0) -> Any:
    """A number, bool, None or text for one value. ``repr`` is asked of plain values alone."""
    kind = type(value)
    if value is None or kind in (bool, int, float, str):
        return value
    if kind in (list, tuple, set, dict) and depth < 4:
        if kind is dict:
            return {str(key): shown(item, depth + 1) for key, item in value.items()}
        if len(value) > 1000:
            return f"{kind.__name__} of {len(value)}"
        items = [item if isinstance(item := shown(one, depth + 1), str) else repr(item) for one in value]
        return f"[{', '.join(sorted(items) if kind is set else items)}]"
    if isinstance(value, functools.partial):
        return f"partial({shown(value.func)})"
    if kind.__module__ == "numpy" and getattr(value, "shape", None) == () and hasattr(value, "item"):
        return shown(value.item(), 4)
    named = value if hasattr(value, "__qualname__") else kind
    module = getattr(named, "__module__", None)
    place = f"{module}." if isinstance(module, str) and module not in ("builtins", "__main__") else ""
    return f"{place}{named.__qualname__}"
