"""For whom a library is watched, and what becomes of one that is not here, or in a version that nobody has tested."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable
from types import ModuleType
from typing import NamedTuple

from ..errors import PluginError
from ..guard import warn
from ..versions import in_range, installed_version, is_installed
from .patching import Declaration, place_of

log = logging.getLogger("autotrack.installer")


class Wish(NamedTuple):
    """Who wants something watched."""

    plugin: str
    #: Module or class path prefixes to leave alone.
    exclude: tuple[str, ...]
    #: The user asked for the plugin by name: what cannot be watched is then said.
    by_name: bool
    #: By raising it, for the user's call of ``enable()`` has not returned.
    raises: bool = True


def in_tested_range(wish: Wish, declaration: Declaration, module: ModuleType, *, silent: bool) -> bool:
    """False for a version outside of the tested range. PluginError, or a warning, where the plugin was asked for."""
    if declaration.versions is None:
        return True
    top = module.__name__.partition(".")[0]
    version = installed_version(declaration.distribution or top, top)
    if version is None or in_range(version, declaration.versions):
        return True
    message = (
        f"plugin {wish.plugin!r} was tested with {declaration.distribution or top} {declaration.versions}, and "
        f"{version} is installed: it is left unwatched"
    )
    if wish.by_name and wish.raises:
        raise PluginError(message)
    if wish.by_name:
        warn(message, silent=silent)
    log.debug(message)
    return False


def require_target(plugin: str, declarations: Iterable[Declaration]) -> None:
    """PluginError where nothing of what a plugin watches is installed."""
    tops = {place_of(declaration).partition(":")[0].split(".")[0] for declaration in declarations}
    if tops and not any(top in sys.modules or is_installed(top) for top in tops):
        raise PluginError(
            f"plugin {plugin!r} was asked for, and {' and '.join(sorted(tops))} is not installed here: "
            "install it, or leave the plugin out of enable()"
        )
