"""Puts the submodules of a commit where they stood: each at its commit, from a clone at hand or from its address.

``git submodule`` is never asked: what a repository says of its submodules could have it start programs, or fetch by
protocols that do. What a program imported of them is among its kept sources, so one that cannot be had may be no loss.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from autotrack.answers.repository import Repository
from autotrack.core.gaps import Gap

from .folders import stays
from .gitting import run_git
from .plan import Plan

_PROTOCOLS = ("https", "http", "ssh", "git", "file")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def put_submodules(plan: Plan, target: Path) -> tuple[list[str], list[Gap]]:
    """The paths of those that are in place, and what of others cannot be had. ``target`` has the commit that they are
    parts of."""
    known = plan.code.get("submodules")
    placed: list[str] = []
    missing: list[Gap] = []
    for path, record in sorted(known.items() if isinstance(known, Mapping) else ()):  # the outer ones first
        commit, url = (
            (str(record.get(name) or "") for name in ("commit", "url")) if isinstance(record, Mapping) else ("", "")
        )
        said = _refused(str(path), commit, target) or _put(plan, str(path), commit, url, target)
        if said:
            what = f"the submodule {path} at {commit[:12]} cannot be had: {said}"
            missing.append(
                Gap("code", what, "Run this inside a clone that has it, or where its address can be reached")
            )
        else:
            placed.append(str(path))
    return placed, missing


def _refused(path: str, commit: str, target: Path) -> str:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or ".git" in parts or not stays(target / path, target):
        return "its path leads out of the folder"
    return "" if _COMMIT.fullmatch(commit) else "its commit is not known"


def _put(plan: Plan, path: str, commit: str, url: str, target: Path) -> str:
    """What git complains of, or what is wrong with the address; empty where the commit is in place."""
    place = target / path
    if place.is_symlink() or (place.exists() and (not place.is_dir() or any(place.iterdir()))):
        return "something else is in its place"
    place.mkdir(parents=True, exist_ok=True)
    at_hand = Repository.having([os.path.join(plan.root, path), os.path.join(os.getcwd(), path)], [commit])  # noqa: PTH109, PTH118
    said = run_git(place, "init", "--quiet", "--template=")
    said = said or (
        fetch_commit(place, str(at_hand.folder), commit) if at_hand is not None else "it is in no clone at hand"
    )
    if said and (address := address_of(url)):
        said = fetch_commit(place, address, commit)
    said = said or run_git(place, "checkout", "--quiet", "--detach", "--force", commit)
    if said:
        shutil.rmtree(place)
        place.mkdir()
    return said


def fetch_commit(place: Path, address: str, commit: str) -> str:
    """The commit alone, or, where a server does not give that, everything that its branches have."""
    fetch = ("fetch", "--quiet", "--no-tags", "--no-recurse-submodules")
    said = run_git(place, *fetch, "--depth=1", "--end-of-options", address, commit, protocols=_PROTOCOLS)
    if not said:
        return ""
    return run_git(place, *fetch, "--end-of-options", address, "+refs/heads/*:refs/remotes/it/*", protocols=_PROTOCOLS)


def address_of(url: str) -> str | None:
    """The address as git may be given it; None for what starts programs, and for options in disguise."""
    scheme, separator, rest = url.partition("://")
    where = rest if separator else url
    if not where or "::" in url or where.startswith("-") or any(ord(character) < 33 for character in url):
        return None
    if separator:
        host = where.partition("/")[0].rpartition("@")[2]
        return url if scheme in _PROTOCOLS and not host.startswith("-") else None
    if url.startswith("/"):
        return url
    host, colon, _ = url.partition(":")  # git@host:path
    return url if colon and "/" not in host and not host.rpartition("@")[2].startswith("-") else None
