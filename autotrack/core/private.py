"""Files and folders of our own: folders that only their owner can enter, and paths that are no data of the user's."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

#: How our temporary folders begin: what libraries open in them is ours, too.
TEMPORARY = "autotrack-own-"
#: What the folder for temporary files has of ours where the store's own folder takes nothing: this user's alone.
SPARE = f"autotrack-{os.getuid() if hasattr(os, 'getuid') else 'user'}"


class Ours(str):
    """A path that autotrack itself opens: ``open(Ours(path))`` is not taken for the user's."""

    __slots__ = ()


def make_private(folder: Path) -> None:
    """Makes a folder, and those above it that are missing, with mode 0700; what is there stays as it is (OSError)."""
    missing = []
    for place in (folder, *folder.parents):
        if place.exists():
            break
        missing.append(place)
    for place in reversed(missing):
        try:
            place.mkdir(0o700)
            place.chmod(0o700)  # the umask may have taken the owner's own bits
        except FileExistsError:
            pass  # another process was quicker


def make_ignored(folder: Path) -> None:
    """Makes a private folder that git leaves out; a ``.gitignore`` that is there stays as it is (OSError)."""
    make_private(folder)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        with open(Ours(ignore), "w", encoding="utf-8") as file:
            file.write("*\n")


def make_own(folder: Path) -> None:
    """Makes a private folder where anybody could have made one before us, such as under ``/tmp``.

    PermissionError where something of that name is there that is not a folder of this user's alone: a link, somebody
    else's folder, or one that others may enter.
    """
    make_private(folder)
    found = folder.lstat()
    ours = not hasattr(os, "getuid") or found.st_uid == os.getuid()
    if not (stat.S_ISDIR(found.st_mode) and ours and stat.S_IMODE(found.st_mode) == 0o700):
        raise PermissionError(
            errno.EPERM,
            "it must be a folder of your own that nobody else may enter (mode 0700); remove it",
            str(folder),
        )
