"""The user's own source files that a program has imported: found through ``sys.modules``, kept as objects."""

from __future__ import annotations

import hashlib
import os
import stat
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, NamedTuple

from ..callsite import is_library
from ..gaps import Gap
from ..keys import printable
from ..objects import Objects
from ..private import Ours
from .masking import masked_source

#: A larger source is known by its hash alone; one beyond the second limit by its size.
LARGEST_SOURCE = 1 << 20
_LARGEST_HASHED = 64 << 20
_MOST_FILES = 5000
_MOST_BYTES = 64 << 20
_TEXT = (".py", ".pyi", ".pyx", ".pyw", ".ipynb", "")


@dataclass(slots=True)
class Sources:
    """``files`` maps a path to ``{"sha256": ..., "size": ...}``; what is kept as an object has that sha256."""

    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)


def main_script() -> str | None:
    """The absolute path of the file that was started; None for a REPL, a notebook or ``-c``."""
    path = _file_of(sys.modules.get("__main__"))
    if path is None and not hasattr(sys, "ps1") and "-c" not in getattr(sys, "orig_argv", []):
        path = sys.argv[0] if sys.argv and os.path.isfile(sys.argv[0]) else None  # noqa: PTH113 - not __main__ yet
    return absolute(path) if path is not None else None


def absolute(path: str) -> str | None:
    """The absolute path, links left as they are; None for a relative one whose working directory is gone."""
    try:
        return os.path.abspath(path)  # noqa: PTH100
    except FileNotFoundError:
        return None


def imported_files() -> list[str]:
    """Files of the modules that lie in no library, and the script, each once. Touches no attribute of a module."""
    script = main_script()
    found = [script] if script is not None else []
    for module in list(sys.modules.values()):
        path = _file_of(module)
        if path is not None:
            found.append(path)
    scripts = os.path.join(sys.prefix, "bin", "")  # noqa: PTH118 - console scripts belong to their distributions
    users = (absolute(path) for path in found if not is_library(path) and not path.startswith(scripts))
    return sorted({path for path in users if path is not None})


def keep_sources(objects: Objects, paths: Iterable[str], root: str, *, started: int) -> Sources:
    """Keeps source files, masked, under their path from the root (or in full where they lie outside).

    ``started`` is when the program began, in nanoseconds since the epoch: a file that was changed later is a gap.
    """
    kept = Sources()
    late: list[str] = []
    too_large: list[str] = []
    secrets = total = 0
    for number, path in enumerate(sorted(paths)):
        if number >= _MOST_FILES or total > _MOST_BYTES:
            kept.gaps.append(
                Gap("code", f"more than {number} sources: the others are not kept", "run from the project's folder")
            )
            break
        name = printable(_relative(path, root))
        source = _read(path)
        if isinstance(source, str):
            kept.gaps.append(Gap("code", f"{name} is not kept: {source}", "keep sources in regular, readable files"))
            continue
        if source.changed > started:
            late.append(name)
        record: dict[str, Any] = {"sha256": source.digest, "size": source.size}
        if source.content is None:
            too_large.append(name)
        else:
            hidden, found = masked_source(source.content)
            record["sha256"] = objects.put(hidden)
            secrets += found
            total += len(hidden)
        kept.files[name] = record
    if late:
        kept.gaps.append(
            Gap(
                "code",
                f"{_some(late)} changed after the program started: what is kept may not be what ran",
                "edit a copy while a training runs",
            )
        )
    if too_large:
        kept.gaps.append(
            Gap(
                "code",
                f"{_some(too_large)}: known by hash only, as compiled code or over {LARGEST_SOURCE >> 20} MiB",
                "commit them, or put data into files of their own",
            )
        )
    if secrets:
        kept.gaps.append(Gap("code", f"{secrets} secret(s) in sources are masked", "read secrets from the environment"))
    return kept


class _Source(NamedTuple):
    size: int
    changed: int
    digest: str | None
    #: None where only the digest is known.
    content: bytes | None


def _read(path: str) -> _Source | str:
    """A file's content and digest, or why it cannot be read."""
    try:
        # A pipe is opened without waiting for its writer, and looked at before anything is taken out of it.
        descriptor = os.open(Ours(path), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with open(descriptor, "rb", buffering=0) as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                return "it is no regular file"
            text = os.path.splitext(path)[1].lower() in _TEXT  # noqa: PTH122
            if text and status.st_size <= LARGEST_SOURCE:
                content = _all(file, LARGEST_SOURCE)
                return _Source(len(content), status.st_mtime_ns, hashlib.sha256(content).hexdigest(), content)
            digest = None
            if status.st_size <= _LARGEST_HASHED:
                hasher = hashlib.sha256()
                left = _LARGEST_HASHED
                while left > 0 and (piece := file.read(min(left, 1 << 20))):
                    hasher.update(piece)
                    left -= len(piece)
                digest = hasher.hexdigest()
            return _Source(status.st_size, status.st_mtime_ns, digest, None)
    except (OSError, ValueError) as error:
        return printable(str(getattr(error, "strerror", None) or error))


def _all(file: Any, most: int) -> bytes:
    content = bytearray()
    while len(content) < most and (piece := file.read(most - len(content))):
        content += piece
    return bytes(content)


def _file_of(module: object) -> str | None:
    if not isinstance(module, ModuleType):
        return None
    # Past a lazy module's own attribute access, which would load it.
    try:
        path = object.__getattribute__(module, "__dict__").get("__file__")
    except AttributeError:  # a library of cffi's, which only says that it is a module
        return None
    return path if isinstance(path, str) and path and not path.startswith("<") else None


def _relative(path: str, root: str) -> str:
    for place in (path, os.path.realpath(path)):
        if place.startswith(root.rstrip(os.sep) + os.sep):
            return os.path.relpath(place, root)
    return path


def _some(names: list[str]) -> str:
    named = ", ".join(names[:5])
    return named if len(names) <= 5 else f"{named} and {len(names) - 5} more"
