"""Which flavor a model belongs to. Class paths are compared as text, so no library is imported to find out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from autotrack.core.errors import PluginError, UsageError
from autotrack.core.plugins.flavor import Flavor


def flavor_of(model: Any, flavors: Iterable[Flavor]) -> Flavor | None:
    """The flavor that names the nearest class in the model's MRO; None where none handles it."""
    handlers = {path: flavor for flavor in flavors for path in flavor.handles}
    for kind in type(model).__mro__:
        flavor = handlers.get(f"{kind.__module__}:{kind.__qualname__}")
        if flavor is not None:
            return flavor
    return None


def require_flavor(model: Any, flavors: Iterable[Flavor], name: str | None = None) -> Flavor:
    """The flavor that saves this model: the named one, else the one of its class (UsageError without any)."""
    known = tuple(flavors)
    if name is not None:
        return named_flavor(name, known)
    flavor = flavor_of(model, known)
    if flavor is None:
        kind = type(model)
        raise UsageError(
            f"no plugin can save a {kind.__module__}.{kind.__qualname__}; flavors here: "
            f"{', '.join(sorted(flavor.name for flavor in known)) or 'none'}"
        )
    return flavor


def named_flavor(name: str, flavors: Iterable[Flavor]) -> Flavor:
    """The flavor of that name (PluginError where no plugin brings it)."""
    known = {flavor.name: flavor for flavor in flavors}
    if name not in known:
        raise PluginError(f"no plugin brings the flavor {name!r}; there are: {', '.join(sorted(known)) or 'none'}")
    return known[name]
