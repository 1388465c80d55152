"""What sort of estimator a class is: whether its fit makes a run, and whose code its predict runs."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from autotrack.plugin import attempt

#: Modules whose estimators prepare data: their fits make no run.
PREPARATION = (
    "sklearn.preprocessing.",
    "sklearn.impute.",
    "sklearn.feature_extraction.",
    "sklearn.feature_selection.",
    "sklearn.random_projection.",
    "sklearn.kernel_approximation.",
    "sklearn.compose._column_transformer.",
    "sklearn.frozen.",
)
_PIPELINE = "sklearn.pipeline.Pipeline"
_UNION = "sklearn.pipeline.FeatureUnion"
_SEARCH = "sklearn.model_selection._search.BaseSearchCV"

_PACKAGES = frozenset({"site-packages", "dist-packages"})
_TESTS = frozenset({"tests", "test", "conftest"})

#: Methods that training calls anyway; what they do is no reason against a later predict.
_TRAINING = frozenset({"__init__", "fit", "partial_fit", "fit_predict", "fit_transform", "get_params", "set_params"})
_CHANGING = frozenset(
    {"STORE_ATTR", "DELETE_ATTR", "STORE_GLOBAL", "DELETE_GLOBAL", "STORE_DEREF", "STORE_SUBSCR", "DELETE_SUBSCR"}
)
_CHANGING |= {"STORE_SLICE", "IMPORT_NAME", "YIELD_VALUE"}
_SPEAKING = frozenset(
    "print open input write writelines append appendleft extend add update pop popitem insert remove clear discard "
    "setdefault setattr delattr exec eval warn warning info debug error critical exception sleep send put acquire "
    "increment inc next system run Popen save dump".split()
)


def paths(kind: type) -> frozenset[str]:
    """``module.Class`` of every class in the MRO."""
    return _paths(kind)


@functools.lru_cache(maxsize=2048)
def _paths(kind: type) -> frozenset[str]:
    return frozenset(f"{base.__module__}.{base.__qualname__}" for base in kind.__mro__)


def is_search(estimator: Any) -> bool:
    """True for GridSearchCV and its kin."""
    return _SEARCH in paths(type(estimator))


def held(obj: Any, name: str) -> Any:
    """An attribute that the object or its class has, None where there is none; a ``__getattr__`` is not asked."""
    own = getattr(obj, "__dict__", None)
    if isinstance(own, dict) and name in own:
        return own[name]
    return attempt(getattr, obj, name)[0] if hasattr(type(obj), name) else None


def final_step(estimator: Any) -> Any:
    """The last step of a Pipeline (of Pipelines) that is not passed through; the estimator itself otherwise."""
    for _ in range(16):
        if _PIPELINE not in paths(type(estimator)):
            return estimator
        steps = getattr(estimator, "steps", None)
        if not isinstance(steps, (list, tuple)):
            return estimator
        real = [step[1] for step in steps if isinstance(step, (list, tuple)) and len(step) == 2]
        real = [step for step in real if step is not None and not isinstance(step, str)]
        if not real:
            return estimator
        estimator = real[-1]
    return estimator


def only_prepares(estimator: Any) -> bool:
    """True where fitting this only prepares data: scalers, encoders, selectors, Pipelines that end in one."""
    last = final_step(estimator)
    kind = type(last)
    if _PIPELINE in paths(kind) or _UNION in paths(kind):
        return True
    if _prepares(kind):
        return True
    return not is_library(kind) and hasattr(kind, "transform") and not hasattr(kind, "predict")


@functools.lru_cache(maxsize=2048)
def _prepares(kind: type) -> bool:
    owner = next((base for base in kind.__mro__ if base.__module__.startswith("sklearn.")), kind)
    return f"{owner.__module__}.".startswith(PREPARATION) and owner.__name__ != "BaseEstimator"


@functools.lru_cache(maxsize=4096)
def is_library(kind: Any) -> bool:
    """True where a class or function comes from an installed package, False where it is the user's own code."""
    module = sys.modules.get(getattr(kind, "__module__", None) or "")
    return module is not None and _is_library_module(module)


def _is_library_module(module: ModuleType) -> bool:
    if not _TESTS.isdisjoint(module.__name__.split(".")):  # a package's tests are programs that use it
        return False
    if module.__name__.partition(".")[0] in {"sklearn", "numpy", "scipy", "builtins"}:
        return True
    file = getattr(module, "__file__", None)
    if file is None:
        return module.__name__ in sys.builtin_module_names
    path = Path(file)  # folders of packages may be anywhere: per user, on PYTHONPATH, through .pth files
    return not _PACKAGES.isdisjoint(path.parts) or any(path.is_relative_to(root) for root in _installed())


@functools.cache
def _installed() -> tuple[Path, ...]:
    import sysconfig

    return tuple(
        Path(path) for path in {sysconfig.get_path(name) for name in ("purelib", "platlib", "stdlib", "platstdlib")}
    )


def keeps_quiet(estimator: Any) -> str | None:
    """None where predicting once more changes nothing that the user could see; else the name of what might.

    Library code is taken for quiet. The user's own methods and functions are quiet where their bytecode stores no
    attribute, global or item and calls nothing that speaks or collects.
    """
    params, _ = attempt(lambda: estimator.get_params(deep=True))
    if params is None:
        return f"{type(estimator).__name__}.get_params"
    for part in (estimator, *params.values()):
        loud = None if isinstance(part, type) else _loud(part)
        if loud is not None:
            return loud
    return None


def scores_by_name(estimator: Any) -> bool:
    """True where no ``scoring`` in the estimator or in its parts is a scorer of the user's: their calls are theirs."""
    params, _ = attempt(lambda: estimator.get_params(deep=True))
    if params is None:
        return False
    given = [value for key, value in params.items() if key.rpartition("__")[2] == "scoring"]
    return all(_is_name(name) for value in given for name in (value if isinstance(value, (list, tuple)) else (value,)))


def _is_name(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _loud(part: Any, depth: int = 4) -> str | None:
    """The name of what may do more than compute in a value that predicting may use: an estimator, a function (a
    kernel, a metric), an object or module of the user's."""
    while isinstance(part, functools.partial):
        part = part.func
    if isinstance(part, MethodType):
        part = part.__func__
    if isinstance(part, BuiltinFunctionType):
        return part.__qualname__ if part.__name__ in _SPEAKING else None
    if isinstance(part, ModuleType):
        return None if _is_library_module(part) else part.__name__
    if isinstance(part, type):
        return None if is_library(part) else part.__qualname__
    if isinstance(part, FunctionType):
        return None if is_library(part) or _is_quiet(part, depth) else part.__qualname__
    return _loud_method(type(part))


@functools.lru_cache(maxsize=1024)
def _loud_method(kind: type) -> str | None:
    for base in kind.__mro__:
        if base is object or is_library(base):
            continue
        for name, member in vars(base).items():
            if name in _TRAINING or name.startswith("__sklearn"):
                continue
            for function in _functions(member):
                if function is None or not _is_quiet(function):
                    return f"{base.__qualname__}.{name}"
    return None


def _functions(member: Any) -> Iterator[FunctionType | None]:
    """The plain functions of a class member; None for a callable that cannot be looked into."""
    if isinstance(member, (staticmethod, classmethod)):
        member = member.__func__
    if isinstance(member, property):
        yield from (function for function in (member.fget,) if isinstance(function, FunctionType))
    elif isinstance(member, FunctionType):
        yield member
    elif isinstance(getattr(member, "__wrapped__", None), FunctionType):
        yield member.__wrapped__
    elif callable(member) and not isinstance(member, type):
        yield None


@functools.lru_cache(maxsize=1024)
def _is_quiet(function: FunctionType, depth: int = 4) -> bool:
    if depth == 0 or not _is_quiet_code(function.__code__):
        return False
    cells = [attempt(lambda cell=cell: cell.cell_contents)[0] for cell in function.__closure__ or ()]
    named = [function.__globals__.get(name) for name in function.__code__.co_names]
    return all(_loud(other, depth - 1) is None for other in (*cells, *named) if other is not function)


def _is_quiet_code(code: CodeType) -> bool:
    import dis

    if _SPEAKING.intersection(code.co_names):
        return False
    if any(instruction.opname in _CHANGING for instruction in dis.get_instructions(code)):
        return False
    return all(_is_quiet_code(part) for part in code.co_consts if isinstance(part, CodeType))
