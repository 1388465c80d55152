"""Requirements files as lines that stand alone: what they include is put in, and paths are absolute."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from autotrack.core.errors import UsageError

_COMMENT = re.compile(r"(^|\s+)#.*$")
_INCLUDE = re.compile(r"(?:-r|--requirement|-c|--constraint)(?:\s+|=|(?<=^-[rc])(?=\S))(?P<file>.+)")
_EDITABLE = re.compile(r"(?P<option>-e|--editable)[\s=]+(?P<path>.+)")
_LINKS = re.compile(r"(?P<option>-f|--find-links)[\s=]+(?P<path>.+)")
_EXTRAS = re.compile(r"(?P<path>.*?)(?P<rest>\[[^\]]*\])?")
_NOT_SOURCES = frozenset({".git", ".hg", ".svn", ".venv", "__pycache__", ".autotrack", "node_modules", "build", "dist"})
#: Bytes of a local source that are hashed; a larger one is refused, for hashing it at each run would take too long.
LARGEST_SOURCES = 256 << 20


def logical_lines(text: str) -> Iterator[str]:
    """The lines of a requirements file, continued ones joined, without comments and empty ones."""
    for line in re.sub(r"\\\r?\n", " ", text).splitlines():
        plain = _COMMENT.sub("", line).strip()
        if plain:
            yield plain


def read_lines(file: Path) -> tuple[list[str], list[str]]:
    """Requirements and constraints of a file and of all that it includes. UsageError where one cannot be read."""
    requirements: list[str] = []
    constraints: list[str] = []
    _read(file, requirements, constraints, ())
    return requirements, constraints


def _read(file: Path, found: list[str], constraints: list[str], within: tuple[Path, ...]) -> None:
    file = file.resolve()
    if file in within:
        raise UsageError(f"cannot read {file}: it includes itself; take that line out")
    try:
        text = file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        whose = f", which {within[-1]} includes" if within else ""
        raise UsageError(f"cannot read the requirements in {file}{whose}: {error}") from None
    add_lines(logical_lines(text), file.parent, found, constraints, (*within, file))


def add_lines(
    lines: Iterable[str], folder: Path, found: list[str], constraints: list[str], within: tuple[Path, ...] = ()
) -> None:
    """Sorts lines into requirements and constraints; relative paths are those seen from ``folder``."""
    for line in lines:
        if "\n" in line or "\r" in line or "\0" in line:
            raise UsageError(f"{line!r} is no requirement: it must be one line")
        included = _INCLUDE.fullmatch(line)
        if included is None:
            found.append(absolute(line, folder))
            continue
        only_constrains = line.startswith(("-c", "--c"))
        target = folder / included["file"].strip().strip("\"'")
        _read(target, constraints if only_constrains else found, constraints, within)


def absolute(line: str, folder: Path) -> str:
    """A requirement whose path, if it is one, does not depend on the working directory."""
    for pattern in (_EDITABLE, _LINKS):
        option = pattern.fullmatch(line)
        if option is not None:
            return f"{option['option']} {_absolute_path(option['path'].strip(), folder)}"
    if line.startswith("-"):
        return line
    head, mark, marker = line.partition(" ;")
    if head.startswith(".") or (os.sep in head and "@" not in head and "://" not in head):
        return f"{_absolute_path(head.strip(), folder)}{mark}{marker}"
    return line


def _absolute_path(said: str, folder: Path) -> str:
    if "://" in said:
        return said
    parts = _EXTRAS.fullmatch(said)
    assert parts is not None
    return f"{(folder / Path(parts['path']).expanduser()).resolve()}{parts['rest'] or ''}"


def digest_of_sources(lines: Iterable[str]) -> str | None:
    """The sha256 of the local folders and files that requirements name; None where there are none.

    Of an editable folder only what says how it is installed counts: its modules are read when they are imported.
    """
    digest, seen = hashlib.sha256(), False
    for line in lines:
        editable = _EDITABLE.fullmatch(line)
        said = editable["path"] if editable else line
        parts = _EXTRAS.fullmatch(said.partition(" ;")[0].strip())
        path = Path(parts["path"]) if parts is not None and parts["path"].startswith(os.sep) else None
        if path is None or not path.exists():
            continue
        seen = True
        if path.is_file():
            files = [path]
        elif editable:
            files = [file for name in ("pyproject.toml", "setup.py", "setup.cfg") if (file := path / name).is_file()]
        else:
            files = list(_sources(path))
        size = sum(file.stat().st_size for file in files)
        if size > LARGEST_SOURCES:
            raise UsageError(f"cannot use {path} as a requirement: it holds {size:,} bytes; build a wheel of it")
        for file in files:
            name = os.fsencode(file.relative_to(path) if file != path else file.name)
            digest.update(name + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest() if seen else None


def _sources(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _NOT_SOURCES and not name.endswith(".egg-info"))
        for name in sorted(names):
            path = Path(place, name)
            if path.is_file() and not name.endswith((".pyc", ".pyo")):
                yield path
