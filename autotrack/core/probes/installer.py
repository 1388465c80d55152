"""Puts wrappers in place and takes them out again, exactly.

Nothing is imported for the sake of patching: modules that are there are patched at once, others when they load. The
ledger holds only names: what stood before is kept by the wrapper itself, so that a user's class is not kept alive by
having been watched.
"""

from __future__ import annotations

import inspect
import logging
import sys
import weakref
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

from ..callsite import is_users
from ..errors import PluginError
from ..locks import Lock
from . import imports
from .capture import MISSING, Engine, Watch
from .closures import CONTENTS, Inside, inside
from .families import Creation, FamilyWatch, is_hook
from .ledger import Ledger
from .listening import listener, watch_for
from .patching import Declaration, Family, Hook, Later, Patch, Tap
from .watched import Watched, stood_before, watched, wrap_attribute, wrapper_in
from .wishes import Wish, in_tested_range, require_target

log = logging.getLogger("autotrack.installer")


class Installer:
    """Applies the declarations of plugins to one engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._lock = Lock()
        self._ledger = Ledger()
        self._families: list[FamilyWatch] = []
        self._watches: weakref.WeakSet[Watch] = weakref.WeakSet()
        self._cancels: list[tuple[str, Callable[[], None]]] = []
        self._installed: dict[str, list[Declaration]] = {}
        self._closures: list[Inside] = []
        #: The user's own modules, held weakly, and what the program had imported when they were looked up.
        self._users: tuple[tuple[int, int], list[weakref.ref[ModuleType]]] = ((0, 0), [])

    def install(
        self, plugin: str, declarations: Iterable[Declaration], *, by_name: bool = False, exclude: Iterable[str] = ()
    ) -> None:
        """Watches what a plugin declares, now or when its modules load.

        ``exclude`` are module or class path prefixes to leave alone, besides those of the families. Where the user
        asked for the plugin by name, a target that is not installed or out of the tested range is a PluginError (a
        warning if it shows only later, inside the user's own import); otherwise it is a debug line. A second install
        of a plugin replaces the first.
        """
        declarations = list(declarations)
        if plugin in self._installed:
            self.uninstall(plugin)
        if by_name:
            require_target(plugin, declarations)
        self._installed[plugin] = declarations
        try:
            self._install(Wish(plugin, tuple(exclude), by_name), declarations)
        except PluginError:
            self.uninstall(plugin)
            raise

    def uninstall(self, plugin: str | None = None) -> None:
        """Puts back what stood before, for one plugin or all.

        An attribute that somebody else has replaced meanwhile is left alone; our wrapper inside it passes calls on.
        """
        with self._lock:
            for owner, cancel in self._cancels:
                if plugin in (None, owner):
                    cancel()
            self._cancels = [entry for entry in self._cancels if plugin not in (None, entry[0])]
            self._families = [family for family in self._families if plugin not in (None, family.plugin)]
            for watch in list(self._watches):
                if plugin in (None, watch.plugin):
                    watch.off = True
            for owner, name in self._ledger.entries():
                self._restore(owner, name)
            left = {id(owner) for owner, _ in self._ledger.entries()}
            self._closures = [closure for closure in self._closures if id(closure) in left]
            if plugin is None:
                self._installed.clear()
            else:
                self._installed.pop(plugin, None)

    def installed(self) -> list[str]:
        """The plugins that are installed, in the order of installation."""
        return list(self._installed)

    def watched(self) -> list[str]:
        """Every place that is patched at this moment, as ``"module:Class.method"``, sorted."""
        places = set()
        for owner, name in self._ledger.entries():
            if wrapper_in(vars(owner).get(name)) is not None:
                places.add(_path(owner, name))
        return sorted(places)

    def visit_again(self) -> None:
        """Watches family members whose methods were written anew behind our back (by unpickling a class)."""
        with self._lock:
            for family in self._families:
                base = family.base()
                if base is not None:
                    self._visit_tree(family, base)

    def _install(self, wish: Wish, declarations: Iterable[Declaration]) -> None:
        for declaration in declarations:
            if isinstance(declaration, Later):
                self._install_later(wish, declaration)
            elif isinstance(declaration, Family):
                self._install_family(wish, declaration)
            elif isinstance(declaration, Hook):
                self._install_hook(wish, declaration)
            else:
                self._install_patch(wish, declaration)

    def _install_later(self, wish: Wish, later: Later) -> None:
        def apply(module: ModuleType, now: Wish) -> None:
            self._install(now, later.declare())

        self._when_imported(wish, later, later.module, apply)

    def _when_imported(
        self, wish: Wish, declaration: Declaration, place: str, apply: Callable[[ModuleType, Wish], None]
    ) -> None:
        module_name, _, path = place.partition(":")
        if not path and not isinstance(declaration, Hook | Later):
            raise PluginError(f"plugin {wish.plugin!r}: {place!r} is not of the form 'module:attribute'")
        refused: list[PluginError] = []
        now = wish

        def loaded(module: ModuleType) -> None:
            try:
                with self._lock:
                    if in_tested_range(now, declaration, module, silent=self.engine.guard.silent):
                        apply(module, now)
            except PluginError as error:
                if not (now.by_name and now.raises):
                    raise
                refused.append(error)  # the guard that stands around import hooks must not have it

        self._cancels.append((wish.plugin, imports.when_imported(module_name, loaded)))
        now = wish._replace(raises=False)  # from here on we are inside the user's own import
        if refused:
            raise refused[0]

    # Patches.

    def _install_patch(self, wish: Wish, patch: Patch | Tap) -> None:
        shared: dict[str, Any] = {}
        for place in (patch.target, *patch.also):
            path = place.partition(":")[2]

            def apply(module: ModuleType, _: Wish, place: str = place, path: str = path) -> None:
                self._apply_patch(wish.plugin, patch, module, path, place, shared)

            self._when_imported(wish, patch, place, apply)

    def _apply_patch(
        self, plugin: str, patch: Patch | Tap, module: ModuleType, path: str, place: str, shared: dict[str, Any]
    ) -> None:
        *parents, name = path.split(".")
        owner: Any = module
        for parent in parents:
            owner = getattr(owner, parent, None)
        if type(owner) is ModuleType:
            stood = vars(owner).get(name, MISSING)
        else:
            stood = inspect.getattr_static(owner, name, MISSING) if owner is not None else MISSING
        if stood is MISSING:
            if place != patch.target or patch.optional:
                log.debug("%s: there is no %s here", plugin, place)
                return
            raise PluginError(
                f"plugin {plugin!r} watches {place}, and this version of {module.__name__.partition('.')[0]} "
                "does not have it: the plugin's patch and its version range need a look"
            )
        if isinstance(stood, type):
            raise PluginError(f"plugin {plugin!r}: {place} is a class; watch a method of it, such as {place}.__init__")
        closure = inside(stood, patch.target) if patch.inner else None
        if closure is not None:
            owner, name, stood = closure, CONTENTS, closure.cell_contents
        wrapper = wrapper_in(stood)
        if wrapper is not None and self._is_from(plugin, wrapper) and wrapper._watch.probe is patch.probe:
            if closure is not None:
                return
            self._ledger.add(owner, name)  # bound here by an import that came after the patch
            return
        if closure is not None:
            self._closures.append(closure)  # the ledger holds it weakly
            self._put(closure, CONTENTS, watched(stood, self._watch(plugin, patch, patch.target, takes_self=False)))
            return
        if isinstance(owner, type):
            inherited = name not in vars(owner)
            watch = self._watch(plugin, patch, _path(owner, name), takes_self=True)
            self._put(owner, name, wrap_attribute(stood, watch, inherited=inherited))
            return
        original = shared.setdefault("original", stood)
        if original is not stood:
            log.debug("%s: %s is another function than %s", plugin, place, patch.target)
            return
        if "wrapper" not in shared:
            shared["wrapper"] = watched(stood, self._watch(plugin, patch, patch.target, takes_self=False))
            self._put_where_imported(stood, shared["wrapper"])
        self._put(owner, name, shared["wrapper"])

    def _put_where_imported(self, stood: Any, wrapper: Watched) -> None:
        """Also in the user's own modules that said ``from library import function`` before ``enable()``."""
        modules = list(sys.modules.values())
        imported = len(modules), id(modules[-1])
        if self._users[0] != imported:  # looked through once for all patches that are applied together
            users = [module for module in modules if type(module) is ModuleType and is_users(module)]
            # Held weakly: what the program's own modules have must go when it would without us, at its very end.
            self._users = imported, [weakref.ref(module) for module in users]
        for module in filter(None, [reference() for reference in self._users[1]]):
            for name, value in list(vars(module).items()):
                if value is stood:
                    self._put(module, name, wrapper)

    # Hooks.

    def _install_hook(self, wish: Wish, hook: Hook) -> None:
        def apply(module: ModuleType, _: Wish) -> None:
            take_out = hook.attach(module, listener(self.engine, wish.plugin, hook.observer))

            def cancel() -> None:
                with self.engine.guard.section(f"{wish.plugin}.undo"):
                    take_out()

            self._cancels.append((wish.plugin, cancel))

        self._when_imported(wish, hook, hook.module, apply)

    # Families.

    def _install_family(self, wish: Wish, family: Family) -> None:
        path = family.base.partition(":")[2]

        def apply(module: ModuleType, _: Wish) -> None:
            base: Any = module
            for name in path.split("."):
                base = getattr(base, name, None)
            if not isinstance(base, type):
                raise PluginError(
                    f"plugin {wish.plugin!r} watches the classes under {family.base}, which is no class here"
                )
            watched = FamilyWatch(wish.plugin, family, base, wish.exclude)
            self._families.append(watched)
            self._hook_creation(base)
            for value in list(vars(module).values()):  # mixins whose __init_subclass__ runs around the base's
                if isinstance(value, type) and not issubclass(base, value):
                    for mixin in value.__mro__:
                        if "__init_subclass__" in vars(mixin) and mixin not in base.__mro__:
                            self._hook_creation(mixin)
            self._visit_tree(watched, base)

        self._when_imported(wish, family, family.base, apply)

    def _visit_tree(self, family: FamilyWatch, base: type) -> None:
        seen: set[int] = set()
        waiting = [base]
        while waiting:
            cls = waiting.pop()
            if id(cls) in seen:
                continue
            seen.add(id(cls))
            waiting.extend(type.__subclasses__(cls))
            with self.engine.guard.section(f"{family.plugin}.visit"):
                self._visit(family, cls, base)

    def _visit(self, family: FamilyWatch, cls: type, base: type) -> None:
        for relative in cls.__mro__:
            if relative is base:
                break
            if "__init_subclass__" in vars(relative):
                self._hook_creation(relative)
        if family.leaves_out(cls):
            return
        for name in family.declaration.methods:
            stood = vars(cls).get(name, MISSING)
            if stood is MISSING or getattr(stood, "__isabstractmethod__", False):
                continue
            if not callable(stood) and not hasattr(type(stood), "__get__"):
                continue  # None switches an inherited method off; any other value is none either
            wrapper = wrapper_in(stood)
            if wrapper is not None and self._is_from(family.plugin, wrapper):
                self._ledger.add(cls, name)  # an alias of a watched method
                continue
            watch = self._watch(family.plugin, family.declaration, _path(cls, name), takes_self=True)
            self._put(cls, name, wrap_attribute(stood, watch))

    def _hook_creation(self, owner: type) -> None:
        stood = vars(owner).get("__init_subclass__", MISSING)
        if is_hook(stood) and stood.__func__.installer is self:
            return
        try:
            type.__setattr__(owner, "__init_subclass__", classmethod(Creation(self, owner, stood)))  # type: ignore[arg-type]
        except TypeError:  # a class of an extension module cannot be changed
            log.debug("cannot watch the creation of classes under %r", owner)
            return
        self._ledger.add(owner, "__init_subclass__")

    def created(self, owner: type, cls: type) -> None:
        """A class was created under a hooked one. The outermost hook visits it, when all others have done their part:
        what they put around a method then stays inside our wrapper, and taking it out is exact."""
        for relative in cls.__mro__[1:]:
            stood = vars(relative).get("__init_subclass__")
            if stood is not None:
                if relative is not owner and is_hook(stood):
                    return
                break
        with self._lock:
            for family in self._families:
                base = family.base()
                if base is not None and base in cls.__mro__:
                    self._visit(family, cls, base)

    # Shared.

    def _watch(self, plugin: str, declaration: Declaration, target: str, *, takes_self: bool) -> Watch:
        watch = watch_for(self.engine, plugin, declaration, target, takes_self)
        self._watches.add(watch)
        return watch

    def _is_from(self, plugin: str, wrapper: Any) -> bool:
        watch: Watch = wrapper._watch
        return watch.plugin == plugin and watch.engine is self.engine and not watch.off

    def _put(self, owner: Any, name: str, value: Any) -> None:
        if isinstance(owner, type):
            type.__setattr__(owner, name, value)  # past a metaclass's own __setattr__, which could do anything
        else:
            setattr(owner, name, value)
        self._ledger.add(owner, name)

    def _restore(self, owner: Any, name: str) -> None:
        while True:
            value = vars(owner).get(name)
            if is_hook(value):
                if self._families or value.__func__.installer is not self:
                    return
                stood = value.__func__.stood
            else:
                wrapper = wrapper_in(value)
                if wrapper is None or wrapper._watch.engine is not self.engine:
                    break
                if not wrapper._watch.off:
                    return
                stood = stood_before(value, wrapper)
            if isinstance(owner, type):
                if stood is MISSING:
                    type.__delattr__(owner, name)
                else:
                    type.__setattr__(owner, name, stood)
            elif stood is MISSING:
                delattr(owner, name)
            else:
                setattr(owner, name, stood)
        self._ledger.drop(owner, name)


def _path(owner: Any, name: str) -> str:
    if type(owner) is Inside:
        return owner.target
    if isinstance(owner, type):
        return f"{owner.__module__}:{owner.__qualname__}.{name}"
    return f"{owner.__name__}:{name}"
