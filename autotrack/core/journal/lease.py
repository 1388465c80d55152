"""Whether the process that writes a journal still lives.

The writer holds ``flock`` on its journal for as long as it lives; the kernel drops it at any kind of death. Where the
lock cannot tell (no ``flock`` on that file system, another machine), the process's identity or its heartbeat does.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from ..private import Ours
from .layout import Header

#: Seconds without a heartbeat after which a writer on another machine counts as dead.
HEARTBEAT_LIMIT = 60.0

_HELD = {errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES}


class ProcessIdentity(NamedTuple):
    """This process among all that ever ran: ``pid`` alone is used again.

    ``pid_started`` is in clock ticks since boot (None where the system does not say), ``pid_space`` names the PID
    namespace, ``boot_id`` is empty where the system has none.
    """

    host: str
    boot_id: str
    pid: int
    pid_started: int | None
    pid_space: str


def process_identity() -> ProcessIdentity:
    """Who this process is."""
    return ProcessIdentity(os.uname().nodename, _boot_id(), os.getpid(), _started(os.getpid()), _pid_space())


def take(descriptor: int) -> bool:
    """Takes the lease on an open journal; False where the file system has no such locks.

    A reader that is just looking may hold its shared probe for microseconds, so this tries for a while.
    """
    for attempt in range(200):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except OSError as error:
            if error.errno not in _HELD:
                return False
            time.sleep(0.0001 * attempt)
    return False


def drop(descriptor: int) -> None:
    """Gives the lease up, for every process that shares the open file."""
    with suppress(OSError):  # no such locks here: there was nothing to give up
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def is_alive(path: Path, header: Header) -> bool:
    """True while the journal's writer lives, as far as can be told from here.

    The lock first; then, on the same machine, the process itself; on another, the heartbeat. A file that is gone
    has no living writer.
    """
    try:
        held = _probe(path) if header.lease else None
        same_machine = header.host == os.uname().nodename and header.boot_id == _boot_id()
        if held is False and same_machine:
            return False
        if same_machine and header.pid_space == _pid_space():
            # Held: by the writer, or by a child that it forked and that outlived it. The process table knows.
            return _runs(header.pid, header.pid_started)
        if held:
            return True
        return time.time() - path.stat().st_mtime < HEARTBEAT_LIMIT
    except FileNotFoundError:
        return False


def _probe(path: Path) -> bool | None:
    """True where somebody holds the lease, False where nobody does, None where locks do not work here."""
    descriptor = os.open(Ours(path), os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: two probes never take each other for a writer
        return False
    except OSError as error:
        return True if error.errno in _HELD else None
    finally:
        os.close(descriptor)


def _runs(pid: int, started: int | None) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it exists, and is someone else's
    found = _stat(pid)
    if found is None:
        return started is None or not Path("/proc/self/stat").exists()
    state, ticks = found
    return state not in "ZX" and (started is None or ticks == started)


def _started(pid: int) -> int | None:
    found = _stat(pid)
    return found[1] if found else None


def _stat(pid: int) -> tuple[str, int] | None:
    """State and start time (clock ticks since boot) from ``/proc``, None where there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    fields = text[text.rindex(b")") + 2 :].split()  # the name before it may hold anything, parentheses included
    return fields[0].decode(), int(fields[19])


@lru_cache(maxsize=1)
def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""


def _pid_space() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""
