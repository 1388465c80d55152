"""``enable()`` and ``disable()``: watching on and off."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

from . import process
from .config import load_settings
from .garbage import uncollected
from .guard import guard
from .locks import Lock
from .plugins.registry import check_settings, plugins, role
from .runs.trackers import configure, stop_watching, tracker
from .session import watchers

if TYPE_CHECKING:
    from .probes.bridges import JoblibBridge
    from .probes.capture import Call, Engine
    from .probes.frames import Frame
    from .probes.installer import Installer
    from .runs.proberun import ProbeRun

_lock = Lock()
_watching: Watching | None = None
#: What calls of ``enable()`` have said since the last ``disable()``.
_given: dict[str, Any] = {}
_libraries: tuple[str, ...] = ()


class Watching:
    """The probe engine of this process and what it has put in place."""

    def __init__(self) -> None:
        from .probes.bridges import JoblibBridge
        from .probes.capture import Engine
        from .probes.installer import Installer

        self.engine: Engine = Engine(open_run)
        self.engine.spent = spent
        self.installer: Installer = Installer(self.engine)
        self.bridge: JoblibBridge = JoblibBridge(self.engine, self.installer.visit_again)

    def after_fork(self) -> None:
        """A forked child goes quiet: its parent records."""
        self.engine.reset()


def open_run(call: Call, parent: Frame | None) -> ProbeRun:
    """Where a watched call is recorded; ``parent`` is the frame of the call that it is a child of."""
    kind = _probe_run()
    outer = parent.run if parent is not None else None
    return kind(call, outer if isinstance(outer, kind) else None)


@cache
def _probe_run() -> type[ProbeRun]:
    with uncollected():
        from .runs.proberun import ProbeRun

    return ProbeRun


def spent(seconds: float) -> None:
    """Counts autotrack's own time on the user's thread."""
    tracker().meter.add(seconds)


@uncollected()
def enable(
    *libraries: str,
    experiment: str | None = None,
    models: bool | None = None,
    datasets: bool | None = None,
    exclude: Iterable[str] | None = None,
    silent: bool | None = None,
    **settings: Any,
) -> None:
    """Watches the training calls of every library that a plugin knows, from here on.

    ``libraries`` restricts it to the plugins named (``enable("sklearn")``; PluginError where one cannot be used).
    ``exclude`` are class or module paths to leave alone. Other settings are those of docs/settings.md. A further call
    changes what it gives and leaves the rest as earlier calls set it; after ``disable()`` all starts from the defaults
    again. Worker processes and ranks above 0 are left as they are. Raises UsageError for settings that cannot be meant.
    """
    global _watching, _libraries
    settings |= {"experiment": experiment, "models": models, "datasets": datasets, "silent": silent}
    settings["exclude"] = None if exclude is None else tuple(exclude)
    given = _given | {name: value for name, value in settings.items() if value is not None}
    chosen = load_settings(**given)
    libraries = libraries or _libraries
    if not chosen.enabled or role() != "main":
        return
    with _lock:
        manager = plugins()
        check_settings()
        if libraries:
            manager.load(*libraries)
        configure(chosen)
        if _watching is None:
            _watching = Watching()
            process.on_fork("the probe engine", _watching.after_fork)
        watching = _watching
        guard.silent = chosen.silent
        # Names of plugins may stand among the excluded as well: exclude=("sklearn",) leaves all of it alone.
        for name, declarations in manager.patches(*libraries):
            if name not in chosen.exclude:
                watching.installer.install(name, declarations, by_name=name in libraries, exclude=chosen.exclude)
        for name in watching.installer.installed():
            if (libraries and name not in libraries) or name in chosen.exclude:
                watching.installer.uninstall(name)
        _given.update(given)
        _libraries = libraries
        watching.bridge.install()
        watchers.start(chosen, tracker().location.root)
        process.mark_tracked()
        watching.engine.armed = True
    if "AUTOTRACK_RUN" in os.environ:
        from .runs.handing import take_over

        guard.call("take_over", take_over)


def disable() -> None:
    """Stops watching and puts every original back. Runs that are open stay open."""
    global _libraries
    with _lock:
        _given.clear()
        _libraries = ()
        if _watching is None:
            return
        _watching.engine.armed = False
        _watching.bridge.uninstall()
        _watching.installer.uninstall()
        stop_watching()


def given() -> tuple[tuple[str, ...], dict[str, Any]]:
    """What ``enable()`` was called with, for ``enable_worker``: names of plugins, and settings."""
    return _libraries, dict(_given)


def enable_worker(libraries: tuple[str, ...], settings: dict[str, Any]) -> None:
    """Watches in a worker process that is the first rank of a job, as its parent does with what ``given()`` answers."""
    process.lead()
    enable(*libraries, **settings)


def is_enabled() -> bool:
    """True while this process watches."""
    return _watching is not None and _watching.engine.armed
