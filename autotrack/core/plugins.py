"""The plugins of this process, loaded when they are first needed."""

from __future__ import annotations

import threading
from typing import Any

from .config import load_settings
from .errors import StoreError
from .manager import Manager

_lock = threading.RLock()
_manager: Manager | None = None


def plugins() -> Manager:
    """The plugin manager with all installed plugins loaded, save those that the settings block."""
    global _manager
    with _lock:
        if _manager is None:
            manager = Manager(block=load_settings().plugins_block)
            manager.load()
            _manager = manager
        return _manager


def notify(hook: str, **arguments: Any) -> None:
    """Tells the observers of a hook, if plugins are loaded at all."""
    if _manager is not None:
        _manager.notify(hook, **arguments)


def artifacts(uri: str) -> Any:
    """The artifact storage under a folder or URI. StoreError where no plugin opens it."""
    storage = plugins().choose("open_artifacts", uri=uri)
    if storage is None:
        raise StoreError(f"no plugin keeps artifacts at {uri!r}; give a folder or a URI that fsspec knows")
    return storage


def forget_plugins() -> None:
    """Loads plugins anew at the next use (for tests, and for settings that changed)."""
    global _manager
    with _lock:
        _manager = None
