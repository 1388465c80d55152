"""What decides what a program does, and is no file that it opened: its sources, what it started, folders it listed.

Whoever asks whether a program would do the same again needs it: what other programs and processes read, nobody saw.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from ..callsite import is_library
from ..keys import printable
from ..private import Ours
from .paths import Paths

#: Audit events of programs and processes that are started, and of folders that are looked through.
STARTS = frozenset({"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty"})
LISTINGS = frozenset({"os.listdir", "os.scandir"})
EVENTS = STARTS | LISTINGS
#: What libraries ask about the machine; its answers change no result.
_HARMLESS = frozenset(
    "lscpu ldconfig uname nvidia-smi rocm-smi fc-list sysctl lsb_release getconf ld gcc cc objdump git".split()
)
_STDLIB = os.__file__.rpartition(os.sep)[0] + os.sep
_LIBRARIES = f"{os.sep}site-packages{os.sep}"
#: Who looks for modules, or asks about the machine, and not for data.
_FINDERS = (
    "<frozen importlib",
    *(
        f"{_STDLIB}{name}"
        for name in ("importlib/", "pkgutil.py", "zipimport.py", "platform.py", "ctypes/", "uuid.py", "sysconfig.py")
    ),
)
#: Names that come and go beside data.
_PASSING = frozenset({"__pycache__", ".autotrack", ".git", ".ipynb_checkpoints"})
_MOST, _LARGEST = 2000, 64 << 20


def caller(frame: FrameType | None) -> str:
    """The file of the nearest code that is not Python's own, if there is any; empty where modules are looked for."""
    name = ""
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(_FINDERS):
            return ""
        if not name.startswith(("<frozen ", _STDLIB)) or _LIBRARIES in name:
            return name
        frame = frame.f_back
    return name


class Beyond:
    """What was noted so far. For one thread at a time."""

    def __init__(self) -> None:
        self.programs: dict[str, None] = {}
        self.folders: dict[str, str | None] = {}
        self.sources: dict[str, None] = {}
        self.forked = False

    def happened(self, event: str, args: tuple[Any, ...], by: str, paths: Paths) -> None:
        """Takes in one of the events, which code in the file ``by`` made happen."""
        if event in STARTS:
            self._started(event, args, by)
            return
        name = "." if not args or args[0] is None else args[0]
        folder = None if isinstance(name, int) else paths.resolve(name)
        if folder is not None and paths.is_data(f"{folder}/", written=False):
            self._listed(folder, by)

    def _started(self, event: str, args: tuple[Any, ...], by: str) -> None:
        """A program or process was started, by code in that file."""
        if not by or _is_autotracks(by):
            return
        if event in ("os.fork", "os.forkpty"):
            self.forked = True
            return
        words = args[1] if len(args) > 1 else None
        said = words[0] if event == "subprocess.Popen" and isinstance(words, list | tuple) and words else args[0]
        text = os.fsdecode(said) if isinstance(said, str | bytes | os.PathLike) else "a program"
        name = printable((text.split() or [""])[0].rpartition("/")[2])[:100]
        if (name not in _HARMLESS or not is_library(by)) and len(self.programs) < _MOST:
            self.programs.setdefault(name)

    def _listed(self, folder: str, by: str) -> None:
        """A folder of the user's was looked through."""
        if by and not _is_autotracks(by) and folder not in self.folders:
            self.folders[folder] = names_in(folder) if len(self.folders) < _MOST else None

    def source(self, path: str) -> bool:
        """A source was opened, which need not be imported. False: it may be data, too."""
        if len(self.sources) < _MOST and not is_library(path):
            self.sources.setdefault(path)
        return False

    def document(self) -> dict[str, Any]:
        """``sources`` and ``folders`` with the sha256 of what is in them (None where that is not known), ``programs``
        that were started, and whether there were worker ``processes``."""
        from .sources import imported_files

        paths = sorted({os.path.realpath(path) for path in (*imported_files(), *self.sources)})
        return {
            "sources": {printable(path): sha256_of(path) for path in paths if path.startswith(os.sep)},
            "programs": sorted(self.programs),
            "processes": self.forked or _has_made_processes(),
            "folders": {printable(path): digest for path, digest in sorted(self.folders.items())},
        }


def names_in(folder: str) -> str | None:
    """The sha256 of the names in a folder; None where it cannot be looked through."""
    try:
        names = sorted(set(os.listdir(folder)) - _PASSING)  # noqa: PTH208 - names are wanted
    except OSError:
        return None
    return hashlib.sha256("\0".join(names).encode("utf-8", "surrogateescape")).hexdigest()


def sha256_of(path: str) -> str | None:
    """The sha256 of a source as it lies there; None where it cannot be read, or is no source by its size."""
    try:
        if Path(path).stat().st_size > _LARGEST:
            return None
        with open(Ours(path), "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def _has_made_processes() -> bool:
    """True where multiprocessing, or what is built on it, has made a process: its counter says so."""
    module = sys.modules.get("multiprocessing.process")
    counter = getattr(module, "_process_counter", None)
    return counter is not None and repr(counter) not in ("count(0)", "count(1)")


def _is_autotracks(path: str) -> bool:
    return is_library(path) and f"{os.sep}autotrack" in path
