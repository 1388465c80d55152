"""The flavors that the plugins bring and choose, plugins being loaded if they are not yet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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
