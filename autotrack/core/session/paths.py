"""Where the names of opened files lead, and which of them are the user's business."""

from __future__ import annotations

import os
import re
import site
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..callsite import is_library
from ..private import SPARE, TEMPORARY

#: The machine's own: devices, settings, fonts, locales, certificates. (``/dev/shm`` holds people's data.)
_SYSTEM = ("/proc/", "/sys/", "/dev/", "/etc/", "/usr/share/", "/usr/lib/", "/var/cache/fontconfig/")
_INSIDE = (
    "/site-packages/",
    "/dist-packages/",
    "/__pycache__/",
    ".dist-info/",  # of what is installed elsewhere: asked for by whoever lists distributions, and by us
    ".egg-info/",
    "/__editable__.",  # how packages are found that are installed from where their sources are
    "/.git/",
    "/.autotrack/",
    f"/{TEMPORARY}",
    f"/{SPARE}/journal/",
    "/matplotlib/fontlist",
)
#: Endings of what may have been imported: then it belongs to the code of a session. What a program opens and runs
#: itself (``exec(open(...).read())``) has them, too, and is known by nothing else than that it was read.
_CODE = (".py", ".pyc", ".pyd", ".so")
#: What Python looks at when it starts.
_STARTING = ("/pyvenv.cfg", "/python{}{}.zip".format(*sys.version_info))
#: Data sets that a library brings along: site-packages/sklearn/datasets/data/iris.csv is "sklearn:iris".
_BUNDLED = re.compile(
    r".*/(?:site|dist)-packages/(\w+)/datasets/(?:[^/]+/)*([^/.]+)\.(?:csv|npy|npz|json|txt)(?:\.gz)?"
)


class Paths:
    """Resolves names against the working directory of their time, and leaves out what is nobody's data.

    ``own`` are folders of autotrack's, such as the store's.
    """

    def __init__(self, own: Iterable[str | os.PathLike[str]] = ()) -> None:
        self.unresolved = 0
        self._real: dict[str, str] = {}
        self._imported: frozenset[str] | None = None
        self._cwd = _working_directory()
        own_folders = tuple(_folder(os.path.realpath(folder)) for folder in own)
        libraries: set[str | None] = {
            sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")
        }
        libraries |= {site.getusersitepackages() if site.ENABLE_USER_SITE else None, sys.pycache_prefix}
        libraries -= {sys.prefix, None}
        self._left_out = own_folders + tuple(_folder(os.path.realpath(path)) for path in libraries if path)

    def moved(self, target: Any) -> None:
        """The program was about to change its working directory (``os.chdir``'s argument), and may have failed to."""
        path = _text(target)
        if path is None:
            self._cwd = _working_directory()  # a descriptor: where it leads is known only now
            return
        there = self._joined(path)
        if there is not None and Path(there).is_dir():
            self._cwd = there
        elif self._cwd is None or not Path(self._cwd).is_dir():
            self._cwd = _working_directory()

    def settle(self) -> None:
        """Follows the working directory as it is now: after all that was noted has been resolved."""
        self._cwd = _working_directory() or self._cwd
        self._real.clear()
        self._imported = None

    def resolve(self, name: Any) -> str | None:
        """The absolute path of a name, its links not followed; None for descriptors, and where nobody can tell."""
        path = _text(name)
        joined = self._joined(path) if path else None
        if joined is None:
            if path != "" and not isinstance(name, int):  # a descriptor was opened by name before, or is no file
                self.unresolved += 1
            return None
        return joined if ".." in joined else os.path.normpath(joined)  # links before .. are followed later

    def real(self, path: str) -> str:
        """An absolute path without links; folders are looked at once until ``settle()``."""
        folder, _, name = path.rpartition("/")
        if name in ("", ".", "..") or os.path.islink(path):  # noqa: PTH114 - for each of many files
            return os.path.realpath(path)
        real = self._real.get(folder)
        if real is None:
            real = self._real[folder] = os.path.realpath(folder or "/").rstrip("/")
        return f"{real}/{name}"

    def is_data(self, path: str, *, written: bool) -> bool:
        """False for the system's files, libraries, imported code and autotrack's own."""
        if path.startswith(_SYSTEM) and not path.startswith("/dev/shm/"):
            return False
        if path.startswith(self._left_out):
            return False
        if not written and (path.endswith(_STARTING) or (path.endswith(_CODE) and self._is_code(path))):
            return False
        return not any(part in path for part in _INSIDE)

    @staticmethod
    def is_imported(name: Any) -> bool:
        """True for a name that says by itself that it is no data: most of what a large library's import opens."""
        return (
            type(name) is str
            and name.startswith("/")
            and name.endswith(_CODE)
            and ("/__pycache__/" in name or is_library(name))
        )

    @staticmethod
    def source(path: str) -> str | None:
        """The name of a data set that came with a library (``"sklearn:iris"``), which is data wherever it lies."""
        found = _BUNDLED.fullmatch(path) if "/datasets/" in path else None
        return f"{found[1]}:{found[2]}" if found else None

    def _is_code(self, path: str) -> bool:
        """True for a file of a library's, or one that is imported as it is looked at; modules are asked for once until
        ``settle()``."""
        if is_library(path):
            return True
        if self._imported is None:
            from .sources import imported_files

            found = imported_files()
            self._imported = frozenset([*found, *map(os.path.realpath, found)])
        return path in self._imported

    def _joined(self, path: str) -> str | None:
        if path.startswith("/"):
            return path
        return f"{self._cwd}/{path}" if self._cwd is not None else None


def _text(name: Any) -> str | None:
    """A path as text; None for numbers and what is no path. Runs no code of the user's."""
    if isinstance(name, str):
        return str.__str__(name)
    if isinstance(name, bytes):
        return os.fsdecode(name)
    if isinstance(name, os.PathLike) and type(name).__module__.split(".")[0] == "pathlib":
        return os.fsdecode(os.fspath(name))
    return None


def _folder(path: str) -> str:
    return path.rstrip("/") + "/"


def _working_directory() -> str | None:
    try:
        return os.getcwd()  # noqa: PTH109 - a string is wanted
    except OSError:
        return None
