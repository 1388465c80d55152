"""A git repository, read by hand: where it is, its commit, branch and remote. Microseconds, no git needed.

The layout is that of gitrepository-layout(5). What is not there in this form (reftables) is answered as unknown.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ..keys import printable
from ..private import Ours

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_SECTION = re.compile(r'\[\s*([\w.-]+)(?:\s+"((?:[^"\\]|\\.)*)")?\s*\]')
_LARGEST = 1 << 20
_LARGEST_PACKED = 64 << 20


class Repository(NamedTuple):
    """``root`` is the working tree, ``folder`` its git directory, ``shared`` the one that linked worktrees share."""

    root: Path
    folder: Path
    shared: Path


class Head(NamedTuple):
    """What is checked out. ``commit`` is None before the first commit, ``branch`` None where HEAD is detached."""

    commit: str | None
    branch: str | None


def find_repository(start: Path) -> Repository | None:
    """The innermost repository around a folder; None where there is none. GIT_DIR and its like are not followed:
    they say where somebody else's git works, not where this program's code is."""
    place = Path(os.path.realpath(start))
    return next(filter(None, map(repository_at, (place, *place.parents))), None)


def repository_at(root: Path) -> Repository | None:
    """The repository whose working tree is this very folder."""
    folder = _git_folder(root)
    if folder is None:
        return None
    shared = _text(folder / "commondir", _LARGEST)
    return Repository(root, folder, _joined(folder, shared.strip()) if shared else folder)


def head_of(repository: Repository) -> Head:
    """Commit and branch of the working tree."""
    said = _text(repository.folder / "HEAD", _LARGEST).strip()
    branch: str | None = None
    for _ in range(5):
        if not said.startswith("ref:"):
            break
        name = said[4:].strip()
        if branch is None:
            branch = printable(name.removeprefix("refs/heads/"))
        said = _reference(repository, name)
    return Head(said if _COMMIT.fullmatch(said) else None, branch)


def remote_of(repository: Repository, branch: str | None) -> str | None:
    """The URL of the remote that the branch follows, else of ``origin``, without user name, password or token."""
    remotes: dict[str, str] = {}
    followed = "origin"
    for section, name, settings in sections_of(repository.shared / "config"):
        if section == "remote" and "url" in settings:
            remotes.setdefault(name, settings["url"])
        elif section == "branch" and name == branch and "remote" in settings:
            followed = settings["remote"]
    url = remotes.get(followed) or remotes.get("origin") or next(iter(remotes.values()), None)
    return without_credentials(printable(url)) if url else None


def sections_of(path: Path) -> Iterator[tuple[str, str, dict[str, str]]]:
    """The sections of a file in git's own format: kind, name, the first value of each setting (in small letters)."""
    section, name, settings = "", "", dict[str, str]()
    for raw in _text(path, _LARGEST).splitlines():
        line = raw.strip()
        header = _SECTION.match(line)
        if header:
            if section:
                yield section, name, settings
            section, name = header.group(1).lower(), (header.group(2) or "").replace('\\"', '"').replace("\\\\", "\\")
            settings = {}
            line = line[header.end() :].strip()
        key, equals, value = line.partition("=")
        if equals and line[0] not in "#;":
            settings.setdefault(key.strip().lower(), value.strip().strip('"'))
    if section:
        yield section, name, settings


def without_credentials(url: str) -> str:
    """A remote's URL without user, password, query and fragment; ``git@host:path`` keeps its user, who is no secret."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        return url
    authority, slash, path = rest.partition("/")
    user, at, host = authority.rpartition("@")
    if at and scheme.endswith("ssh") and ":" not in user:
        host = authority
    return f"{scheme}://{host}{slash}{re.split('[?#]', path)[0]}"


def _git_folder(root: Path) -> Path | None:
    """``.git`` itself, or the folder that a ``.git`` file of a worktree or submodule names."""
    place = root / ".git"
    if os.path.isfile(place):  # noqa: PTH113 - Path.is_file raises where a link leads round in a circle
        said = _text(place, _LARGEST)
        if not said.startswith("gitdir:"):
            return None
        place = _joined(root, said[7:].strip())
    return place if os.path.isfile(place / "HEAD") else None  # noqa: PTH113


def _joined(folder: Path, said: str) -> Path:
    return Path(os.path.normpath(folder / said))


def _reference(repository: Repository, name: str) -> str:
    if not name.startswith("refs/") or ".." in name:
        return ""
    for folder in (repository.folder, repository.shared):
        said = _text(folder / name, _LARGEST).strip()
        if said:
            return said
    ending = f" {name}"
    for line in _text(repository.shared / "packed-refs", _LARGEST_PACKED).splitlines():
        if line.endswith(ending):
            return line[: -len(ending)]
    return ""


def _text(path: Path, largest: int) -> str:
    """A small regular file's text, empty where it cannot be read."""
    try:
        descriptor = os.open(Ours(path), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with open(descriptor, "rb") as file:
            return file.read(largest).decode("utf-8", "surrogateescape")
    except OSError:
        return ""
