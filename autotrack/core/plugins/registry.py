"""The plugins of this process, loaded when they are first needed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .. import process
from ..addresses import shown
from ..config import find_store, project_table, usable_settings, usable_table
from ..errors import StoreError, UsageError
from ..garbage import uncollected
from ..guard import warn
from ..locks import Lock
from .manager import Manager
from .settings import in_force, unknown

if TYPE_CHECKING:
    from pathlib import Path

    from ..sink import Sink

_lock = Lock()
_manager: Manager | None = None
_settings: dict[str, Mapping[str, Any]] = {}
#: What of the plugins' settings cannot be meant.
_refused: list[UsageError] = []


def plugins() -> Manager:
    """The plugin manager with all installed plugins loaded, save those that the settings block.

    A plugin's setting that cannot be meant costs one warning and stays at its default (under
    ``strict`` it is a UsageError); see ``check_settings``.
    """
    manager = _manager
    return manager if manager is not None else _load()


def _load() -> Manager:
    global _manager
    with _lock:
        if _manager is None:
            common, _ = usable_settings()
            with uncollected():
                manager = Manager(block=common.plugins_block)
                manager.load()
            table, _ = usable_table()
            declared = manager.settings()
            _refused.clear()
            for name, defaults in declared.items():
                _settings[name] = in_force(name, defaults, table, _refused)
            if _refused and common.strict:
                raise _refused[0]
            for message in (*map(_outcome, _refused), *unknown(table, declared)):
                warn(message, silent=common.silent)
            _manager = manager
        return _manager


def _outcome(problem: UsageError) -> str:
    return f"{problem}; the default is taken"


def check_settings() -> None:
    """UsageError where a setting of a loaded plugin cannot be meant."""
    plugins()
    if _refused:
        raise _refused[0]


def settings(plugin: str) -> Mapping[str, Any]:
    """The settings in force of one plugin (see ``register_settings``); empty where it has none."""
    manager = plugins()
    if plugin not in _settings:  # loaded by name, after the others
        with _lock:
            _settings[plugin] = in_force(plugin, manager.settings(plugin).get(plugin, {}), project_table())
    return _settings[plugin]


def role() -> process.Role:
    """``"main"``, ``"worker"`` or ``"rank"``: what this process is, plugins being asked too."""
    return process.role(lambda: plugins().choose("process_role"))


def run_tags() -> dict[str, str]:
    """Tags that plugins give to a run that starts now."""
    return plugins().run_tags()


def open_sink(uri: str) -> Sink:
    """The store for a URI. StoreError where no plugin opens it."""
    sink: Sink | None = plugins().choose("open_sink", uri=uri)
    if sink is None:
        raise StoreError(f"no plugin opens {shown(uri)!r}; a folder, sqlite:/// or a plugin's own scheme is wanted")
    return sink


def store_at(uri: str | None = None) -> tuple[Sink, Path]:
    """The store at a URI, or the one in force here, and the folder with this machine's files of it.

    For commands; to be closed by the caller. StoreError where no plugin opens it.
    """
    location = find_store(uri)
    return open_sink(location.uri), location.root


def artifacts(uri: str) -> Any:
    """The artifact storage under a folder or URI. StoreError where no plugin opens it."""
    storage = plugins().choose("open_artifacts", uri=uri)
    if storage is None:
        raise StoreError(f"no plugin keeps artifacts at {shown(uri)!r}; give a folder or a URI that fsspec knows")
    return storage


#: The same, as ``autotrack.plugin`` names it.
artifacts_at = artifacts


def choose(hook: str, **arguments: Any) -> Any | None:
    """For the plugin that declares a hook: the first answer to it that is not None (see ``register_hookspecs``).

    PluginError where no plugin declares such a hook, or it is autotrack's own.
    """
    plugins().owned(hook)
    return plugins().choose(hook, **arguments)


def notify(hook: str, **arguments: Any) -> None:
    """For the plugin that declares a hook: calls every implementation, each guarded; what they return is ignored."""
    plugins().owned(hook)
    plugins().notify(hook, **arguments)


def forget_plugins() -> None:
    """Loads plugins anew at the next use (for tests, and for settings that changed)."""
    global _manager
    with _lock:
        _manager = None
        _settings.clear()
