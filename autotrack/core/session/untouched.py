"""Files that a program must not write over where it is run again: those of its first time that are still there.

An audit hook refuses to have them opened for writing, renamed onto or removed. It sees what Python opens; the names
that a C library opens are not told to it.
"""

from __future__ import annotations

import errno
import json
import os
import sys
from pathlib import Path, PurePath
from typing import Any

from ..guard import attempt, guard
from .opened import uses

#: Names a file with ``{"files": [PATH, ...], "refused": PATH}``: what was refused is written to the latter.
VARIABLE = "_AUTOTRACK_UNTOUCHED"
_begun = False
_files: frozenset[str] = frozenset()
_names: frozenset[str] = frozenset()
_refused = ""


def begin() -> None:
    """Guards the files that the variable names, if this is a rebuild; what the program starts does, too."""
    global _begun
    order = os.environ.get(VARIABLE)
    if order is not None and not _begun:
        _begun = True
        guard.call("files that must not be written over", _watch, Path(order))


def _watch(path: Path) -> None:
    global _files, _names, _refused
    order: dict[str, Any] = json.loads(path.read_text("utf-8"))
    _files = frozenset(map(str, order["files"]))
    _names = frozenset(os.path.basename(each) for each in _files)  # noqa: PTH119
    _refused = str(order["refused"])
    sys.addaudithook(_hook)


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if event == "open":
        if len(args) == 3 and uses(args[2])[1]:
            _check(args[0])
    elif event == "os.rename":
        for name in args[:2]:
            _check(name)
    elif event in ("os.remove", "os.truncate"):
        _check(args[0])


def _check(name: object) -> None:
    text = os.fsdecode(name) if isinstance(name, (str, bytes, PurePath)) else None
    if text is None or os.path.basename(text) not in _names:  # noqa: PTH119
        return
    path = os.path.realpath(text)
    if path in _files and os.path.exists(path):  # noqa: PTH110
        attempt(_tell, path)
        raise PermissionError(errno.EACCES, "a rebuild writes over no file of yours", path)


def _tell(path: str) -> None:
    with Path(_refused).open("a", encoding="utf-8") as file:
        file.write(f"{path}\n")
