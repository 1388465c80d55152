"""Names of a package that are imported when somebody first asks for them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any


def late_names(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """A module's ``__getattr__``: each name of ``homes`` is found in the module given there (relative: ``".a"``)."""

    def find(name: str) -> Any:
        home = homes.get(name)
        if home is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        from importlib import import_module

        value = getattr(import_module(home, package), name)
        setattr(sys.modules[package], name, value)
        return value

    return find
