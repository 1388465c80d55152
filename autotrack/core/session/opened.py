"""Which files this process opens, and which hosts it asks for: an audit hook that only notes names, and its queue.

CPython tells audit hooks of every ``open`` (PEP 578), whoever calls it. A hook cannot be taken away again, so it is
added by the first ``watch()`` and costs one comparison an event after ``stop()``. It runs inside the user's call: it
asks no clock, takes no lock and looks at no file. Where a name leads is worked out later (``paths.py``).
"""

from __future__ import annotations

import os
import sys
import time
from collections import deque
from typing import Any, Literal, NamedTuple

from .. import process
from . import beyond

Role = Literal["read", "written"]
#: What somebody can say of a file; "updated" is read and then perhaps written, which the file itself shows later.
Use = Literal["read", "written", "updated"]

#: Names that wait to be looked at; of more than these between two looks the earliest are forgotten, and it is said.
MOST_WAITING = 65_536
_OTHERS = frozenset({"os.chdir", "os.rename", "sqlite3.connect", "socket.getaddrinfo", "autotrack.watching"})

#: What ``os.open`` is told where it wants a folder.
_FOLDER = getattr(os, "O_DIRECTORY", 0)

_waiting: deque[Any] = deque(maxlen=MOST_WAITING)
_append = _waiting.append
#: What the hook compares with: nothing equals these while it is off.
_open = ""
_others: frozenset[str] = frozenset()
_beyond: frozenset[str] = frozenset()
_hooked = _refused = False
_taken = 0


class Told(NamedTuple):
    """A file that somebody says was read or written, with the name of a source that is known by one."""

    path: str
    use: Use
    name: str | None = None


class Batch(NamedTuple):
    """What was opened between two looks (nanoseconds since 1970), in order; ``overflowed`` where some are forgotten.

    An item is a path that was opened for reading, the arguments ``(path, mode, flags)`` of another open, a pair of
    another event's name and arguments (of those in ``beyond.EVENTS`` with the caller's file), or a ``Told``.
    """

    items: list[Any]
    since: int
    until: int
    overflowed: bool


def _hook(event: str, args: Any) -> None:
    # Every audited event of the process comes through here. Names are kept bare where that is all there is to keep: a
    # tuple less for each of them, and nothing for the garbage collector to count.
    if event == _open:
        try:
            _append(args[0] if args[1] == "r" else args)
        except IndexError:
            pass  # somebody's own event of that name
    elif event in _others:
        _append((event, args))
    elif event in _beyond:
        by = beyond.caller(sys._getframe(1))
        if by:
            _append((event, (args, by)))


def watch() -> bool:
    """Notes opened files from here on; False where another audit hook of the process forbids that."""
    global _hooked, _refused, _open, _others, _beyond, _taken
    if not _hooked:
        _hooked = True
        process.on_fork("the audit hook", _after_fork)
        _others = _OTHERS
        sys.addaudithook(_hook)  # another hook may refuse, and then nothing is raised
        before = len(_waiting)
        sys.audit("autotrack.watching")
        _refused = len(_waiting) == before
    if _refused:
        return False
    if not _open:
        _waiting.clear()
        _taken = time.time_ns()
    _others, _beyond, _open = _OTHERS, beyond.EVENTS, "open"
    return True


def stop() -> None:
    """Notes nothing more; what waits can still be taken."""
    global _open, _others, _beyond
    _open, _others, _beyond = "", frozenset(), frozenset()


def is_watching() -> bool:
    """True between ``watch()`` and ``stop()``."""
    return bool(_open)


def saw_file(path: str | os.PathLike[str], use: Use, name: str | None = None) -> None:
    """Notes a file that was read or written without Python's ``open``, such as by a library's own C code.

    A folder or a pattern (``part-*.parquet``) stands for the files in it.

    ``name`` is for sources that are known by one (``"sklearn:iris"``): they count wherever they lie. Nothing is looked
    at here, and nothing happens while files are not watched.
    """
    if _open:
        _append(Told(os.fspath(path), use, name))


def uses(flags: object) -> tuple[bool, bool]:
    """Whether an open with these flags reads and whether it writes a file; a folder is no file."""
    how = flags if isinstance(flags, int) else 0
    written = bool(how & (os.O_WRONLY | os.O_RDWR))
    read = not written or bool(how & os.O_RDWR and not how & (os.O_TRUNC | os.O_EXCL))
    is_folder = bool(how & _FOLDER)
    return read and not is_folder, written and not is_folder


def take() -> Batch:
    """What was opened since the last look. For one caller at a time; microseconds, and no file is touched."""
    global _taken
    items: list[Any] = []
    overflowed = len(_waiting) >= MOST_WAITING
    try:
        # Not more than there were: a program that opens faster than this takes would keep it here.
        for _ in range(len(_waiting)):
            items.append(_waiting.popleft())
    except IndexError:
        pass
    since, _taken = _taken, time.time_ns()
    return Batch(items, since, _taken, overflowed)


def _after_fork() -> None:
    stop()
    _waiting.clear()
