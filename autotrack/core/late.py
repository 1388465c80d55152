"""Names of a package that are imported when somebody first asks for them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from .garbage import uncollected


def late_names(package: str, homes: Mapping[str, str], of: str | None = None) -> Callable[[str], Any]:
    """A module's ``__getattr__``: each name of ``homes`` is found in the module given there, relative to the package.

    A module that bears the name itself is what the name means; ``module:name`` is something that has another name
    there. ``of`` is the module that asks, where it is not the package.
    """
    asking = of or package

    def find(name: str) -> Any:
        home = homes.get(name)
        if home is None:
            raise AttributeError(f"module {asking!r} has no attribute {name!r}")
        from importlib import import_module

        with uncollected():
            there, _, other = home.partition(":")
            module = import_module(there, package)
        value = module if home.lstrip(".") == name else getattr(module, other or name)
        setattr(sys.modules[asking], name, value)
        return value

    return find
