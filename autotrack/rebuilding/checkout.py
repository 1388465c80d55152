"""Puts the code of a run into a fresh folder: the commit, the uncommitted changes, the untracked sources."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from autotrack.answers.archive.packing import CARRIED
from autotrack.answers.repository import Repository
from autotrack.core.gaps import Gap
from autotrack.core.guard import attempt
from autotrack.core.session.masking import masked_source

from .folders import is_below, stays
from .gitting import run_git
from .plan import Plan
from .submodules import address_of, fetch_commit, put_submodules

_BINARY = re.compile(rb"^Binary files (?:a/.*|/dev/null) and b/(.*) differ$", re.MULTILINE)
#: Git's mode of a link.
_LINK = "120000"


def check_out(plan: Plan, fresh: Path, unknown: list[Gap] | None = None) -> list[Gap]:
    """Puts the code where it stood, under ``fresh``; answers what of it cannot be had. To ``unknown`` is added what may
    be missing and need not."""
    target = plan.mirrored(plan.root, fresh)
    target.mkdir(parents=True, exist_ok=True)
    if plan.code.get("kind") == "git":
        problems = _from_commit(plan, target, [] if unknown is None else unknown)
        if problems:
            return problems
    return _write_sources(plan, target)


def _from_commit(plan: Plan, target: Path, unknown: list[Gap]) -> list[Gap]:
    commit = str(plan.code.get("commit") or "")
    repository = Repository.having([plan.root, plan.folder, os.getcwd()], [commit]) if commit else None  # noqa: PTH109
    carried = (plan.story.part(CARRIED) or {}).get("tree")
    if repository is not None:
        folder = str(repository.folder)
        said = run_git(target.parent, "clone", "--quiet", "--no-checkout", "--no-tags", folder, str(target))
        said = said or run_git(target, "checkout", "--quiet", "--detach", commit)
        problems = [Gap("code", f"commit {commit[:12]} could not be checked out: {said}", "")] if said else []
    elif isinstance(carried, Mapping) and carried:
        problems = _write_tree(plan, carried, target)
    else:
        problems = _fetched(str(plan.code.get("remote") or ""), commit, target)
    if problems:
        return problems
    inside, missing = put_submodules(plan, target)
    unknown += missing
    digest = plan.code.get("diff")
    if digest is None:
        return []
    patch = plan.story.content(digest)
    if patch is None:
        return [Gap("code", "the uncommitted changes were captured, and are not at hand", "")]
    # What is binary was not kept. If the program read it, it is one of its inputs, whose content is checked.
    binary = [f"--exclude={path.decode('utf-8', 'replace')}" for path in _BINARY.findall(patch)]
    # Which commit of a submodule was there is known better than a patch could say.
    others = [f"--exclude={path}" for path in inside]
    said = run_git(target, "apply", "--whitespace=nowarn", *binary, *others, "-", given=patch)
    return [Gap("code", f"the uncommitted changes do not apply: {said}", "")] if said else []


def _fetched(remote: str, commit: str, target: Path) -> list[Gap]:
    """The commit from where the repository was cloned: all that is left of a project that was run by its address."""
    said, address = "", address_of(remote)
    if commit and address:
        said = run_git(target, "init", "--quiet", "--template=")
        said = said or fetch_commit(target, address, commit)
        said = said or run_git(target, "checkout", "--quiet", "--detach", commit)
        if not said:
            return []
    where = f"; it was cloned from {remote}" if remote else ""
    what = f"commit {commit[:12] or '(none)'} is in no clone at hand{where}{said and f', where git says: {said}'}"
    return [Gap("code", what, "Run this inside a clone of the repository that has the commit")]


def _write_tree(plan: Plan, tree: Mapping[str, Any], target: Path) -> list[Gap]:
    """The files of the commit as an archive brought them: files first, then links, which may not lead out."""
    problems = []
    links: dict[str, Path] = {}
    entries = [(str(path), entry) for path, entry in tree.items() if isinstance(entry, list) and len(entry) == 2]
    for path, (mode, digest) in sorted(entries, key=lambda each: each[1][0] == _LINK):
        place, content = PurePosixPath(path), plan.story.content(digest)
        if content is None:
            problems.append(Gap("code", f"the text of {path} is not at hand", ""))
            continue
        file = target / place
        leads = file.parent / os.fsdecode(content) if mode == _LINK else file
        inside = stays(file.parent, target) and is_below(os.path.normpath(leads), target)
        if place.is_absolute() or ".." in place.parts or ".git" in place.parts or not inside:
            problems.append(Gap("code", f"{path} leads out of the folder", ""))
            continue
        _, error = attempt(_write_committed, file, mode, content)
        if error is not None:
            problems.append(Gap("code", f"{path} could not be written: {error}", ""))
        elif mode == _LINK:
            links[path] = file
    # A link that stays inside by its own words may lead out through another one, made before it or after.
    for path in [path for path, file in links.items() if not stays(file, target)]:
        links[path].unlink()
        problems.append(Gap("code", f"{path} leads out of the folder", ""))
    return problems


def _write_committed(file: Path, mode: str, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    if mode == _LINK:
        file.symlink_to(os.fsdecode(content))
    else:
        file.write_bytes(content)
        file.chmod(0o755 if mode == "100755" else 0o644)


def _write_sources(plan: Plan, target: Path) -> list[Gap]:
    problems = []
    sources = plan.code.get("sources")
    for path, kept in (sources if isinstance(sources, Mapping) else {}).items():
        place = PurePosixPath(str(path))
        digest = kept.get("sha256") if isinstance(kept, Mapping) else None
        if place.is_absolute() or ".." in place.parts:  # of another folder: it is imported from where it is
            said = _elsewhere(Path(os.path.normpath(os.path.join(plan.root, place))), digest)  # noqa: PTH118
            problems += [Gap("code", f"{path}, which is imported, {said}", "Put it back as it was")] if said else []
            continue
        content = plan.story.content(digest)
        if content is None:
            problems.append(Gap("code", f"the text of {path} is not at hand", ""))
            continue
        file = target / place
        if file.is_symlink() or not stays(file, target):  # before a folder is made, which may be through a link
            problems.append(Gap("code", f"{path} leads out of the folder", ""))
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    large = plan.code.get("large")
    for path in large if isinstance(large, Mapping) else ():
        problems.append(Gap("code", f"{path} had changed, and was too large to be kept", "Commit it"))
    return problems


def _elsewhere(file: Path, digest: object) -> str:
    """What is wrong with a source that lies in no folder of the program's own; empty where it is as it was."""
    content, _ = attempt(file.read_bytes)
    if content is None:
        return "is not there any more"
    # What was kept of it may have had secrets in it, which were masked.
    found = (content, masked_source(content)[0])
    return "" if digest in [hashlib.sha256(each).hexdigest() for each in found] else "has changed since"
