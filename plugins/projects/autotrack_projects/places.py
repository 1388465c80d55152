"""Where a project is: a folder, an archive, or a commit of a repository; and a folder to run it in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from autotrack.plugin import UsageError, hold_folder, remove_left, settings, shown

from .repositories import check_out, current_commit

Progress = Callable[[str], None]

#: How the copies of projects are called.
_COPY = "project-"

_GIT = re.compile(
    r"(?:git\+)?(?:https?|ssh|git|file)://.+|[A-Za-z0-9_][\w.-]*@[A-Za-z0-9][\w.-]*:.+|git:.+|github:[\w.-]+/[\w.-]+.*",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Place:
    """A project that is here. ``source`` is its URI as people may see it; ``commit`` is None outside repositories."""

    folder: Path
    source: str
    commit: str | None = None
    repository: str | None = None
    branch: str | None = None
    #: True where the folder is a copy of this run's own.
    fetched: bool = False

    @property
    def title(self) -> str:
        """What a project without a name is called: the last part of where it is."""
        address, _, subfolder = self.source.partition("#")
        return (subfolder or address).rstrip("/").rpartition("/")[2].removesuffix(".git") or "project"


def is_project(target: str) -> bool:
    """True for what is not a script: a folder, an archive, or a URI."""
    path, _, _ = target.partition("#")
    return Path(path).is_dir() or _GIT.fullmatch(target) is not None or path.endswith((".zip", ".git"))


@contextmanager
def opened(uri: str, version: str | None, progress: Progress) -> Iterator[Place]:
    """The project at a URI, in a folder that is there until the end; a copy is removed then.

    UsageError where the URI cannot be meant, ProjectError where nothing can be fetched from it.
    """
    if "\0" in uri or uri.startswith("-"):
        raise UsageError(f"{uri!r:.100} is no project")
    address, _, subfolder = uri.partition("#")
    if address.startswith("file://") and not address.endswith(".git") and Path(address[7:]).is_file():
        address = address.removeprefix("file://")
    path = Path(address).expanduser()
    is_archive = address.endswith(".zip") and path.is_file()
    if not is_archive and _GIT.fullmatch(address) is None:
        if path.is_dir() and version is None and not _is_bare(path):
            folder = _below(path.resolve(), subfolder)
            commit, branch, remote = current_commit(folder)
            yield Place(folder, f"{path.resolve()}{_sub(subfolder)}", commit, remote, branch)
            return
        if not path.is_dir():
            raise UsageError(f"cannot run {uri!r:.200}: there is no such folder, and it is no URI of a repository")
        address = f"file://{path.resolve()}"
    if is_archive and version is not None:
        raise UsageError(f"{uri} is an archive, and has no version {version}; versions are those of repositories")
    remove_left(_cache(), _COPY)
    held = hold_folder(_cache(), _COPY)
    work = held.path
    try:
        if is_archive:
            from .archives import unpack

            unpack(path, work / "project", largest=int(settings("projects")["largest_bytes"]))
            yield Place(_below(work / "project", subfolder), f"{path.resolve()}{_sub(subfolder)}", fetched=True)
        else:
            found = check_out(address, version, work / "project", _cache(), progress)
            source = f"{shown(found.url)}{_sub(subfolder)}"
            folder = _below(work / "project", subfolder)
            yield Place(folder, source, found.commit, shown(found.url), found.branch, fetched=True)
    finally:
        held.remove()


def _is_bare(path: Path) -> bool:
    return (path / "HEAD").is_file() and (path / "objects").is_dir() and (path / "refs").is_dir()


def _cache() -> Path:
    """The private folder that repositories and copies are kept in."""
    from autotrack.plugin import environments

    folder = environments.environments_folder().parent / "projects"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def _sub(subfolder: str) -> str:
    return f"#{subfolder}" if subfolder else ""


def _below(folder: Path, subfolder: str) -> Path:
    found = folder / subfolder
    if (
        Path(subfolder).is_absolute()
        or ".." in Path(subfolder).parts
        or not found.resolve().is_relative_to(folder.resolve())
    ):
        raise UsageError(f"#{subfolder} leads out of the project; name a folder inside it")
    if not found.is_dir():
        raise UsageError(f"there is no folder {subfolder} in the project")
    return found
