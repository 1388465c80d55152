"""The one place where autotrack's own failures stop.

Everything of ours that runs inside somebody's training goes through ``Guard``: an exception becomes one warning a
site and a note for the run. A plugin's site is off after three strikes; the core's own (the courier, the journal,
``start_run``) are tried again each time. No other module may catch ``Exception``.
KeyboardInterrupt and SystemExit always pass.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, ParamSpec, Protocol, TypeVar

from .locks import Lock

P = ParamSpec("P")
T = TypeVar("T")

STRIKES = 3
#: Failures of one site that are kept and noted on runs; further ones are only counted.
MAX_NOTED = 100

log = logging.getLogger("autotrack.guard")


class Failure(NamedTuple):
    """One failure of ours: where, and what it said."""

    site: str
    error: str


class Switch(Protocol):
    """What of the probe engine says whether a call is watched (``capture.Engine``)."""

    armed: bool
    threads: bool

    def lets_through(self, outer: None) -> bool: ...


class Section:
    """``with guard.section("site"):`` — the block's Exception is counted and swallowed."""

    __slots__ = ("_guard", "_site", "failed")

    def __init__(self, guard: Guard, site: str) -> None:
        self._guard = guard
        self._site = site
        self.failed = False

    def __enter__(self) -> Section:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, Exception):
            return False
        self.failed = True
        self._guard.record(self._site, error)
        return True


class Handing:
    """``with guard.handing(react):`` — the block's Exception goes to ``react`` instead of to the caller."""

    __slots__ = ("_react",)

    def __init__(self, react: Callable[[Exception], None]) -> None:
        self._react = react

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, Exception):
            return False
        self._react(error)
        return True


class Guard:
    """Counts failures by site; a plugin's site is off after three of them."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._strikes: dict[str, int] = {}
        self.failures: list[Failure] = []
        self.on_failure: Callable[[Failure], None] | None = None
        self.silent = False
        #: Takes secrets out of messages, which go to the terminal and onto the run.
        self.mask: Callable[[str], str] = str

    def is_off(self, site: str) -> bool:
        """True once a plugin's site has failed three times: do not enter it again."""
        return self._strikes.get(site, 0) >= STRIKES

    def call(self, site: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """Calls a function of the core; answers None where it fails."""
        try:
            return function(*args, **kwargs)
        except Exception as error:
            self.record(site, error)
            return None

    def call_plugin(self, site: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """Calls a plugin's function; answers None where it fails, or has failed three times and is not called again."""
        return None if self.is_off(site) else self.call(site, function, *args, **kwargs)

    def guarded(self, site: str, function: Callable[..., T]) -> Callable[..., T | None]:
        """A plugin's function as one that never fails, for a library to call in a loop with positional arguments."""
        strikes = self._strikes

        def guarded(*args: object) -> T | None:
            # One function entered, not three: between two calls the library has emptied the processor's caches.
            if strikes and self.is_off(site):
                return None
            try:
                return function(*args)
            except Exception as error:
                self.record(site, error)
                return None

        return guarded

    def shield(
        self, site: str, function: Callable[..., object], switch: Switch, current: Callable[[], Any]
    ) -> Callable[..., None]:
        """A plugin's function as one that never fails: for hot loops (see ``core/listening.py``).

        It is not entered while the switch is off, nor while ``current()``, the innermost frame, is open.
        """
        strikes = self._strikes

        def shielded(*args: object) -> None:
            frame = current()
            if (frame is not None and frame.state) or not switch.armed or (strikes and self.is_off(site)):
                return
            if not switch.threads and switch.lets_through(None):
                return
            try:
                function(*args)
            except Exception as error:
                self.record(site, error)

        return shielded

    def section(self, site: str) -> Section:
        """A ``with`` block whose Exception is recorded and swallowed."""
        return Section(self, site)

    def handing(self, react: Callable[[Exception], None]) -> Handing:
        """A ``with`` block whose Exception is given to ``react``; what ``react`` raises goes to the caller."""
        return Handing(react)

    def record(self, site: str, error: BaseException) -> None:
        """Counts a failure, warns the first time at a site, and tells the active run."""
        failure = Failure(site, f"{type(error).__name__}: {_text(error, self.mask)}"[:2000])
        with self._lock:
            strikes = self._strikes[site] = self._strikes.get(site, 0) + 1
            if strikes <= MAX_NOTED and len(self.failures) < 1000:
                self.failures.append(failure)
        log.debug("failure at %s", site, exc_info=error)
        if strikes == 1:
            warn(f"{site} failed ({failure.error}); training goes on, and the run says so", silent=self.silent)
        if self.on_failure is not None and strikes <= MAX_NOTED:
            try:
                self.on_failure(failure)
            except Exception as nested:
                log.debug("could not note a failure on the run", exc_info=nested)

    def reset(self) -> None:
        """Forgets all strikes (for ``enable()`` after ``disable()``, and for forked children)."""
        self._strikes.clear()
        self.failures.clear()


def attempt(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> tuple[T | None, Exception | None]:
    """Calls the user's code, or a library's with the user's data: its Exception is an answer, not a failure of ours.

    Answers (result, None) or (None, error); counts and warns nothing.
    """
    try:
        return function(*args, **kwargs), None
    except Exception as error:
        return None, error


async def attempt_async(awaitable: Awaitable[T]) -> tuple[T | None, Exception | None]:
    """The same for what is awaited."""
    try:
        return await awaitable, None
    except Exception as error:
        return None, error


def _text(error: BaseException, mask: Callable[[str], str]) -> str:
    text, _ = attempt(lambda: mask(str(error)))
    return text if text is not None else "<no message>"


def warn(message: str, *, silent: bool = False) -> None:
    """One line for the person at the terminal.

    Goes to the ``autotrack`` logger where the program has set up logging, else to stderr. Python's ``warnings`` are
    not used: their filters belong to the user, and under ``-W error`` a warning of ours would stop the training.
    """
    if silent:
        return
    logger = logging.getLogger("autotrack")
    if any(not isinstance(handler, logging.NullHandler) for handler in (*logger.handlers, *logging.root.handlers)):
        logger.warning(message)
        return
    stream = sys.stderr
    if stream is not None:
        try:
            stream.write(f"autotrack: {message}\n")
        except (OSError, ValueError):  # closed or full: there is nobody left to tell
            log.debug("stderr is gone: %s", message)


#: The process's guard. One, because its strikes are about this process's autotrack, whoever calls it.
guard = Guard()
