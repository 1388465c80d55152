"""What a fitted estimator in a skops file will have as attributes, where none of them hides a method of its class."""

from __future__ import annotations

import functools
import importlib
import inspect

from .arrays import Refused
from .skopstree import Node


def fitted(node: Node) -> dict[str, Node]:
    """The attributes of an object whose class is scikit-learn's, none of which stands in front of a method."""
    held = node.attributes()
    if node.loader != "ObjectNode" or not held:
        raise Refused(f"a {node.name} has no state")
    hidden = sorted(key for key in held if key in _methods(node.name))
    if hidden:
        raise Refused(f"a {node.name} brings its own {hidden[0]}, which is a method")
    return held


@functools.cache
def _methods(name: str) -> frozenset[str]:
    """The names of a scikit-learn class's methods and properties."""
    module, _, kind = name.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), kind)
    except (ImportError, AttributeError):
        raise Refused(f"there is no {name} in the scikit-learn that is installed here") from None
    return frozenset(
        key
        for key, value in ((key, inspect.getattr_static(found, key, None)) for key in dir(found))
        if callable(value) or hasattr(type(value), "__get__")
    )
