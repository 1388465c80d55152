"""Folders for one piece of work that nobody takes away while it goes on: a lock says so, not their age."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from .guard import attempt

#: Seconds after which a folder that nobody holds is taken for one that was left behind.
OLD = 7 * 24 * 3600


@dataclass(slots=True)
class HeldFolder:
    """A folder of this user alone. Until ``release`` or ``remove``, or the end of the process, ``remove_left`` leaves
    it alone."""

    path: Path
    _lock: int | None

    def release(self) -> None:
        """Leaves the folder there, for a while."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def remove(self) -> None:
        """Takes the folder away, as far as that can be."""
        shutil.rmtree(self.path, ignore_errors=True)
        self.release()


def hold_folder(parent: Path, prefix: str) -> HeldFolder:
    """A new folder whose name begins with ``prefix``, links in its path followed (OSError)."""
    path = Path(mkdtemp(prefix=prefix, dir=parent)).resolve()
    lock = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    attempt(fcntl.flock, lock, fcntl.LOCK_SH)  # some file systems of networks have no locks
    return HeldFolder(path, lock)


def remove_left(parent: Path, prefix: str) -> None:
    """Removes this user's folders of a prefix that nobody holds, those of the last days apart: the program of one that
    was killed may go on."""
    for path in parent.glob(f"{prefix}*"):
        info, _ = attempt(path.lstat)
        if info is None or info.st_uid != os.getuid() or info.st_mtime > time.time() - OLD:
            continue
        lock, _ = attempt(os.open, path, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY | os.O_NOFOLLOW)
        if lock is not None:
            _, is_held = attempt(fcntl.flock, lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if is_held is None:
                shutil.rmtree(path, ignore_errors=True)
            os.close(lock)
