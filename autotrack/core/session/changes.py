"""What stands in a working tree that is not in its commit: one diff of the tracked files, bounded in size and time."""

from __future__ import annotations

import os
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from ..gaps import Gap
from ..keys import printable
from ..objects import Objects
from .git import ask_git, listed
from .masking import masked_source
from .repository import Repository
from .submodules import submodules_of

#: So much of a diff is kept, and no changed file beyond it is read.
LARGEST_DIFF = 8 << 20
_SECONDS = 20.0
_LONGEST_LIST = 32 << 20
_LONGEST_COMMAND = 100_000
_HEADERS = re.compile(rb"^--- [^\n]*\n\+\+\+ [^\n]*\n(?=@@ )", re.MULTILINE)
_BINARY = re.compile(rb"^Binary files [^\n]* differ$", re.MULTILINE)


@dataclass(slots=True)
class Changes:
    """``dirty`` is None where it is not known. ``document`` holds ``diff``, ``diff_stat`` and, if any, ``large`` and
    ``submodules``."""

    dirty: bool | None = None
    document: dict[str, Any] = field(default_factory=lambda: {"diff": None, "diff_stat": None})
    gaps: list[Gap] = field(default_factory=list)


def uncommitted(repository: Repository, objects: Objects) -> Changes:
    """The difference between the commit and the tracked files as they are, masked and kept as one object."""
    changes = Changes()
    names, failure = _changed(repository)
    if failure is not None:
        changes.gaps.append(_unknown(failure, repository))
        return changes
    paths, submodules = names
    large = {path: size for path in paths if (size := _size(repository, path)) > LARGEST_DIFF}
    small = [path for path in paths if path not in large]
    if large:
        changes.document["large"] = {printable(path): size for path, size in sorted(large.items())}
        changes.gaps.append(
            Gap(
                "code",
                f"{_some(large)} changed or touched since the commit and of more than {LARGEST_DIFF >> 20} MiB: "
                "known by its size only",
                "keep data and models out of git, or commit them",
            )
        )
    diff = b""
    if small:
        short = sum(len(path) + 20 for path in small) < _LONGEST_COMMAND
        which = listed(small) if short else listed(list(large), leave_out=True)
        answer = ask_git(repository.root, *_diff(), *which, limit=LARGEST_DIFF, seconds=_SECONDS)
        diff = answer.output
        if answer.failure in ("limit", "time"):
            diff = diff[: diff.rfind(b"\n") + 1]
            why = f"is over {LARGEST_DIFF >> 20} MiB" if answer.failure == "limit" else f"took over {_SECONDS:.0f} s"
            changes.document["partial"] = True
            changes.gaps.append(
                Gap("code", f"the uncommitted diff {why}: only its beginning is kept", "commit before training")
            )
        elif answer.failure is not None:
            changes.gaps.append(_unknown(answer.failure, repository))
            return changes
    _keep(diff, objects, changes)
    changes.dirty = bool(diff or large)
    if submodules or (repository.root / ".gitmodules").is_file():
        found, gaps = submodules_of(repository)
        if found:
            changes.document["submodules"] = found
        changes.gaps += gaps
    return changes


def _diff() -> list[str]:
    return [
        *("diff", "HEAD", "--no-ext-diff", "--no-textconv", "--no-color", "--no-renames", "--full-index"),
        *("--unified=3", "--src-prefix=a/", "--dst-prefix=b/", "--submodule=short", "--ignore-submodules=dirty"),
    ]


def _changed(repository: Repository) -> tuple[tuple[list[str], bool], str | None]:
    """Paths that differ from the commit or were touched since, and whether a submodule is at another commit."""
    arguments = ("diff", "HEAD", "--raw", "-z", "--no-renames", "--ignore-submodules=dirty")
    answer = ask_git(repository.root, *arguments, limit=_LONGEST_LIST, seconds=_SECONDS)
    fields = answer.output.split(b"\0")
    paths = [os.fsdecode(path) for path in fields[1::2]]
    modes = [description[1:].split(b" ")[:2] for description in fields[0::2]]
    return (paths, any(b"160000" in mode for mode in modes)), answer.failure


def _size(repository: Repository, path: str) -> int:
    try:
        return os.lstat(repository.root / path).st_size
    except (OSError, ValueError):
        return 0


def _keep(diff: bytes, objects: Objects, changes: Changes) -> None:
    if not diff:
        return
    hidden, secrets = masked_source(diff)
    changes.document["diff"] = objects.put(hidden)
    first = Counter(line[:1] for line in diff.split(b"\n"))
    headers = len(_HEADERS.findall(diff))
    changes.document["diff_stat"] = {
        "files": diff.startswith(b"diff --git ") + diff.count(b"\ndiff --git "),
        "insertions": first[b"+"] - headers,
        "deletions": first[b"-"] - headers,
    }
    binary = len(_BINARY.findall(diff))
    if binary:
        changes.gaps.append(
            Gap("code", f"{binary} changed binary file(s) in the diff: known by hash, not kept", "commit them")
        )
    if secrets:
        changes.document["masked"] = secrets
        changes.gaps.append(
            Gap("code", f"{secrets} secret(s) in the diff are masked", "read secrets from the environment")
        )


def _unknown(failure: str, repository: Repository) -> Gap:
    what = "uncommitted changes are not known"
    if failure == "absent":
        return Gap("code", f"{what}: there is no git command on the PATH", "install git")
    if failure in ("limit", "time"):
        return Gap("code", f"{what}: git took over {_SECONDS:.0f} s to list them", "commit before training")
    if "dubious ownership" in failure or ("ot a git repository" in failure and _is_foreign(repository)):
        return Gap(
            "code",
            f"{what}: the repository belongs to another user and git refuses to read it",
            f"run `git config --global --add safe.directory {printable(str(repository.root))}` if you trust it",
        )
    return Gap(
        "code", f"{what}: git says {printable(failure)[:200]!r}", "run `git diff HEAD` there and mend what it says"
    )


def _is_foreign(repository: Repository) -> bool:
    """True where git sees no repository because another user could have planted it."""
    try:
        owners = {os.lstat(place).st_uid for place in (repository.root, repository.folder)}
    except OSError:
        return False
    return hasattr(os, "geteuid") and owners != {os.geteuid()}


def _some(paths: dict[str, int]) -> str:
    named = ", ".join(printable(path) for path in sorted(paths)[:3])
    return named if len(paths) <= 3 else f"{named} and {len(paths) - 3} more"
