"""Which signal ended a process, noted without a Python signal handler.

``faulthandler`` writes from its own C handler and then hands the signal on, so the process still dies at once and with
the same status, ``signal.getsignal`` answers what it did before, and a handler of the program's own still runs.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import weakref
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

#: Where each signal's words stand in the file; what lies between is never written and takes no room.
_REGION = 1 << 20
_CHAINED = ("SIGTERM", "SIGHUP")
_FATAL_AT = len(_CHAINED) * _REGION
_FATAL = {
    "Segmentation fault": "SIGSEGV",
    "Aborted": "SIGABRT",
    "Bus error": "SIGBUS",
    "Illegal instruction": "SIGILL",
    "Floating": "SIGFPE",  # "Floating point exception", with a hyphen from Python 3.12 on
}
_FATAL_PREFIX = "Fatal Python error: "
_FATAL_SIGNALS = {signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE}
_CHAINED_PREFIXES = ("Stack (most recent call first)", "Current thread ", "Thread ")
_READ_LIMIT = 64 * 1024


class LastWord(NamedTuple):
    """The signal that a process noted ("SIGTERM", "SIGSEGV", ...) and where it was, as ``faulthandler`` writes it."""

    signal: str
    traceback: str


class _Place:
    """What faulthandler writes to. It alone holds this object: once it is gone, somebody else's file is registered."""

    __slots__ = ("__weakref__", "_descriptor")

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def fileno(self) -> int:
        return self._descriptor

    def flush(self) -> None:
        """Nothing is buffered."""


def last_words_path(journal: Path) -> Path:
    """The file beside a journal that last words are written to."""
    return journal.with_name(journal.name + ".last")


class LastWords:
    """Notes SIGTERM, SIGHUP and fatal signals of this process beside its journal.

    One a process, used again by a forked child (``disarm()``, then ``arm()`` beside the child's own journal).
    """

    def __init__(self) -> None:
        self._path: Path | None = None
        self._pid = 0
        self._identity = (0, 0)
        self._chained: dict[signal.Signals, tuple[weakref.ref[_Place], object, int]] = {}
        self._fatal: weakref.ref[_Place] | None = None
        self._fatal_descriptor = -1
        self._hidden = False

    def arm(self, journal: Path) -> None:
        """Starts noting, in ``last_words_path(journal)`` (0600). Raises OSError where the file cannot be made.

        Left alone: a signal that is ignored, one that somebody handles in C (faulthandler itself included), and fatal
        signals where faulthandler or anybody else handles one.
        """
        self.disarm()
        path = last_words_path(journal)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            os.fchmod(descriptor, 0o600)
            found = os.fstat(descriptor)
        finally:
            os.close(descriptor)
        self._path, self._pid, self._identity = path, os.getpid(), (found.st_dev, found.st_ino)
        caught = _caught_signals()
        for number, name in enumerate(_CHAINED):
            signum = signal.Signals[name]
            handler = signal.getsignal(signum)
            if handler is signal.SIG_IGN or handler is None:
                continue
            if handler == signal.SIG_DFL and (caught is None or signum in caught):
                continue  # Python thinks that nobody handles it; the kernel knows better, or cannot be asked
            place = _Place(self._open(number * _REGION))
            faulthandler.register(signum, file=place, all_threads=False, chain=True)
            self._chained[signum] = weakref.ref(place), handler, place.fileno()
        # A virtual machine in the process (Java's) lives by handling SIGSEGV: to stand before it would break it.
        ours = self._fatal is not None and self._fatal() is not None
        if ours or (caught is not None and not caught & _FATAL_SIGNALS and not faulthandler.is_enabled()):
            place = _Place(self._open(_FATAL_AT))
            faulthandler.enable(file=place, all_threads=False)
            self._close(self._fatal_descriptor, fatal=True)
            self._fatal, self._fatal_descriptor = weakref.ref(place), place.fileno()
            self._hide()

    def disarm(self) -> None:
        """Stops noting and removes the file if nothing was noted. In a forked child the parent's file is let be.

        What the program has registered meanwhile stays as it is.
        """
        for signum, (place, handler, descriptor) in self._chained.items():
            # Unregistering puts back the handler of arming time: wrong where the program has set one since.
            if place() is not None and signal.getsignal(signum) == handler:
                faulthandler.unregister(signum)
            self._close(descriptor)
        self._chained.clear()
        if self._fatal is not None and self._ours(self._fatal_descriptor):
            # faulthandler.disable() would put old handlers back too, over any that a library has set since: what is
            # said from now on goes nowhere instead.
            nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
            os.dup2(nowhere, self._fatal_descriptor, inheritable=False)
            os.close(nowhere)
        path, self._path = self._path, None
        if path is not None and os.getpid() == self._pid:
            with suppress(OSError):  # gone with its directory, say
                if path.stat().st_size == 0:
                    path.unlink()

    def follow(self, before: Path, journal: Path) -> None:
        """Goes on beside a journal that has moved, if it is the one whose last words these are (OSError)."""
        if self._path == last_words_path(before) and os.getpid() == self._pid:
            self.arm(journal)

    def _open(self, offset: int) -> int:
        assert self._path is not None
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        os.lseek(descriptor, offset, os.SEEK_SET)
        return descriptor

    def _ours(self, descriptor: int) -> bool:
        """False where the program closed the descriptor under us: its number may mean another file by now."""
        try:
            found = os.fstat(descriptor)
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == self._identity

    def _close(self, descriptor: int, *, fatal: bool = False) -> None:
        if descriptor >= 0 and (self._ours(descriptor) or (fatal and _is_devnull(descriptor))):
            os.close(descriptor)

    def _hide(self) -> None:
        """Lets ``faulthandler.is_enabled()`` answer what it would without us.

        A program that says ``if not faulthandler.is_enabled(): faulthandler.enable()`` then still gets its traceback
        on stderr; enabling it takes our place away, which shows by our object's being gone.
        """
        if self._hidden:
            return
        original = faulthandler.is_enabled

        def is_enabled() -> bool:
            """Check if the handler is enabled."""
            return original() and (self._fatal is None or self._fatal() is None)

        faulthandler.is_enabled = is_enabled
        self._hidden = True


def read_last_words(journal: Path) -> LastWord | None:
    """What the writer of a journal noted at its end, or None. Raises nothing, whatever the file holds."""
    try:
        with last_words_path(journal).open("rb") as file:
            file.seek(_FATAL_AT)
            fatal = file.read(_READ_LIMIT).decode("utf-8", "replace")
            if fatal.startswith(_FATAL_PREFIX):
                what = fatal.removeprefix(_FATAL_PREFIX)
                name = next((name for text, name in _FATAL.items() if what.startswith(text)), None)
                if name is not None:
                    return LastWord(name, fatal)
            for number, name in enumerate(_CHAINED):
                file.seek(number * _REGION)
                said = file.read(_READ_LIMIT).split(b"\0", 1)[0].decode("utf-8", "replace")
                if said.startswith(_CHAINED_PREFIXES):
                    return LastWord(name, said)
    except OSError:
        return None
    return None


def _caught_signals() -> set[int] | None:
    """Signals with a handler of any kind in this process, None where the system does not say."""
    try:
        lines = Path("/proc/self/status").read_text("ascii", "replace").splitlines()
    except OSError:
        return None
    mask = next((int(line.split()[1], 16) for line in lines if line.startswith("SigCgt:")), None)
    if mask is None:
        return None
    return {number + 1 for number in range(64) if mask >> number & 1}


def _is_devnull(descriptor: int) -> bool:
    try:
        return os.fstat(descriptor).st_rdev == Path(os.devnull).stat().st_rdev
    except OSError:
        return False


_words: LastWords | None = None


def last_words() -> LastWords:
    """Those of this process, beside the journal that was opened last."""
    global _words
    if _words is None:
        _words = LastWords()
    return _words
