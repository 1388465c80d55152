"""Whether predicting may draw random numbers: what is known not to is asked without a look at any generator."""

from __future__ import annotations

from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

import numpy as np

from autotrack.plugin import attempt

from .kinds import is_library

#: Packages whose models draw in ``fit`` alone, but for those below.
_STEADY = frozenset({"sklearn", "xgboost", "lightgbm", "catboost"})
#: Where else classes of what a model is made of may come from.
_BESIDE = frozenset({"builtins", "abc", "typing", "joblib", "pandas", "scipy"})
#: Classes that draw in other methods, too: the parameter that decides it, and its values with which they do not.
_DRAWING: dict[str, tuple[str, tuple[object, ...]]] = {
    "DummyClassifier": ("strategy", ("most_frequent", "prior", "constant")),
    "IterativeImputer": ("sample_posterior", (False,)),
    "NMF": ("shuffle", (False,)),
    "PatchExtractor": ("", ()),
    "BernoulliRBM": ("", ()),
    "CheckingClassifier": ("", ()),
}
#: Values that run no code, or that of a generator whose owner is what matters. (Containers hold names, columns, or
#: estimators that ``get_params`` tells of by themselves.)
_PLAIN = (type(None), bool, int, float, str, bytes, list, tuple, dict, set, frozenset, slice, np.ndarray)
_PLAIN += (np.ufunc, np.random.RandomState, np.random.Generator)
#: What numpy's own functions are (those that draw are none).
_NUMPYS = type(np.median)
_FUNCTIONS = (FunctionType, MethodType)


def may_draw(model: Any) -> bool:
    """False where the model and all that it is made of are known to draw nothing when they are asked."""
    params, _ = attempt(lambda: model.get_params(deep=True))
    return params is None or any(map(_may, (model, *params.values())))


def _may(part: Any) -> bool:
    kind = type(part)
    if issubclass(kind, (type, np.generic, np.dtype)) or kind in _PLAIN or kind is _NUMPYS:
        return False
    if issubclass(kind, (FunctionType, BuiltinFunctionType, MethodType)):
        return not (kind is FunctionType and _is_steady(part))
    if not all(base.__module__.partition(".")[0] in _BESIDE or _is_steady(base) for base in kind.__mro__):
        return True
    if kind.__name__ in _DRAWING:
        name, steady = _DRAWING[kind.__name__]
        value = getattr(part, name, None)
        if type(value) not in (str, bool) or value not in steady:
            return True
    # A method of its own, set on the object, stands before its class's.
    return any(_may(value) for value in getattr(part, "__dict__", {}).values() if type(value) in _FUNCTIONS)


def _is_steady(made: Any) -> bool:
    return made.__module__.partition(".")[0] in _STEADY and is_library(made)
