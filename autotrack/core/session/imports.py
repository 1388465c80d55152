"""Which of the installed distributions a program has imported something of.

Where an environment cannot be had again to the last package, this tells the packages that the program had no part of.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable

from .distributions import is_elsewhere, metadata_folders

#: Bytes of a list of files that are read.
_LARGEST = 16 << 20
_FIRST = re.compile(rb"\n([^/,\n]+)")
_NO_MODULES = (b".dist-info", b".data", b".pth")

#: Modules that are called otherwise than what brings them, in nearly every program.
_KNOWN = {
    "PIL": "pillow",
    "dateutil": "python-dateutil",
    "mpl_toolkits": "matplotlib",
    "pylab": "matplotlib",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}

#: What each metadata folder says it brings: names as they are imported.
_brings: dict[str, frozenset[str] | None] = {}


def imported_distributions(path: Iterable[str] | None = None) -> list[str]:
    """Normalised names of the distributions that imported modules came with, sorted.

    Rather too many than too few: those whose modules lie elsewhere count. Two milliseconds where each module is called
    as its distribution is, or is well known; else all lists of files are read, ten with 200 distributions, and all
    that share a name (``google``, ``nvidia``) count where it is imported.
    """
    imported = {name.partition(".")[0] for name in list(sys.modules)} - sys.stdlib_module_names
    folders = [folder or "." for folder in (sys.path if path is None else path)]
    places = {name: info for folder in reversed(folders) for name, info in metadata_folders(folder).items()}
    found = {name for name in places if name.replace("-", "_") in imported}
    here = set().union(*map(_modules_in, folders))
    left = (imported & here) - {name.replace("-", "_") for name in found}
    for module in list(left):
        name = _KNOWN.get(module)
        if name in places and module in (_brought(places[name]) or ()):
            found.add(name)
            left.discard(module)
    for name, info in places.items():
        if name not in found and (left or is_elsewhere(info)):
            brought = _brought(info)
            if brought is None or not left.isdisjoint(brought):
                found.add(name)
    return sorted(found)


def _modules_in(folder: str) -> set[str]:
    """What could be imported from a folder that distributions lie in; nothing of others."""
    if not metadata_folders(folder):
        return set()
    try:
        return {entry.partition(".")[0] for entry in os.listdir(folder)}  # noqa: PTH208 - names are wanted
    except OSError:
        return set()


def _brought(info: str) -> frozenset[str] | None:
    """Top-level modules of the distribution that a metadata folder is about; None where it does not say, as of one
    whose modules are elsewhere."""
    if info not in _brings:
        listed = _content(f"{info}{os.sep}top_level.txt").split()
        if not listed:
            first = set(_FIRST.findall(b"\n" + _content(f"{info}{os.sep}RECORD")))
            listed = [name for name in first if name != b".." and not name.endswith(_NO_MODULES)]
        _brings[info] = frozenset(name.partition(b".")[0].decode("utf-8", "replace") for name in listed) or None
    return _brings[info]


def _content(path: str) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(descriptor, _LARGEST)
    except OSError:
        return b""
    finally:
        os.close(descriptor)
