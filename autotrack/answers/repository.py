"""Asks git what a file was at a commit, where a clone that has the commit is at hand."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, tee
from pathlib import Path

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SECONDS = 10.0
#: Bytes of git's answers that are looked at.
_MOST = 32 << 20
#: Bytes of files that are asked for at once, and of all that are held for what asks later.
_AT_ONCE, _HELD = 8 << 20, 64 << 20
#: Files that differ between two commits beyond which a diff says only that they differ.
MOST_FILES = 500
#: Plumbing commands run no hook, no filter and no program that a repository's own settings name; these are the rest.
_SAFE = (
    "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.pager=cat",
    "-c", "protocol.allow=never", "--no-pager", "--literal-pathspecs",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Committed:
    """A file of a commit: git's mode (``100644``, ``100755``, ``120000`` for a link), its object, its bytes."""

    path: str
    mode: str
    object: str
    size: int


class Repository:
    """A clone that is only read, through git's plumbing. What it cannot say is None."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        #: What was foreseen: of a file at a commit its object and size, and the texts of some objects.
        self._files: dict[tuple[str, str], tuple[str, int] | None] = {}
        self._texts: dict[str, str | None] = {}

    @classmethod
    def having(cls, folders: Iterable[str | None], commits: Iterable[str]) -> Repository | None:
        """The first of these folders that is in a clone which has all of those commits."""
        wanted = list(commits)
        if not wanted or not all(_COMMIT.fullmatch(commit) for commit in wanted):
            return None
        for folder in dict.fromkeys(folder for folder in folders if folder):
            if os.path.isabs(folder) and os.path.isdir(folder):  # noqa: PTH112, PTH117 - texts that others wrote
                found = cls(Path(folder))
                if all(found._ask("cat-file", "-e", f"{commit}^{{commit}}") is not None for commit in wanted):
                    return found
        return None

    def changed(self, a: str, b: str) -> dict[str, tuple[str, str]] | None:
        """Paths of the files that differ between two commits, with the ids of both blobs (zeros where there is none);
        None where git does not say, or there are too many."""
        found = self._ask("diff-tree", "-r", "-z", "--raw", "--no-abbrev", "--no-renames", "--no-ext-diff", a, b)
        if found is None:
            return None
        words = found.split(b"\0")
        if len(words) // 2 > MOST_FILES:
            return None
        said = zip(words[::2], words[1::2], strict=False)
        ids = ((path.decode("utf-8", "backslashreplace"), about.decode().split()) for about, path in said)
        return {path: (before, after) for path, (_, _, before, after, _) in ids}

    def text(self, commit: str, path: str) -> str | None:
        """A file at a commit; None where it is not there, or is no text."""
        known = self._files.get((commit, path))
        if known is not None and known[0] in self._texts:
            return self._texts[known[0]]
        size = self._ask("cat-file", "-s", f"{commit}:{path}")
        if size is None or int(size) > _MOST:
            return None
        return _text(self._ask("cat-file", "blob", f"{commit}:{path}"))

    def foresee(self, commits: Iterable[str], paths: Iterable[str]) -> None:
        """Has git say at once what ``has``, ``blob`` and ``text`` will ask of these files: of hundreds one by one it
        would take seconds. What it does not say is asked when its time comes."""
        wanted = [(commit, path) for path in paths if _fits_a_line(path) for commit in commits]
        names = "".join(f"{commit}:{path}\n" for commit, path in wanted)
        said = self._ask("cat-file", "--batch-check", given=names.encode())
        lines = (said or b"").split(b"\n")[:-1]
        if len(lines) != len(wanted):
            return
        blobs: dict[str, int] = {}
        for file, line in zip(wanted, lines, strict=True):
            about = line.rsplit(b" ", 2)
            if about[-1] == b"missing":
                self._files[file] = None
            elif len(about) == 3 and about[1] == b"blob":
                name, size = about[0].decode(), int(about[2])
                self._files[file] = name, size
                blobs |= {name: size} if size <= _AT_ONCE else {}  # a larger one is looked at first, and by itself
        held = 0
        for some in _batches(blobs.items()):
            for name, content in self._objects(some).items():
                self._texts[name] = text = _text(content)
                held += len(text or "")
            if held > _HELD:
                return

    def files(self, commit: str) -> list[Committed] | None:
        """The files of a commit, submodules left out; None where git does not say."""
        said = self._ask("ls-tree", "-r", "-l", "-z", "--full-tree", commit)
        if said is None:
            return None
        found = []
        for line in said.split(b"\0"):
            if line:
                about, _, path = line.partition(b"\t")
                mode, kind, name, size = about.decode().split()
                if kind == "blob":
                    found.append(Committed(path.decode("utf-8", "surrogateescape"), mode, name, int(size)))
        return found

    def contents(self, files: Iterable[Committed]) -> Iterator[tuple[Committed, bytes]]:
        """The files with their contents; one that git does not give is left out."""
        named, again = tee(files)
        for some in _batches((file.object, file.size) for file in named):
            found = self._objects(some)
            yield from ((file, found[file.object]) for file in islice(again, len(some)) if file.object in found)

    def blob(self, commit: str, path: str) -> str | None:
        """The id of a file's blob at a commit; None where it is not there, or git does not say."""
        if (commit, path) in self._files:
            known = self._files[commit, path]
            return known[0] if known is not None else None
        found = self._ask("rev-parse", "--verify", "--end-of-options", f"{commit}:{path}")
        return found.decode().strip() if found is not None else None

    def has(self, commit: str, path: str) -> bool:
        """True where the commit has a file of that path."""
        if (commit, path) in self._files:
            return self._files[commit, path] is not None
        return self._ask("cat-file", "-e", f"{commit}:{path}") is not None

    def _objects(self, names: Iterable[str]) -> dict[str, bytes]:
        """The contents of blobs by their ids; those that git does not give are left out."""
        said = self._ask("cat-file", "--batch", given="".join(f"{name}\n" for name in names).encode()) or b""
        found, at = {}, 0
        while at < len(said):
            end = said.index(b"\n", at)
            name, kind, *size = said[at:end].decode().split()
            at = end + 1
            if size:
                stop = at + int(size[0])
                if kind == "blob":
                    found[name] = said[at:stop]
                at = stop + 1
        return found

    def _ask(self, *arguments: str, given: bytes | None = None) -> bytes | None:
        """What git prints; None where it fails, takes too long or says too much."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        environment |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "LC_ALL": "C"}
        try:
            done = subprocess.run(
                ["git", *_SAFE, *arguments],
                cwd=self.folder,
                env=environment,
                input=given or b"",
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=_SECONDS,
                check=False,
            )
        except (OSError, subprocess.SubprocessError, ValueError):
            return None
        return done.stdout if done.returncode == 0 and len(done.stdout) <= _MOST else None


def _batches(files: Iterable[tuple[str, int]]) -> Iterator[list[str]]:
    """The ids of some blobs, in order, as many as are asked for at once by their sizes."""
    some: list[str] = []
    total = 0
    for name, size in files:
        if some and total + size > _AT_ONCE:
            yield some
            some, total = [], 0
        some.append(name)
        total += size
    if some:
        yield some


def _fits_a_line(path: str) -> bool:
    """Whether a name can be told to git among others: it has no line's end in it, and can be written."""
    return "\n" not in path and path.encode("utf-8", "ignore").decode() == path


def _text(content: bytes | None) -> str | None:
    """None for what is no text."""
    return None if content is None or b"\0" in content else content.decode("utf-8", "backslashreplace")
