"""The flavors that the plugins bring, plugins being loaded if they are not yet."""

from __future__ import annotations

from collections.abc import Sequence

from autotrack.core.flavor import Flavor


def registered_flavors() -> Sequence[Flavor]:
    """All flavors of the plugins that are installed and not blocked."""
    from autotrack.core.plugins import plugins

    return tuple(plugins().flavors())
