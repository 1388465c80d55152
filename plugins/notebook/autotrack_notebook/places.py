"""Where the notebook's file lies: front ends say it in different places, and some do not say it at all.

What is found is taken only if it is the notebook: the cells that ran are in it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from autotrack.plugin import Ours

from .cells import Ran
from .document import cells_of, plain, text_of

#: A file larger than this is not read, and so many are looked at in the working directory.
LARGEST = 50 << 20
MOST_FILES = 30
#: The share of the executed cells that a file named by the front end must have: the others may not be saved yet.
ENOUGH = 0.5


class Place:
    """The notebook's file. ``folder`` is the kernel's working directory as it began."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: Path | None = None

    @property
    def name(self) -> str | None:
        """The file's name, where it was found."""
        return self._known.name if self._known is not None else None

    def read(self, ran: list[Ran], names: Mapping[str, Any]) -> dict[str, Any] | None:
        """The notebook as it was last saved; None where no file is found. ``names`` are the user's variables."""
        if self._known is not None:
            content = _content(self._known)
            if content is not None and _share(content, ran) >= ENOUGH:
                return content
        best: tuple[float, Path, dict[str, Any]] | None = None
        for path in dict.fromkeys(_named(self._folder, names)):
            content = _content(path)
            share = _share(content, ran) if content is not None else 0.0
            if content is not None and share >= ENOUGH and (best is None or share > best[0]):
                best = share, path, content
        best = best or self._beside(ran)
        if best is None:
            return None
        self._known = best[1]
        return best[2]

    def _beside(self, ran: list[Ran]) -> tuple[float, Path, dict[str, Any]] | None:
        """The one notebook of the working directory that has all cells that ran, if there is just one."""
        if len(ran) < 2:
            return None
        try:
            paths = sorted(self._folder.glob("*.ipynb"))[:MOST_FILES]
        except OSError:
            return None
        read = [(path, _content(path)) for path in paths]
        found = [(1.0, path, content) for path, content in read if content is not None and _share(content, ran) == 1.0]
        return found[0] if len(found) == 1 else None


def _named(folder: Path, names: Mapping[str, Any]) -> Iterator[Path]:
    """Where the front end says that the file is: the likeliest first."""
    for name in ("__vsc_ipynb_file__", "PAPERMILL_OUTPUT_PATH", "PAPERMILL_INPUT_PATH"):
        value = names.get(name)
        if isinstance(value, str) and value.endswith(".ipynb"):
            yield folder / value
    session = os.environ.get("JPY_SESSION_NAME", "")
    if session.endswith(".ipynb"):
        yield folder / session
    # nbconvert and papermill are told it on their command line, and start the kernel.
    parent = Path(f"/proc/{os.getppid()}")
    try:
        with open(Ours(parent / "cmdline"), "rb") as file:
            arguments = os.fsdecode(file.read()).split("\0")
        where = (parent / "cwd").readlink()
    except OSError:
        return
    for argument in arguments:
        if argument.endswith(".ipynb"):
            yield where / argument.rpartition("=")[2] if argument.startswith("-") else where / argument


def _content(path: Path) -> dict[str, Any] | None:
    try:
        if not path.is_file() or path.stat().st_size > LARGEST:
            return None
        with open(Ours(path), encoding="utf-8") as file:
            content = json.load(file)
    except (OSError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _share(content: dict[str, Any], ran: list[Ran]) -> float:
    cells = [cell for cell in cells_of(content) if cell.get("cell_type") == "code"]
    ids = {cell.get("id") for cell in cells if isinstance(cell.get("id"), str)}
    sources = {plain(text_of(cell.get("source"))) for cell in cells}
    found = sum(each.cell_id in ids or plain(each.source) in sources for each in ran)
    return found / len(ran) if ran else 0.0
