"""A module as plain data and tensors, and back: no pickle, and no constructor of the user's is called.

``module.json`` (format 1): a node for each module, with ``class`` ("torch.nn.modules.linear:Linear"), ``training``,
``attributes`` (what stands in the object besides what torch keeps there), ``parameters`` and ``buffers`` (names of
tensors in ``model.safetensors``; null where the module has none) and ``modules`` (nodes; a number for a module that
stands in the tree before, counted from 0 in that order; null). Values that JSON does not have are objects with one key
that begins with ``$``: ``{"$tuple": [...]}``, ``{"$float": "inf"}``, ``{"$function": "torch.nn.functional:relu"}``.
"""

from __future__ import annotations

import importlib
import math
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

FORMAT = 1
DEEPEST = 200

#: Finds the class for a node's ``class``.
FindClass = Callable[[str], type]


class NotPlain(Exception):
    """Something in a module is neither a tensor nor plain data; the message says what and where."""


class Tree:
    """A module taken apart: ``root`` is its description, ``tensors`` the tensors by name, each once."""

    def __init__(self, module: Any) -> None:
        self.tensors: dict[str, Any] = {}
        self.classes: dict[str, type] = {}
        self._names: dict[int, str] = {}
        self._numbers: dict[int, int] = {}
        self._usual = frozenset(vars(sys.modules["torch"].nn.Module()))
        self.root = self._node(module, "", 0)

    def _node(self, module: Any, name: str, depth: int) -> Any:
        if module is None:
            return None
        if id(module) in self._numbers:
            return self._numbers[id(module)]
        if depth > DEEPEST:
            raise NotPlain(f"{name} is nested deeper than {DEEPEST} modules")
        self._numbers[id(module)] = len(self._numbers)
        kind, state = type(module), vars(module)
        path = f"{kind.__module__}:{kind.__qualname__}"
        if "<locals>" in path:
            raise NotPlain(f"the class {kind.__qualname__} was made inside a function")
        self.classes[path] = kind
        for key, value in state.items():
            if key.endswith("_hooks") and value:
                raise NotPlain(f"{name or 'the model'} has hooks")
        left_out = _DERIVED if hasattr(kind, "_init_flat_weights") else frozenset()
        node: dict[str, Any] = {"class": path, "training": bool(state.get("training", True))}
        node["attributes"] = {
            key: plain(value, f"{name}.{key}")
            for key, value in state.items()
            if key not in self._usual and key not in left_out
        }
        node["parameters"] = {key: self._tensor(value, name, key) for key, value in state["_parameters"].items()}
        node["frozen"] = [
            key for key, value in state["_parameters"].items() if value is not None and not value.requires_grad
        ]
        node["buffers"] = {key: self._tensor(value, name, key) for key, value in state["_buffers"].items()}
        node["passing"] = sorted(state.get("_non_persistent_buffers_set", ()))
        node["modules"] = {
            key: self._node(child, f"{name}.{key}" if name else key, depth + 1)
            for key, child in state["_modules"].items()
        }
        return node

    def _tensor(self, tensor: Any, owner: str, key: str) -> str | None:
        if tensor is None:
            return None
        torch = sys.modules["torch"]
        name = f"{owner}.{key}" if owner else key
        if type(tensor) not in (
            torch.Tensor,
            torch.nn.Parameter,
            torch.nn.Buffer if hasattr(torch.nn, "Buffer") else None,
        ):
            raise NotPlain(f"{name} is a {type(tensor).__name__}")
        if tensor.layout != torch.strided or tensor.is_quantized or tensor.device.type == "meta":
            raise NotPlain(f"{name} is no dense tensor")
        known = self._names.setdefault(id(tensor), name)
        self.tensors[known] = tensor
        return known


def rebuilt(root: Mapping[str, Any], tensors: Mapping[str, Any], find_class: FindClass) -> Any:
    """The module that a description and its tensors are of. NotPlain where they do not fit together."""
    torch = sys.modules["torch"]
    made: list[Any] = []
    parameters: dict[str, Any] = {}

    def tensor(name: Any) -> Any:
        if not isinstance(name, str) or name not in tensors:
            raise NotPlain(f"there is no tensor {name!r}")
        return tensors[name]

    def parameter(name: Any, frozen: bool) -> Any:
        if name is None:
            return None
        if name not in parameters:
            parameters[name] = torch.nn.Parameter(tensor(name), requires_grad=not frozen)
        return parameters[name]

    def module(node: Any, depth: int) -> Any:
        if node is None:
            return None
        if type(node) is int and 0 <= node < len(made):
            return made[node]
        if not isinstance(node, Mapping) or depth > DEEPEST:
            raise NotPlain("a node of the description is none")
        kind = find_class(str(node.get("class")))
        obj = object.__new__(kind)
        torch.nn.Module.__init__(obj)
        made.append(obj)
        state = vars(obj)
        for key, value in _part(node, "attributes").items():
            if key in state or key.startswith("__"):
                raise NotPlain(f"{key!r} cannot be an attribute of a module")
            state[key] = from_plain(value)
        frozen = set(node.get("frozen") or ())
        state["training"] = bool(node.get("training", True))
        state["_parameters"].update(
            {key: parameter(name, key in frozen) for key, name in _part(node, "parameters").items()}
        )
        state["_buffers"].update(
            {key: None if name is None else tensor(name) for key, name in _part(node, "buffers").items()}
        )
        state["_non_persistent_buffers_set"].update(str(key) for key in node.get("passing") or ())
        state["_modules"].update({key: module(child, depth + 1) for key, child in _part(node, "modules").items()})
        if hasattr(kind, "_init_flat_weights"):
            obj._init_flat_weights()
        return obj

    return module(root, 0)


def _part(node: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = node.get(name)
    if not isinstance(part, Mapping) or not all(isinstance(key, str) for key in part):
        raise NotPlain(f"the description has no {name}")
    return part


def classes_in(root: Any) -> Iterator[str]:
    """The class of every node."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Mapping):
            yield str(node.get("class"))
            modules = node.get("modules")
            waiting.extend(modules.values() if isinstance(modules, Mapping) else ())


def plain(value: Any, where: str, depth: int = 0) -> Any:
    """A value as JSON has it. NotPlain for anything but numbers, texts, a few containers and torch's own constants."""
    kind = type(value)
    if value is None or kind in (bool, int, str):
        return value
    if kind is float:
        return value if math.isfinite(value) else {"$float": repr(value)}
    if depth > DEEPEST:
        raise NotPlain(f"{where} is nested too deep")
    if kind in (list, tuple, set, frozenset):
        items = [plain(item, where, depth + 1) for item in value]
        return items if kind is list else {f"${kind.__name__}": items}
    if kind in (dict, OrderedDict):
        return {"$dict": [[plain(key, where, depth + 1), plain(item, where, depth + 1)] for key, item in value.items()]}
    torch = sys.modules["torch"]
    if kind is torch.Size:
        return {"$size": list(value)}
    if kind in (torch.dtype, torch.device):
        return {f"${kind.__name__}": str(value)}
    path = _function_path(value)
    if path is not None:
        return {"$function": path}
    raise NotPlain(f"{where.lstrip('.')} is a {kind.__module__}.{kind.__qualname__}")


def from_plain(value: Any) -> Any:
    """The value that ``plain`` made this of."""
    if isinstance(value, list):
        return [from_plain(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    ((key, content),) = value.items() if len(value) == 1 else (("", None),)
    torch = sys.modules["torch"]
    if key == "$float":
        return float(content)
    if key in ("$tuple", "$set", "$frozenset") and isinstance(content, list):
        return {"$tuple": tuple, "$set": set, "$frozenset": frozenset}[key](from_plain(item) for item in content)
    if key == "$dict":
        return {from_plain(name): from_plain(item) for name, item in content}
    if key == "$size":
        return torch.Size(int(size) for size in content)
    if key == "$device":
        return torch.device(str(content))
    if key == "$dtype":
        found = getattr(torch, str(content).rpartition(".")[2], None)
        if type(found) is torch.dtype:
            return found
    if key == "$function":
        found = _function(str(content))
        if found is not None:
            return found
    raise NotPlain(f"{value!r:.80} is no value of a module")


def _function_path(value: Any) -> str | None:
    """Where one of torch's own functions of tensors is found (``torch.nn.functional:relu``); None for anything else."""
    name = getattr(value, "__name__", None)
    if not callable(value) or not isinstance(name, str):
        return None
    return next((path for path in (f"{place}:{name}" for place in _PLACES) if _function(path) is value), None)


def _function(path: str) -> Any:
    place, _, name = path.partition(":")
    if place not in _PLACES or name.startswith("_"):
        return None
    found = getattr(importlib.import_module(place), name, None)
    # In torch itself only what computes with tensors: not torch.load, torch.compile and the like.
    computes = place == "torch.nn.functional" or type(found).__name__ == "builtin_function_or_method"
    return found if computes and callable(found) and not isinstance(found, type) else None


_PLACES = ("torch.nn.functional", "torch")
#: What recurrent layers keep of their parameters besides: made anew.
_DERIVED = frozenset({"_flat_weights", "_flat_weight_refs"})
