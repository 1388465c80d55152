"""The submodules of a working tree: which commit of which repository each is, and whether that is all it holds.

git's own command for submodules runs what a repository tells it to; here each is looked at as a repository of its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from ..gaps import Gap
from ..keys import printable
from .git import ask_git
from .repository import Repository, head_of, remote_of, repository_at, sections_of

#: So many are looked at, and so deep inside one another.
_MOST, _DEPTH = 50, 3
_SECONDS = 10.0
_LISTED = 1 << 16


def submodules_of(repository: Repository) -> tuple[dict[str, dict[str, Any]], list[Gap]]:
    """``{"commit", "url"}`` of each submodule that is checked out, by its path from the root; and what of them is in no
    commit, or in none that a remote is known to have. Nothing is asked of a network."""
    found: dict[str, dict[str, Any]] = {}
    gaps: list[Gap] = []
    for path, inside in _checked_out(repository, "", _DEPTH):
        if len(found) >= _MOST:
            gaps.append(Gap("code", f"more than {_MOST} submodules: the others are not looked at", ""))
            break
        head = head_of(inside)
        url = remote_of(inside, head.branch)
        found[printable(path)] = {"commit": head.commit, "url": url}
        gap = _gap(inside, printable(path), head.commit, url)
        if gap is not None:
            gaps.append(gap)
    return found, gaps


def _checked_out(repository: Repository, prefix: str, depth: int) -> Iterator[tuple[str, Repository]]:
    """Those that are there, each before the ones inside it."""
    for section, _, settings in sections_of(repository.root / ".gitmodules"):
        path = settings.get("path", "")
        place = PurePosixPath(path)
        if section != "submodule" or not path or place.is_absolute() or ".." in place.parts:
            continue
        inside = repository_at(repository.root / place)
        if inside is None or os.path.realpath(inside.root) != os.path.join(os.path.realpath(repository.root), place):  # noqa: PTH118
            continue  # never checked out, so the program had nothing of it; or a link to elsewhere
        yield f"{prefix}{place}", inside
        if depth > 1:
            yield from _checked_out(inside, f"{prefix}{place}/", depth - 1)


def _gap(inside: Repository, path: str, commit: str | None, url: str | None) -> Gap | None:
    """What keeps a submodule from being had again by its commit alone."""
    if commit is None:
        return Gap("code", f"the submodule {path} has no commit that could be read", "commit inside it")
    arguments = ("diff", "HEAD", "--raw", "-z", "--no-renames", "--ignore-submodules=all")  # those are told themselves
    changed = ask_git(inside.root, *arguments, limit=_LISTED, seconds=_SECONDS)
    if changed.output or changed.failure is not None:
        what = (
            f"uncommitted changes inside submodules are not in the diff ({path}); what was imported from them is kept"
        )
        return Gap("code", what, "commit inside the submodules")
    if url is None:
        return Gap("code", f"the submodule {path} has no remote that its commit could be had from", "push it to one")
    asked = ("for-each-ref", "--count=1", "--format=%(refname)", f"--contains={commit}", "refs/remotes/")
    known = ask_git(inside.root, *asked, limit=_LISTED, seconds=_SECONDS)
    if not known.output:
        what = f"the commit {commit[:12]} of the submodule {path} is on no branch of its remote that is known here"
        return Gap("code", what, "push it, or fetch inside the submodule")
    return None
