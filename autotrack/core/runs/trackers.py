"""The trackers of this process: one a store, and one of them in force."""

from __future__ import annotations

import atexit
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from .. import exits, process
from ..config import Location, Settings, find_store, load_settings, usable_settings, usable_store
from ..errors import UsageError
from ..guard import guard, warn
from ..locks import Lock
from ..session import watchers
from . import active
from .tracker import Tracker

if TYPE_CHECKING:
    from .run import Run

#: Seconds that ``disable()`` waits for files to be hashed.
WATCH_TIMEOUT = 1.0


def _masked(text: str) -> str:
    from ..session.masking import mask  # with the first error

    return mask(text)


guard.mask = _masked  # errors of plugins may quote a store's URI, with its password

_trackers: dict[str, Tracker] = {}
_registry_lock = Lock()
_hooked = False
#: What was said about settings that cannot be meant.
_said: set[str] = set()
#: Done when all trackers have been closed, for modules that remember a run.
at_close: list[Callable[[], None]] = []
#: When a launched program began whose run is made at its end if it makes none itself (nanoseconds since the epoch).
_launched: int | None = None


def tracker() -> Tracker:
    """The tracker in force, made from the settings at the first call.

    It is asked for in the middle of somebody's training: a setting that cannot be meant costs one warning and stays at
    its default, and runs for a store whose URI cannot be meant go where they would without one. Only ``strict`` makes
    it a UsageError.
    """
    current = _in_force()
    if current is not None:
        return current
    settings = _usable_settings()
    location, problem = usable_store(settings.tracking_uri)
    if problem is not None:
        _say([problem], settings, f"runs are kept in {location.root}")
    return _use(settings, location)


def tracker_to_read() -> Tracker:
    """The tracker in force, for somebody who reads: UsageError where the settings do not say which store is meant."""
    return _in_force() or configure(load_settings())


def configure(settings: Settings) -> Tracker:
    """Makes the tracker for these settings the one in force. Runs that are open go on where they are. UsageError where
    their store's URI cannot be meant."""
    return _use(settings, find_store(settings.tracking_uri))


def _in_force() -> Tracker | None:
    current = active.current
    return None if current is None or current.closed else current


def _usable_settings() -> Settings:
    settings, problems = usable_settings()
    _say(problems, settings, "the default is taken")
    return settings


def _say(problems: list[UsageError], settings: Settings, outcome: str) -> None:
    for problem in problems:
        if settings.strict:
            raise problem
        if str(problem) not in _said:
            _said.add(str(problem))
            warn(f"{problem}; {outcome}", silent=settings.silent)


def _use(settings: Settings, location: Location) -> Tracker:
    with _registry_lock:
        known = _trackers.get(location.uri)
        if known is None or known.closed:
            known = _trackers[location.uri] = Tracker(settings, location, attach)
        else:
            known.settings = settings
            known.meter.share, known.meter.allowance = settings.overhead_share, settings.overhead_allowance
        guard.silent = settings.silent
        active.current = known
        _hook_process()
        return known


def tracker_at(uri: str) -> Tracker:
    """The tracker of a given store, for writing to runs that were read from there.

    A remote store's address without credentials means the store in force, or one that this process has opened, of that
    address: with the credentials that were given for it.
    """
    location = _with_credentials(find_store(uri))
    with _registry_lock:
        found = _trackers.get(location.uri)
        if found is None or found.closed:
            found = _trackers[location.uri] = Tracker(_usable_settings(), location, attach)
            _hook_process()
        return found


def _with_credentials(location: Location) -> Location:
    if location.is_local or location.uri.rstrip("/") != location.shown:
        return location
    known = [tracker.location for tracker in (_in_force(), *_trackers.values()) if tracker is not None]
    known.append(usable_store(usable_settings()[0].tracking_uri)[0])
    return next((found for found in known if found.shown == location.shown), location)


def attach(uri: str, run_id: str) -> Run:
    """The run of that id in a store, to read and to write more; the very object where this process records it."""
    from .run import Run

    tracker = tracker_at(uri)
    return tracker.runs.get(run_id) or Run(run_id, tracker=lambda: tracker, sink=tracker.sink)


def launched() -> None:
    """This process runs a program that somebody asked to track: if it makes no run, it gets one at its end."""
    # All that the exit needs is imported now: the program may hide modules of the standard library behind its own, and
    # Python forgets an uncaught KeyboardInterrupt where a class is made from text (dataclasses) after it.
    from . import program  # noqa: F401

    global _launched
    _launched = time.time_ns()


def stop_watching() -> None:
    """Watches no files and no console any more; what was seen so far is kept."""
    global _launched
    _launched = None
    for known in list(_trackers.values()):
        known.stop_watching(WATCH_TIMEOUT)
    watchers.stop()


def close_all(*, at_exit: bool = False) -> None:
    """Closes every tracker of the process (at exit, and between tests)."""
    global _launched
    exits.begun = at_exit
    started, _launched = _launched, None
    if at_exit and started is not None and not any(known.has_written for known in _trackers.values()):
        from .program import record_program

        guard.call("the program's run", record_program, tracker(), started)
    for known in list(_trackers.values()):
        guard.call("exit", known.close, at_exit=at_exit)
    for action in at_close:
        action()
    with _registry_lock:
        _trackers.clear()
        _said.clear()
        active.current = None


def _hook_process() -> None:
    global _hooked
    if not _hooked:
        _hooked = True
        atexit.register(close_all, at_exit=True)
        process.on_fork("the tracker", _after_fork)


def _after_fork() -> None:
    global _launched
    _launched = None
    for known in _trackers.values():
        known.after_fork()
