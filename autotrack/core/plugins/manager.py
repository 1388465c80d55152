"""Loads plugins and talks to them: declarations, choices and observers, each implementation guarded by itself.

pluggy keeps the registry and checks signatures. Its own calls are not used, because there one raising implementation
stops the others.
"""

from __future__ import annotations

import importlib
import logging
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from types import FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

import pluggy

from ..addresses import shown
from ..callsite import add_plugin
from ..errors import ArtifactError, AutotrackError, PluginError, StoreError
from ..guard import Guard, attempt
from ..guard import guard as process_guard
from ..probes.frames import sealed
from ..probes.patching import Declaration
from . import hookspecs
from .discovery import EntryPoint, entry_points

if TYPE_CHECKING:
    from .flavor import Flavor
    from .pages import Panel, ServerRoute

GROUP = "autotrack"
BLOCK_VARIABLE = "AUTOTRACK_PLUGINS_BLOCK"

#: Choices that reach for a disk or a network: one that fails three times may succeed later.
_REACHING = frozenset({"open_sink", "open_artifacts", "find_model", "log_model"})

#: What pluggy takes for an implementation of a hook where it bears the mark.
_HOOKABLE = (FunctionType, MethodType, staticmethod, classmethod)

log = logging.getLogger("autotrack.manager")


class Problem(NamedTuple):
    """Why a plugin is not loaded. ``kind``: ``"missing"`` (something that it imports is not installed),
    ``"broken"`` (a bug in the plugin) or ``"blocked"``."""

    plugin: str
    kind: str
    message: str


class _Registry(pluggy.PluginManager):
    """pluggy's, quicker with modules: it looks at each of their names in turn, most of which are no function."""

    def parse_hookimpl_opts(self, plugin: Any, name: str) -> Any:
        if type(plugin) is ModuleType and type(vars(plugin).get(name)) not in _HOOKABLE:
            return None
        return super().parse_hookimpl_opts(plugin, name)


class Manager:
    """The plugins of this process. Nothing is searched or loaded before it is asked for.

    ``block`` are names of plugins never to load, besides those in ``AUTOTRACK_PLUGINS_BLOCK`` (comma separated; ``*``
    blocks all that are not asked for by name).
    """

    def __init__(self, *, block: Iterable[str] = (), guard: Guard = process_guard) -> None:
        self._guard = guard
        self._pluggy = _Registry(hookspecs.PROJECT)
        self._pluggy.add_hookspecs(hookspecs)
        self._block = {*block, *filter(None, (n.strip() for n in os.environ.get(BLOCK_VARIABLE, "").split(",")))}
        self._entries: dict[str, EntryPoint] | None = None
        #: What was wrong with plugins that are not loaded, by name.
        self.problems: dict[str, Problem] = {}

    def available(self) -> dict[str, EntryPoint]:
        """Plugins that are installed in this environment, by name, loaded or not."""
        if self._entries is None:
            self._entries = {}
            for entry in entry_points(GROUP):
                self._entries.setdefault(entry.name, entry)
        return dict(self._entries)

    def loaded(self) -> list[str]:
        """Names of the plugins that are loaded, in the order of loading."""
        return [name for name, _ in self._pluggy.list_name_plugin()]

    def load(self, *names: str) -> list[str]:
        """Loads the named plugins, or all that are installed, and answers with the names of those that are loaded now.

        A plugin that was named and cannot be loaded is a PluginError. Otherwise: something missing that it imports is
        a debug line, a bug in it one warning; both are kept in ``problems``.
        """
        available = self.available()
        if not names:
            return [name for name in available if self._load_quietly(available[name])]
        for name in names:
            if self._pluggy.get_plugin(name) is not None:
                continue
            if name not in available:
                have = ", ".join(sorted(available)) or "none"
                raise PluginError(f"no plugin named {name!r} is installed; there are: {have}")
            if name in self._block:
                raise PluginError(f"plugin {name!r} was asked for and is blocked by {BLOCK_VARIABLE} or the settings")
            module = self._import_named(available[name])
            self.register(module, name)
            self.problems.pop(name, None)
        return list(names)

    def register(self, plugin: object, name: str) -> None:
        """Takes in a plugin: a module (or object) with ``@hookimpl`` functions.

        Raises PluginError where an implementation belongs to no hook or asks for arguments that the hook does not have.
        """
        if self._pluggy.get_plugin(name) is plugin:
            return
        try:
            self._pluggy.register(plugin, name)
        except (pluggy.PluginValidationError, ValueError) as error:
            self._drop(plugin)
            raise PluginError(f"plugin {name!r} does not fit autotrack's hooks: {error}") from error
        for specs in self._ask_one(name, "register_hookspecs") or ():
            with self._guard.section(f"{name}.register_hookspecs"):
                self._pluggy.add_hookspecs(specs)
        for hook, implementation in self._implementations(plugin):
            wraps = implementation.hookwrapper or implementation.wrapper
            if wraps or (not hook.has_spec() and not implementation.optionalhook):
                self._drop(plugin)
                what = "hook wrappers are not supported" if wraps else "there is no such hook (mark it optionalhook)"
                raise PluginError(f"plugin {name!r} implements {hook.name}: {what}")

    def unregister(self, name: str) -> None:
        """Forgets a plugin; one that is not loaded is no error."""
        if self._pluggy.get_plugin(name) is not None:
            self._pluggy.unregister(name=name)

    # Declarations.

    def patches(self, *names: str) -> list[tuple[str, list[Declaration]]]:
        """What the loaded plugins (or the named ones) watch, a plugin at a time."""
        return [(name, list(found)) for name, found in self._declared("register_patches", names)]

    def flavors(self) -> list[Flavor]:
        """All model formats of the loaded plugins."""
        return [flavor for _, found in self._declared("register_flavors") for flavor in found]

    def settings(self, *names: str) -> dict[str, Mapping[str, Any]]:
        """Settings of the loaded plugins (or the named ones) with their defaults, by plugin."""
        return {name: dict(found) for name, found in self._declared("register_settings", names)}

    def panels(self) -> dict[str, list[Panel]]:
        """Panels of the loaded plugins, by plugin."""
        return {name: list(found) for name, found in self._declared("register_panels")}

    def routes(self) -> dict[str, list[ServerRoute]]:
        """Routes that the loaded plugins add to a server, by plugin."""
        return {name: list(found) for name, found in self._declared("register_routes")}

    def run_tags(self) -> dict[str, str]:
        """Tags for a run that starts now; of two plugins that set one tag, the later one wins."""
        tags: dict[str, str] = {}
        for name, found in self._declared("run_tags"):
            with self._guard.section(f"{name}.run_tags"):
                tags.update(found)
        return tags

    def _declared(self, hook: str, names: Iterable[str] = ()) -> list[tuple[str, Any]]:
        wanted = list(names) or self.loaded()
        answers = [(name, self._ask_one(name, hook)) for name in wanted]
        return [(name, answer) for name, answer in answers if answer]

    def _ask_one(self, name: str, hook: str) -> Any:
        for implementation in getattr(self._pluggy.hook, hook).get_hookimpls():
            if implementation.plugin_name == name:
                return self._guard.call_plugin(f"{name}.{hook}", implementation.function)
        return None

    # Choices and observers.

    def choose(self, hook: str, **arguments: Any) -> Any | None:
        """The first answer that is not None; the plugin registered last is asked first, a failing one passed over.

        An AutotrackError is an answer, too, and raised: the plugin is the right one, and says what is in the way. Of
        hooks that reach for a disk or a network, so is what else fails, if nobody else answers; they are asked anew
        each time.
        """
        caller = self._caller(hook)
        failed: AutotrackError | None = None
        for implementation in reversed(caller.get_hookimpls()):
            name = str(implementation.plugin_name)
            chosen = [arguments[argument] for argument in implementation.argnames]
            if hook in _REACHING:
                answer, error = attempt(_outcome, implementation.function, *chosen)
                failed = failed if error is None else self._unreached(name, hook, arguments, error)
            else:
                answer = self._guard.call_plugin(f"{name}.{hook}", _outcome, implementation.function, *chosen)
            if isinstance(answer, AutotrackError):
                raise answer
            if answer is not None:
                return answer
        if failed is not None:
            raise failed
        return None

    def _unreached(
        self, plugin: str, hook: str, arguments: Mapping[str, Any], error: Exception
    ) -> ArtifactError | StoreError:
        """What a hook failed with, for the caller. A place that is away is no failure of ours; a bug is noted."""
        site = f"{plugin}.{hook}"
        if not isinstance(error, OSError) and not self._guard.is_off(site):
            self._guard.record(site, error)
        uri = str(arguments.get("uri", ""))
        said = f"{type(error).__name__}: {error}"
        said = self._guard.mask(said.replace(uri, shown(uri)) if uri else said)
        if hook == "log_model":
            return ArtifactError(f"plugin {plugin!r} could not save the model ({said})")
        verb = "reach" if isinstance(error, OSError) else "open"
        return StoreError(f"plugin {plugin!r} could not {verb} {shown(uri)} ({said}); the next use tries again")

    def notify(self, hook: str, **arguments: Any) -> None:
        """Tells every observer, one by one; what they return or raise changes nothing for the others.

        Whatever an observer calls is not watched. With no observer this costs a microsecond.
        """
        implementations = self._caller(hook).get_hookimpls()
        if not implementations:
            return
        with sealed():
            for implementation in reversed(implementations):
                self._guarded(hook, implementation, arguments)

    def owned(self, hook: str) -> None:
        """PluginError where a hook is autotrack's own: those are called by autotrack alone."""
        if hasattr(hookspecs, hook):
            raise PluginError(f"{hook!r} is a hook of autotrack's own; a plugin calls those that a plugin declares")
        self._caller(hook)

    def has(self, hook: str) -> bool:
        """True where a plugin implements the hook."""
        return bool(self._caller(hook).get_hookimpls())

    def _guarded(self, hook: str, implementation: pluggy.HookImpl, arguments: Mapping[str, Any]) -> Any:
        chosen = [arguments[name] for name in implementation.argnames]
        return self._guard.call_plugin(f"{implementation.plugin_name}.{hook}", implementation.function, *chosen)

    def _caller(self, hook: str) -> pluggy.HookCaller:
        caller: pluggy.HookCaller | None = getattr(self._pluggy.hook, hook, None)
        if caller is None:
            raise PluginError(
                f"there is no hook named {hook!r}; a plugin's own are in the modules of its register_hookspecs"
            )
        return caller

    # Loading.

    def _load_quietly(self, entry: EntryPoint) -> bool:
        name = entry.name
        if self._pluggy.get_plugin(name) is not None:
            return True
        if name in self._block or "*" in self._block:
            self.problems[name] = Problem(name, "blocked", "blocked by the user")
            return False
        if name in self.problems:
            return False
        section = self._guard.section(f"plugin {name}")
        with section:
            try:
                self.register(self._import(entry), name)
            except ModuleNotFoundError as error:
                if _is_own(entry, error.name):
                    raise
                log.debug("plugin %s is not loaded: %s", name, error)
                self.problems[name] = Problem(name, "missing", str(error))
                return False
        if section.failed:
            self.problems[name] = Problem(name, "broken", self._guard.failures[-1].error)
        return not section.failed

    def _import(self, entry: EntryPoint) -> ModuleType | Any:
        module_name, _, attribute = entry.target.partition(":")
        found: Any = importlib.import_module(module_name)
        add_plugin(sys.modules[module_name.partition(".")[0]])
        for part in filter(None, attribute.split(".")):
            found = getattr(found, part)
        return found

    def _import_named(self, entry: EntryPoint) -> Any:
        missing: ImportError | None = None
        section = self._guard.section(f"plugin {entry.name}")
        with section:
            try:
                return self._import(entry)
            except ImportError as error:
                missing = error
        if missing is not None:
            raise PluginError(f"plugin {entry.name!r} cannot be loaded: {missing}") from missing
        raise PluginError(f"plugin {entry.name!r} cannot be loaded: {self._guard.failures[-1].error}")

    def _drop(self, plugin: object) -> None:
        if self._pluggy.is_registered(plugin):
            self._pluggy.unregister(plugin)

    def _implementations(self, plugin: object) -> list[tuple[pluggy.HookCaller, pluggy.HookImpl]]:
        return [
            (hook, implementation)
            for hook in self._pluggy.get_hookcallers(plugin) or ()
            for implementation in hook.get_hookimpls()
            if implementation.plugin is plugin
        ]


def _outcome(function: Callable[..., Any], *arguments: Any) -> Any:
    """What the function returns, or the AutotrackError that it raises."""
    try:
        return function(*arguments)
    except AutotrackError as error:
        return error


def _is_own(entry: EntryPoint, missing: str | None) -> bool:
    """True where the module that is missing is part of the plugin itself or of autotrack: a bug, no absent library."""
    top = (missing or "").partition(".")[0]
    return top in ("", "autotrack", entry.target.partition(":")[0].partition(".")[0])
