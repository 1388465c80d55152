"""What is known about one file that a program opened."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass, field
from typing import NamedTuple

from .opened import Role

#: What says that a name leads nowhere; the program's own ``open`` may have failed with it.
NOWHERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG)


class FileSeen(NamedTuple):
    """One file in one role: ``path`` is absolute and real, times are nanoseconds since 1970, ``size`` is in bytes.

    ``sha256`` is None, or starts with ``partial:``, where ``partial`` says why. ``name`` is that of a named source. A
    later one of the same path and role comes after a change and, where the role is "written", replaces the earlier.
    """

    path: str
    role: Role
    first: int
    size: int
    mtime: int
    sha256: str | None
    partial: str | None = None
    name: str | None = None


@dataclass(slots=True, eq=False)
class SeenFile:
    """What is known about one file, and what is still to be done with it."""

    path: str
    name: str | None = None
    #: False while only ``os.open`` has named it: that may have been a folder, or a name in one that is not known here.
    certain: bool = False
    #: When it was first opened in each role (a look may be up to a second late: the time of the look before it).
    first: dict[Role, int] = field(default_factory=dict)
    #: A reading that is not hashed yet: the looks before and after it; whether we had it written before, or after.
    reading: bool = False
    since: int = 0
    until: int = 0
    explained: bool = False
    spoilt: bool = False
    #: It may be written to. Where it was opened for updating, only a time after this shows that it was.
    only_after: int = 0
    missed: int = 0
    #: Size and time of what was last hashed as written.
    hashed: tuple[int, int] | None = None


def stat_or_none(path: str) -> os.stat_result | None:
    """A file's size and times, or None where it is not to be had."""
    try:
        return os.stat(path)  # noqa: PTH116 - for each of many files, and a Path costs as much as the look
    except OSError:
        return None


def was_there(file: SeenFile, lag: int) -> bool:
    """False for a file that somebody looked for in vain: its folder has not changed since. ``lag`` is the clock's."""
    folder = stat_or_none(file.path.rpartition("/")[0] or "/")
    return folder is not None and folder.st_mtime_ns >= file.since - lag
