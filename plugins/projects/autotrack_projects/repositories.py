"""Commits out of git repositories that nobody vouches for: no hook, no submodule, no helper, no way out of the tree.

A repository is fetched once into a bare one in the cache; each run checks its commit out into a folder of its own.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from autotrack.plugin import ProjectError, UsageError, family, settings, shown

_SCHEMES = ("https", "http", "ssh", "git", "file")
_REF = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./+@^~-]{0,199}")
_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
#: Seconds that one call of git may take.
TIMEOUT = 1800.0

#: For every call: what a repository says of itself starts no program and reaches no other repository.
_SAFE = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.pager=cat",
    "core.protectHFS=true",
    "core.protectNTFS=true",
    "submodule.recurse=false",
    "fetch.recurseSubmodules=false",
    "protocol.allow=never",
    *(f"protocol.{scheme}.allow=always" for scheme in _SCHEMES),
    "uploadpack.packObjectsHook=",
    "gc.auto=0",
    "advice.detachedHead=false",
]


@dataclass(frozen=True, slots=True)
class CheckedOut:
    """A commit in a folder. ``branch`` is the branch that was asked for, if it was one."""

    url: str
    commit: str
    branch: str | None


def check_out(address: str, version: str | None, target: Path, cache: Path, told: Callable[[str], None]) -> CheckedOut:
    """Puts a commit, branch or tag of a repository (without one: its own branch) into a new folder."""
    url = url_of(address)
    if version is not None and (not _REF.fullmatch(version) or ".." in version or version.endswith((".lock", "/"))):
        raise UsageError(f"{version!r:.100} is no commit, branch or tag")
    if shutil.which("git") is None:
        raise ProjectError(f"cannot fetch {shown(url)}: git is not installed here; install it, or give a folder")
    bare = cache / f"{hashlib.sha256(url.encode()).hexdigest()[:32]}.git"
    with _locked(bare.with_suffix(".lock"), lambda: told(f"another run fetches {shown(url)}: waiting for it")) as lock:
        if bare.is_dir():
            _tidy(bare)
        else:
            new = bare.with_suffix(".new")
            shutil.rmtree(new, ignore_errors=True)
            _git(["init", "--quiet", "--bare", "--template=", str(new)], cache)
            new.rename(bare)  # a half one has another name
        known = version is not None and _SHA.fullmatch(version) and _commit(bare, version)
        if known:
            commit, branch = str(known), None
        else:
            told(f"fetching {shown(url)}")
            commit, branch = _fetched(bare, url, version, lock)
        _refuse_large(bare, commit)
        _borrow(bare, target)
    _git(["remote", "add", "origin", shown(url)], target)
    _git(["checkout", "--quiet", "--detach", "--force", commit], target)
    _refuse_links_out(target)
    return CheckedOut(url, commit, branch)


def _borrow(bare: Path, target: Path) -> None:
    """A new repository whose objects are those of another one, which may know a part of its history only."""
    _git(["init", "--quiet", "--template=", str(target)], bare)
    alternates = target / ".git" / "objects" / "info" / "alternates"
    alternates.parent.mkdir(exist_ok=True)
    alternates.write_bytes(os.fsencode(bare / "objects") + b"\n")
    if (bare / "shallow").is_file():
        shutil.copyfile(bare / "shallow", target / ".git" / "shallow")


def url_of(address: str) -> str:
    """The address that git is given. UsageError for protocols that start programs, and for options in disguise."""
    url = address.removeprefix("git+")
    if url.startswith("github:"):
        url = f"https://github.com/{url.removeprefix('github:')}"
    elif url.startswith("git:") and not url.startswith("git://"):
        url = url.removeprefix("git:")
    scheme, separator, rest = url.partition("://")
    if separator and scheme not in _SCHEMES:
        raise UsageError(f"{address!r:.200} cannot be fetched: repositories are at {', '.join(_SCHEMES)}")
    where = rest if separator else url
    if url.startswith("-") or where.startswith("-") or "::" in url or any(ord(character) < 33 for character in url):
        raise UsageError(f"{address!r:.200} is no address of a repository")
    host = where.partition("/")[0].rpartition("@")[2]
    if scheme != "file" and (host.startswith("-") or (not separator and ":" not in where)):
        raise UsageError(f"{address!r:.200} is no address of a repository")
    return url


def current_commit(folder: Path) -> tuple[str | None, str | None, str | None]:
    """Commit, branch and remote of the repository around a folder; None each where there is none."""
    if shutil.which("git") is None or not any((place / ".git").exists() for place in (folder, *folder.parents)):
        return None, None, None
    said = [
        _said(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"], folder),
        _said(["symbolic-ref", "--quiet", "--short", "HEAD"], folder),
        _said(["config", "--get", "remote.origin.url"], folder),
    ]
    return said[0], said[1], shown(said[2]) if said[2] else None


def _fetched(bare: Path, url: str, version: str | None, lock: int) -> tuple[str, str | None]:
    """Fetches what is needed for a version, and answers its commit and, where it is one, its branch."""
    wanted = version or "HEAD"
    shallow = ["fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--depth=1", "--end-of-options", url]
    for ref in (
        (wanted,) if version is None or _SHA.fullmatch(wanted) else (f"refs/heads/{wanted}", f"refs/tags/{wanted}")
    ):
        if _fetch([*shallow, ref], bare, lock):
            commit = _commit(bare, "FETCH_HEAD")
            if commit:
                return commit, wanted if ref.startswith("refs/heads/") else None
    # An old commit, or a part of one's name: not every server gives what no ref names, so all of it is fetched.
    every = ["+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"]
    deepen = ["--unshallow"] if (bare / "shallow").exists() else []
    arguments = ["fetch", "--quiet", "--no-recurse-submodules", *deepen, "--end-of-options", url, *every]
    if not _fetch(arguments, bare, lock, last=True):
        raise AssertionError("unreachable: the last try raises")
    commit = _commit(bare, wanted) or _commit(bare, f"refs/remotes/origin/{wanted}")
    if commit is None:
        raise ProjectError(f"{shown(url)} has no commit, branch or tag {wanted!r}; check the name")
    return commit, None


def _fetch(arguments: list[str], bare: Path, lock: int, *, last: bool = False) -> bool:
    """True where git fetched it; ProjectError where the last try fails, or where it is too large.

    git inherits the lock: where we are killed meanwhile nobody else begins before it has ended.
    """
    process = subprocess.Popen(
        _command(arguments),
        cwd=bare,
        env=_surroundings(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        pass_fds=(lock,),
    )
    largest, deadline = int(settings("projects")["largest_bytes"]), time.monotonic() + TIMEOUT
    try:
        while True:
            try:
                _, said = process.communicate(timeout=0.5)
                break
            except subprocess.TimeoutExpired:
                if _size(bare) > largest:
                    raise ProjectError(_too_large(largest)) from None
                if time.monotonic() > deadline:
                    raise ProjectError(f"git did not end within {TIMEOUT:.0f} s; try again") from None
    except BaseException:
        family.end(process)  # asked first: it takes its locks and its parts of files away
        raise
    if process.returncode and last:
        raise ProjectError(f"nothing could be fetched: {_words(said)}; check the address and your access to it")
    return process.returncode == 0


def _refuse_large(bare: Path, commit: str) -> None:
    largest = int(settings("projects")["largest_bytes"])
    listed = _git(["ls-tree", "-r", "-l", "-z", "--full-tree", commit], bare)
    sizes = [int(entry.split(b"\t")[0].split()[-1]) for entry in listed.split(b"\0") if entry and b" blob " in entry]
    if sum(sizes) > largest:
        raise ProjectError(_too_large(largest))


def _too_large(largest: int) -> str:
    return (
        f"the repository is larger than {largest:,} bytes; AUTOTRACK_PROJECTS_LARGEST_BYTES says how large one may be"
    )


def _refuse_links_out(folder: Path) -> None:
    """ProjectError where a link in the tree leads out of it: what it points at would pass as the project's."""
    root = folder.resolve()
    for place, folders, names in os.walk(folder):
        for name in (*folders, *names):
            path = Path(place, name)
            if path.is_symlink() and not path.resolve().is_relative_to(root):
                raise ProjectError(f"{path.relative_to(folder)} is a link out of the repository; it is not run")


def _commit(folder: Path, name: str) -> str | None:
    return _said(["rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"], folder)


def _said(arguments: list[str], folder: Path) -> str | None:
    try:
        said = _git(arguments, folder)
    except ProjectError:
        return None
    return said.decode("utf-8", "surrogateescape").strip().removeprefix("--end-of-options").strip() or None


def _git(arguments: list[str], folder: Path) -> bytes:
    try:
        done = subprocess.run(
            _command(arguments),
            cwd=folder,
            env=_surroundings(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ProjectError(f"git {arguments[0]} did not end within {TIMEOUT:.0f} s; try again") from None
    if done.returncode:
        raise ProjectError(f"git {arguments[0]} failed: {_words(done.stderr)}")
    return done.stdout


def _command(arguments: list[str]) -> list[str]:
    return ["git", *(word for entry in _SAFE for word in ("-c", entry)), *arguments]


def _surroundings() -> dict[str, str]:
    """The caller's variables (his ssh agent, his credentials), and git asks nobody and touches no other repository."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name == "GIT_SSH_COMMAND"
    }
    return {
        **kept,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_LFS_SKIP_SMUDGE": "1",
        "GIT_ALLOW_PROTOCOL": ":".join(_SCHEMES),
        "LC_ALL": "C",
    }


def _words(said: bytes) -> str:
    lines = [line for line in said.decode("utf-8", "replace").splitlines() if line.strip()]
    return shown(" ".join(lines[-3:]))[:400] or "it said nothing"


def _size(folder: Path) -> int:
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += Path(place, name).lstat().st_size
            except OSError:
                continue  # a temporary file of git's
    return total


def _tidy(bare: Path) -> None:
    """Takes away what a git that was killed left: nobody else has the repository's lock, and it refuses to go on."""
    for pattern in ("*.lock", "objects/pack/tmp_*"):
        for path in bare.glob(pattern):
            path.unlink(missing_ok=True)


@contextmanager
def _locked(file: Path, waits: Callable[[], None]) -> Iterator[int]:
    """Holds a file's lock: two runs fetch one repository one after the other. ``waits`` is told where one waits."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waits()
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)
