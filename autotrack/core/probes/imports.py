"""Tells when a module has been imported, without importing it and without touching its loader.

A module's spec carries ``_initializing``, which the import system sets to False when the module is complete. A spec
that is of interest gets a class in which that is an event. So a module that is half imported is waited for, which a
wrapped loader cannot do, and the module keeps the loader and the spec that it would have had.
"""

from __future__ import annotations

import importlib.util
import sys
import threading
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from ..guard import guard
from ..locks import Lock

Callback = Callable[[ModuleType], None]

#: The class of a module that ``importlib.util.LazyLoader`` loads when it is first used.
_LAZY: type | None = getattr(importlib.util, "_LazyModule", None)

_lock = Lock()
_wanted: dict[str, list[Callback]] = {}
_searching = threading.local()
_spec_classes: dict[type, type] = {}


def when_imported(name: str, callback: Callback) -> Callable[[], None]:
    """Calls ``callback(module)`` once the module is imported completely: at once if it is already.

    Returns a function that takes the wish back. What the callback raises is recorded by the guard.
    """

    def cancel() -> None:
        with _lock:
            waiting = _wanted.get(name)
            if waiting and callback in waiting:
                waiting.remove(callback)
                _tidy(name)

    with _lock:
        module = sys.modules.get(name)
        spec = _spec_of(module)
        lazy = module is not None and type(module) is _LAZY
        if module is None or lazy or getattr(spec, "_initializing", False):
            _wanted.setdefault(name, []).append(callback)
            if lazy:
                _announce_lazy(spec)
            elif module is not None:
                _announce(spec)
            elif _finder not in sys.meta_path:
                sys.meta_path.insert(0, _finder)
            return cancel
    guard.call(f"import of {name}", callback, module)
    return cancel


def _spec_of(module: ModuleType | None) -> Any:
    """A module's spec, past a lazy module's own attribute access, which would load it."""
    try:
        return object.__getattribute__(module, "__dict__").get("__spec__")
    except AttributeError:
        return getattr(module, "__spec__", None)


class _Announcer:
    """Mixed into the class of one spec until its module is complete."""

    name: str

    @property
    def _initializing(self) -> bool:
        return bool(self.__dict__.get("_initializing", False))

    @_initializing.setter
    def _initializing(self, value: bool) -> None:
        self.__dict__["_initializing"] = value
        if not value:
            self.__class__ = type(self).__bases__[1]
            _loaded(self.name)


def _announce(spec: Any) -> None:
    kind = type(spec)
    if issubclass(kind, _Announcer):
        return
    announcing = _spec_classes.get(kind)
    if announcing is None:
        announcing = _spec_classes[kind] = type(f"Announcing{kind.__name__}", (_Announcer, kind), {})
    with guard.section("import hook"):
        spec.__class__ = announcing


class _LazyEnd:
    """Stands for the loader of a lazy module (``importlib.util.LazyLoader``) until that is used, and runs."""

    def __init__(self, spec: Any) -> None:
        self._spec, self._loader = spec, spec.loader

    def exec_module(self, module: ModuleType) -> None:
        self._spec.loader = self._loader
        self._loader.exec_module(module)
        _loaded(self._spec.name)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)


def _announce_lazy(spec: Any) -> None:
    if not isinstance(getattr(spec, "loader", None), _LazyEnd):
        with guard.section("import hook"):
            spec.loader = _LazyEnd(spec)


def _loaded(name: str) -> None:
    module = sys.modules.get(name)
    if module is None:  # its import failed; it may be tried again
        return
    with _lock:
        waiting = _wanted.pop(name, [])
        _tidy(name)
    for callback in waiting:
        guard.call(f"import of {name}", callback, module)


def _tidy(name: str) -> None:
    if not _wanted.get(name, True):
        del _wanted[name]
    if not _wanted and _finder in sys.meta_path:
        sys.meta_path.remove(_finder)


class _Finder:
    """Stands first on ``sys.meta_path`` while something is waited for. Finds nothing by itself."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in _wanted or getattr(_searching, "name", None) == fullname:
            return None
        _searching.name = fullname
        try:
            for finder in list(sys.meta_path):
                find = None if finder is self else getattr(finder, "find_spec", None)
                spec: ModuleSpec | None = find(fullname, path, target) if find is not None else None
                if spec is not None:
                    if target is None:  # a reload has a target, and no end that could be seen
                        _announce(spec)
                    return spec
            return None
        finally:
            _searching.name = None


_finder: Any = _Finder()
