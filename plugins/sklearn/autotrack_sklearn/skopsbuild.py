"""Builds the usual estimators out of a skops file that was read and judged, without importing skops.

Importing skops walks every module of scikit-learn (a second, more where torch is installed), to know the names of all
estimators. For a file that names its own that is not needed. Built here is what is plain: scikit-learn's public
estimators, containers, numbers, arrays, trees. ``NotPlain`` says of anything else that skops is to build it; tests
compare the two for every estimator.
"""

from __future__ import annotations

import importlib
import json
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from .arrays import read, read_array
from .owners import TREE
from .skopstree import Node, SkopsTree
from .vouched import vouched

_BUILTIN_TYPES = {
    f"builtins.{kind.__name__}": kind for kind in (str, int, float, bool, complex, bytes, list, tuple, dict, set)
}
_SERIES: dict[str, Callable[[Any], Any]] = {"builtins.list": list, "builtins.tuple": tuple, "builtins.set": set}
#: Parts of scikit-learn that hold no estimators of its own, and may run something when they are imported.
_ELSEWHERE = (".tests", ".externals", ".conftest", ".datasets", "._build_utils", ".experimental")


class NotPlain(Exception):
    """The file holds something that is left to skops."""


def build(tree: SkopsTree, sound: set[str]) -> Any:
    """The object in a file whose content was judged; ``sound`` are the names that were found harmless (NotPlain)."""
    return _Builder(tree, sound).build(tree.root)


class _Builder:
    def __init__(self, tree: SkopsTree, sound: set[str]) -> None:
        import numpy

        self.np = numpy
        self.tree = tree
        self.sound = sound
        self.made: dict[int, Any] = {}
        self.by_loader: dict[str, Callable[[Node], Any]] = {
            "JsonNode": lambda node: json.loads(node.state["content"]),
            "ListNode": self._series,
            "TupleNode": self._series,
            "SetNode": self._series,
            "DictNode": self._dict,
            "NdArrayNode": self._array,
            "TypeNode": self._type,
            "FunctionNode": self._function,
            "ObjectNode": self._object,
            "TreeNode": self._tree,
            "RandomStateNode": self._random_state,
            "DTypeNode": lambda node: self.build(node.items["content"]).dtype,
            "SparseMatrixNode": self._sparse,
        }

    def build(self, node: Node) -> Any:
        if id(node) in self.made:
            return self.made[id(node)]
        made = self.by_loader.get(node.loader)
        if made is None:
            raise NotPlain(node.loader)
        found = self.made[id(node)] = made(node)
        return found

    def _series(self, node: Node) -> Any:
        kind = _SERIES.get(node.name)
        if kind is None:
            raise NotPlain(node.name)
        return kind([self.build(item) for item in node.items.values()])

    def _dict(self, node: Node) -> Any:
        if node.name not in ("builtins.dict", "collections.OrderedDict"):
            raise NotPlain(node.name)
        kinds = [self.build(kind) for kind in node.more[0].items.values()]
        found: Any = OrderedDict() if node.name != "builtins.dict" else {}
        for kind, (key, item) in zip(kinds, node.items.items(), strict=True):
            # JSON has text for keys; numbers come back as what they were.
            found[key if kind is str else kind(key)] = self.build(item)
        return found

    def _array(self, node: Node) -> Any:
        if node.state["type"] == "json":
            if node.name != "numpy.ndarray":
                raise NotPlain(node.name)
            shape = self.build(node.more[0])
            found = self.np.empty(shape, dtype=object)
            if found.ndim != 1 or len(found) != len(node.items):
                raise NotPlain("an object array of more than one dimension")
            for at, item in enumerate(node.items.values()):
                found[at] = self.build(item)
            return found
        array = read_array(self.tree.archive, node.state["file"])
        if node.name == "numpy.ndarray":
            return array
        if array.shape != () or node.name != f"numpy.{type(array[()]).__name__}":
            raise NotPlain(node.name)
        return array[()]

    def _type(self, node: Node) -> Any:
        found = _BUILTIN_TYPES.get(node.name) or self._numpy_type(node.name)
        if found is None:
            raise NotPlain(node.name)
        return found

    def _numpy_type(self, name: str) -> Any:
        module, _, kind = name.partition(".")
        found = getattr(self.np, kind, None) if module == "numpy" and kind.isidentifier() else None
        return found if isinstance(found, type) and issubclass(found, self.np.generic) else None

    def _function(self, node: Node) -> Any:
        if not vouched(node.loader, node.name):
            raise NotPlain(node.name)
        module, _, name = node.name.rpartition(".")
        return getattr(importlib.import_module(module), name)

    def _object(self, node: Node) -> Any:
        kind = _estimator(node.name)
        if kind is None:
            if not (vouched(node.loader, node.name) or node.name in self.sound):
                raise NotPlain(node.name)
            kind = _class(node.name)
        found = kind.__new__(kind)
        if "content" not in node.items:
            return found
        self.made[id(node)] = found
        state = self.build(node.items["content"])
        if state is None:
            return found
        if isinstance(state, tuple) or hasattr(found, "__setstate__"):
            found.__setstate__(state)
        else:
            found.__dict__.update(state)
        return found

    def _tree(self, node: Node) -> Any:
        if node.name != TREE or TREE not in self.sound:
            raise NotPlain(node.name)
        found = _class(TREE)(*self.build(node.items["args"]))
        found.__setstate__(self.build(node.items["content"]))
        return found

    def _random_state(self, node: Node) -> Any:
        if node.name != "numpy.random.mtrand.RandomState":
            raise NotPlain(node.name)
        found = self.np.random.RandomState(0)  # the state is set; no entropy is asked for
        found.set_state(self.build(node.items["content"]))
        return found

    def _sparse(self, node: Node) -> Any:
        if node.name not in self.sound:
            raise NotPlain(node.name)
        import io

        from scipy.sparse import load_npz

        return load_npz(io.BytesIO(read(self.tree.archive, node.state["file"])))


def _estimator(name: str) -> Any:
    """The class of a public estimator of scikit-learn; None where the name is of nothing of the kind."""
    module, _, kind = name.rpartition(".")
    if not module.startswith("sklearn.") or kind.startswith("_") or any(part in module for part in _ELSEWHERE):
        return None
    try:
        found = getattr(importlib.import_module(module), kind, None)
    except ImportError:
        return None
    from sklearn.base import BaseEstimator

    if not isinstance(found, type) or not issubclass(found, BaseEstimator) or f"{found.__module__}.{kind}" != name:
        return None
    # Public is what scikit-learn shows in a module that is: helpers of its tests are estimators, too.
    parts = module.split(".")
    private = next((at for at, part in enumerate(parts) if part.startswith("_")), len(parts))
    shown = importlib.import_module(".".join(parts[:private]))
    return found if getattr(shown, kind, None) is found else None


def _class(name: str) -> Any:
    module, _, kind = name.rpartition(".")
    found = getattr(importlib.import_module(module), kind, None)
    if not isinstance(found, type) or f"{found.__module__}.{found.__name__}" != name:
        raise NotPlain(name)
    return found
