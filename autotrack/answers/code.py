"""How the code of two runs differs: the lines that are not the same, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from autotrack.answers.story import Story

from . import hunks
from .difference import Findings
from .repository import Repository

#: Endings of files that can change what a program computes, most likely first; a change elsewhere is named after them.
_TELLING = (".py", ".ipynb", ".pyx", ".yaml", ".yml", ".toml", ".json", ".cfg", ".ini", ".sh")


#: Those of files that people write; data may end in the others, too.
_WRITTEN = tuple(ending for ending in _TELLING if ending != ".json")
#: Lines of a change beyond which those of a file that is no code are counted, and not shown: nobody reads them.
_MOST_LINES = 60

#: Committed files that are looked into for what a program imports.
_MOST_TEXTS = 20

#: Code that stands in no file, by its name in the document, with what a person calls it.
_TYPED = {"cells": "the notebook's cells", "command": "the text behind -c"}


class _Unknown(Exception):
    """A text that is not at hand; says why."""


class _Side:
    """The code of one run: what its collector found, with texts where they are kept."""

    def __init__(self, story: Story, part: Mapping[str, Any]) -> None:
        self.story = story
        self.kind = str(part.get("kind") or "none")
        self.entry = _text(part.get("entry"))
        self.root = _text(part.get("root"))
        self.commit = _text(part.get("commit"))
        self.branch = _text(part.get("branch"))
        self.dirty = bool(part.get("dirty"))
        self.diff = part.get("diff")
        self.sources = _sources(part)
        large = part.get("large")
        #: Sizes of changed files that are too large for the diff.
        self.large = dict(large) if isinstance(large, Mapping) else {}
        #: What stands in no file: the cells of a notebook, the text behind ``-c``.
        self.typed = {name: _text(part[name].get("sha256")) for name in _TYPED if isinstance(part.get(name), Mapping)}
        content = story.content(self.diff)
        self.patches = hunks.parse(content.decode("utf-8", "backslashreplace")) if content is not None else {}
        #: True where there is a diff that is not at hand.
        self.lacks_diff = self.diff is not None and content is None
        #: Ids of committed blobs, by path, as far as they are known.
        self.blobs: dict[str, str] = {}

    def lines(self, path: str, repository: Repository | None, *, untracked: bool) -> list[str] | None:
        """The lines of a file as this run had it, None where it had none. Raises _Unknown.

        ``untracked``: the commit is known to have no such file.
        """
        if path in self.sources:
            content = self.story.content(self.sources[path])
            if content is None:
                raise _Unknown("its text was not kept")
            return hunks.split(content.decode("utf-8", "backslashreplace"))
        patch = self.patches.get(path)
        if self.kind != "git" or self.commit is None:
            return None
        if patch is not None and patch.binary:
            raise _Unknown("it is no text")
        if patch is not None and patch.removed:
            return None
        if patch is not None and patch.added:
            return hunks.apply([], patch)
        if untracked:
            return None
        if repository is None:
            raise _Unknown("its text is in the repository, which is not at hand")
        if not repository.has(self.commit, path):
            return None
        base = repository.text(self.commit, path)
        if base is None:
            raise _Unknown("it is no text")
        try:
            return hunks.apply(hunks.split(base), patch)
        except ValueError as error:
            raise _Unknown(str(error)) from error

    def blob(self, path: str, repository: Repository | None) -> str | None:
        """The id that git gives the content of a tracked file as this run had it; None where it is not known."""
        patch = self.patches.get(path)
        if patch is not None or path in self.blobs:
            return patch.blob if patch is not None else self.blobs[path]
        return repository.blob(self.commit, path) if repository is not None and self.commit is not None else None

    def said(self) -> str:
        """The commit as a person names it."""
        if self.commit is None:
            return "no commit"
        return f"{self.commit[:9]}{f' ({self.branch})' if self.branch else ''}{' with changes' if self.dirty else ''}"


def compare_code(a: Story, b: Story, findings: Findings) -> None:
    """Finds how the code differs. Where commits differ, a clone of the repository gives the lines."""
    part_a, part_b = a.part("code"), b.part("code")
    if part_a is None or part_b is None:
        missing = " and ".join(story.run.id[:8] for story, part in ((a, part_a), (b, part_b)) if part is None)
        findings.miss(f"no code was captured for {missing}")
        return
    one, two = _Side(a, part_a), _Side(b, part_b)
    if one.kind == "none" or two.kind == "none":
        findings.miss("one of the programs had no files: its code is not known", "keep the code in a file")
        return
    findings.compared = True
    for side in (one, two):
        if side.lacks_diff:
            findings.miss(f"the uncommitted changes of {side.story.run.id[:8]} are not at hand")
    commits = [side.commit for side in (one, two) if side.kind == "git" and side.commit is not None]
    same_commit = len(commits) == 2 and commits[0] == commits[1]
    repository = None
    if commits and not same_commit:
        repository = Repository.having([one.root, two.root, str(Path.cwd())], commits)
    _compare_typed(one, two, findings)
    _compare_files(one, two, same_commit, repository, findings)
    for path in sorted({**one.large, **two.large}):
        sizes = one.large.get(path), two.large.get(path)
        if sizes[0] != sizes[1]:
            findings.add(path, f"changed, and too large for a diff ({sizes[0]} → {sizes[1]} bytes)", *sizes)
        else:  # a gap of the session says that nothing but its size is known
            findings.compared = False
    if len(commits) == 2 and not same_commit and (findings.facts or repository is None):
        findings.add("commit", f"{one.said()} → {two.said()}", one.commit, two.commit)
        if repository is None:
            findings.miss("which lines differ between the two commits", "run this inside a clone that has both commits")
    elif len(commits) == 1 and repository is None:
        findings.miss("the files that only one of the two had under version control", "run this inside a clone")
    if one.entry and two.entry and _name(one.entry, one.root) != _name(two.entry, two.root):
        findings.add("entry", f"{one.entry} → {two.entry}", one.entry, two.entry)


def _compare_typed(one: _Side, two: _Side, findings: Findings) -> None:
    for name, called in _TYPED.items():
        sha_a, sha_b = one.typed.get(name), two.typed.get(name)
        if sha_a == sha_b:
            continue
        texts = [_typed_lines(side, sha) for side, sha in ((one, sha_a), (two, sha_b))]
        text = "not in a" if sha_a is None else "not in b" if sha_b is None else ""
        findings.add(called, text, sha_a, sha_b, lines=hunks.changes(*texts))


def _typed_lines(side: _Side, sha: str | None) -> list[str]:
    """The text as lines; the cells of a notebook one behind the other."""
    content = side.story.content(sha) or b""
    text = content.decode("utf-8", "backslashreplace")
    try:
        cells = json.loads(text)
    except (ValueError, RecursionError):
        cells = None
    if not isinstance(cells, list):
        return hunks.split(text)
    return [line for at, cell in enumerate(cells, 1) for line in (f"# cell {at}", *str(cell).split("\n"))]


def _compare_files(
    one: _Side, two: _Side, same_commit: bool, repository: Repository | None, findings: Findings
) -> None:
    paths = {*one.sources, *two.sources, *one.patches, *two.patches}
    if repository is not None and one.kind == two.kind == "git":
        assert one.commit is not None and two.commit is not None
        changed = repository.changed(one.commit, two.commit)
        if changed is None:
            findings.miss("all the files that differ between the two commits: they are too many", "compare with git")
        for path, blobs in (changed or {}).items():
            paths.add(path)
            one.blobs[path], two.blobs[path] = blobs
    # Bytecode beside its source is made from it, and is committed by accident: Python runs none whose source is gone.
    paths = {path for path in paths if "__pycache__" not in path.split("/")}
    if repository is not None:
        commits = [side.commit for side in (one, two) if side.kind == "git" and side.commit is not None]
        repository.foresee(commits, sorted(paths, key=lambda path: _weight(path, one)))
    for path in sorted(paths, key=lambda path: _weight(path, one)):
        if one.sources.get(path) == two.sources.get(path) is not None:
            continue
        if same_commit and path not in one.sources and path not in two.sources:
            _compare_patches(one.patches.get(path), two.patches.get(path), path, findings)
            continue
        # Of one commit, what git does not know for one is not in the commit for the other; an entry point may be.
        untracked = same_commit and path not in (one.entry, two.entry)
        try:
            lines_a, lines_b = (side.lines(path, repository, untracked=untracked) for side in (one, two))
        except _Unknown as why:
            _compare_unknown(one, two, path, str(why), repository, findings)
            continue
        if lines_a != lines_b:
            text = "not in b" if lines_b is None else "not in a" if lines_a is None else ""
            _add_lines(findings, path, text, hunks.changes(lines_a or [], lines_b or []))


def _add_lines(findings: Findings, path: str, text: str, lines: list[str]) -> None:
    """A file that differs, with its lines; of one that is no code and long, how many they are."""
    if len(lines) <= _MOST_LINES or path.endswith(_WRITTEN):
        findings.add(path, text, lines=lines)
        return
    gone, new = (sum(line.startswith(sign) for line in lines) for sign in "-+")
    findings.add(path, text, more=[f"of the file, {gone:,} lines became {new:,} others"])


def _compare_patches(a: hunks.Patch | None, b: hunks.Patch | None, path: str, findings: Findings) -> None:
    """Two uncommitted changes of the same committed file."""
    if _is_no_text(a) and _is_no_text(b) and a is not None and b is not None:
        _compare_blobs(path, a.blob, b.blob, "differs (no text)", findings)
        if a.blob == b.blob and a.lines != b.lines:
            findings.add(path, "its mode differs")
        return
    if (a.lines if a else []) == (b.lines if b else []):
        return
    if _is_no_text(a) or _is_no_text(b):
        findings.add(path, "differs (no text)")
        return
    lines = hunks.between(a, b)
    text = "not in b" if b is not None and b.removed else "not in a" if a is not None and a.removed else ""
    if lines or text:
        _add_lines(findings, path, text, lines)
    else:
        findings.add(path, "its mode differs")


def _is_no_text(patch: hunks.Patch | None) -> bool:
    """True where only the id of the changed file's blob says what it became."""
    return patch is not None and patch.binary and not patch.removed


def _compare_blobs(path: str, a: str | None, b: str | None, text: str, findings: Findings) -> None:
    """Two contents by their ids. What is not known of one side is not the same in both."""
    if a is None or b is None:
        findings.compared = False
        findings.miss(f"{path}: it is no text, and which content it had is not known for both", "commit it")
    elif a != b:
        findings.add(path, text, a, b)


def _compare_unknown(
    one: _Side, two: _Side, path: str, why: str, repository: Repository | None, findings: Findings
) -> None:
    """A file whose text is not at hand on one side: whether it differs is known from digests or changes, or not."""
    sha_a, sha_b = one.sources.get(path), two.sources.get(path)
    if sha_a is not None and sha_b is not None:
        findings.add(path, f"differs ({why})", sha_a, sha_b)
        return
    a, b = one.patches.get(path), two.patches.get(path)
    if sha_a is None and sha_b is None:
        blob_a, blob_b = (side.blob(path, repository) for side in (one, two))
        if (blob_a and blob_b) or (_is_no_text(a) and _is_no_text(b)):
            missing = [name for name, blob in (("a", blob_a), ("b", blob_b)) if blob and not blob.strip("0")]
            text = f"not in {missing[0]}" if missing else f"differs ({why})"
            _compare_blobs(path, blob_a, blob_b, text, findings)
            return
    if a is None and b is None:
        only = f"captured for {'a' if sha_a else 'b'} only" if sha_a or sha_b else "differs"
        findings.add(path, f"{only} ({why})", sha_a, sha_b)
        return
    if (a.lines if a else None) != (b.lines if b else None):
        lines = [*(a.lines if a else ()), *(b.lines if b else ())] if a is None or b is None else []
        whose = "a and b have other uncommitted changes" if a and b else f"only {'a' if a else 'b'} has this change"
        findings.add(path, whose, lines=[line for line in lines if line[:1] in "+-@ "])


def _sources(part: Mapping[str, Any]) -> dict[str, str]:
    found = part.get("sources")
    if not isinstance(found, Mapping):
        return {}
    return {
        str(path): str(entry["sha256"])
        for path, entry in found.items()
        if isinstance(entry, Mapping) and entry.get("sha256")
    }


def source_texts(story: Story) -> Iterator[str]:
    """The texts of a run's Python files, as far as they are at hand without much ado: those that were kept, and some of
    the commit's."""
    part = story.part("code") or {}
    side = _Side(story, part)
    if side.kind == "git" and side.commit is not None:
        repository = Repository.having([side.root, str(Path.cwd())], [side.commit])
        files = [file for file in (repository and repository.files(side.commit)) or () if file.path.endswith(".py")]
        # The entry point first, then what lies beside it.
        files.sort(key=lambda file: (file.path != side.entry, file.path.count("/"), file.path))
        for _, content in repository.contents(files[:_MOST_TEXTS]) if repository is not None else ():
            yield content.decode("utf-8", "replace")
    for digest in [*side.sources.values(), *side.typed.values()]:
        yield (story.content(digest) or b"").decode("utf-8", "replace")
    for patch in side.patches.values():
        yield from ("\n".join(hunk.new) for hunk in patch.hunks)


def source_paths(story: Story) -> set[str]:
    """Absolute paths of the files that a run's code is known to consist of."""
    return paths_in(story.part("code") or {})


def paths_in(part: Mapping[str, Any]) -> set[str]:
    """The same of what the collector of code found."""
    root = _text(part.get("root")) or ""
    names: Iterable[str] = [*_sources(part), *_texts(part.get("entry"))]
    return {name if name.startswith("/") else f"{root}/{name}" for name in names}


def code_states(story: Story) -> dict[str, str]:
    """What is known of the files of a run's code, a token each: equal where the files are, as far as was captured.

    Of those that are as the commit has them nothing is said.
    """
    part = story.part("code")
    if part is None:
        return {}
    side = _Side(story, part)
    found = {path: sha256(repr(_state_of(patch)).encode()).hexdigest() for path, patch in side.patches.items()}
    return {**found, **side.sources, **{_TYPED[name]: sha for name, sha in side.typed.items() if sha is not None}}


def _state_of(patch: hunks.Patch) -> object:
    return [*patch.lines, patch.blob] if patch.binary else patch.lines


def _texts(value: object) -> list[str]:
    return [value] if isinstance(value, str) and value else []


def _weight(path: str, side: _Side) -> tuple[bool, int, str]:
    place = next((at for at, ending in enumerate(_TELLING) if path.endswith(ending)), len(_TELLING))
    return side.entry is None or not side.entry.endswith(path), place, path


def _name(entry: str, root: str | None) -> str:
    """An entry point as it is seen from its own project: the same program elsewhere has the same name."""
    return entry.removeprefix(f"{root}/") if root else entry


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
