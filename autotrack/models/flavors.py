"""The flavors of the plugins, and which one a model belongs to: class paths are compared as text, nothing is loaded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from autotrack.core.errors import PluginError, UsageError
from autotrack.core.plugins.flavor import Flavor


def registered_flavors() -> Sequence[Flavor]:
    """All flavors of the plugins that are installed and not blocked."""
    from autotrack.core.plugins.registry import plugins

    return tuple(plugins().flavors())


def chosen_flavor(model: Any) -> str | None:
    """The name of the flavor that a plugin chooses for this model; None where its class is to decide."""
    from autotrack.core.plugins.registry import plugins

    name = plugins().choose("choose_flavor", model=model)
    return None if name is None else str(name)


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
