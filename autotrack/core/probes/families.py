"""A watched family of classes: which classes belong, and how the installer hears of new ones."""

from __future__ import annotations

import time
import weakref
from typing import TYPE_CHECKING, Any

from .capture import MISSING
from .patching import Family

if TYPE_CHECKING:
    from .installer import Installer


class FamilyWatch:
    """A family whose base class is there. Holds it weakly."""

    __slots__ = ("_base", "_exclude", "declaration", "plugin")

    def __init__(self, plugin: str, declaration: Family, base: type, exclude: tuple[str, ...]) -> None:
        self.plugin = plugin
        self.declaration = declaration
        self._base = weakref.ref(base)
        self._exclude = tuple(prefix.replace(":", ".") for prefix in (*declaration.exclude, *exclude))

    def base(self) -> type | None:
        return self._base()

    def leaves_out(self, cls: type) -> bool:
        if not self._exclude:
            return False
        path = f"{cls.__module__}.{cls.__qualname__}."
        return any(path.startswith(prefix + ".") for prefix in self._exclude)


class Creation:
    """Stands for ``__init_subclass__`` of one class: does what it did, then tells the installer of the new class."""

    __slots__ = ("_owner", "installer", "stood")

    def __init__(self, installer: Installer, owner: type, stood: Any) -> None:
        self.installer = installer
        self.stood = stood
        self._owner = weakref.ref(owner)

    def __call__(self, /, cls: type, **kwargs: Any) -> None:
        owner = self._owner()
        assert owner is not None  # it is in the MRO of cls
        if self.stood is MISSING:
            super(owner, cls).__init_subclass__(**kwargs)  # type: ignore[arg-type]
        else:
            self.stood.__get__(None, cls)(**kwargs)
        engine = self.installer.engine
        began = time.perf_counter()
        engine.guard.call("class creation", self.installer.created, owner, cls)
        engine.took(time.perf_counter() - began)


def is_hook(value: Any) -> bool:
    """True for the ``__init_subclass__`` that a family has put in place."""
    return type(value) is classmethod and isinstance(value.__func__, Creation)
