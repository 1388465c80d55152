"""The code that ran: the commit and what differs from it or, without git, the imported files themselves."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from ..gaps import Gap
from ..keys import printable
from ..objects import Objects
from .cells import cells_that_ran
from .changes import uncommitted
from .git import ask_git, listed
from .masking import masked_source
from .record import entry_point
from .repository import Repository, find_repository, head_of, remote_of
from .sources import absolute, imported_files, keep_sources, main_script

_SECONDS = 10.0


def collect_code(
    objects: Objects, *, root_hint: Path, started: int, known: set[str] | None = None
) -> tuple[dict[str, Any], list[Gap]]:
    """What the program is made of, as far as it has been imported by now.

    ``kind`` is ``git`` (commit, branch, remote, diff, and those imported files that the commit does not have),
    ``snapshot`` (all imported files of the project) or ``none``. ``root_hint`` is the working directory that the
    program was started in, ``started`` when, in nanoseconds since the epoch. ``known`` is filled with the files that
    were looked at, for ``collect_imported``. Equal code gives equal documents.
    """
    script = main_script()
    place = Path(script).parent if script is not None else root_hint
    repository = find_repository(place) or (find_repository(root_hint) if script is None else None)
    paths = imported_files()
    if known is not None:
        known.update(paths)
    entry, words, gaps = _typed(objects)
    document: dict[str, Any] = {"kind": "none", "entry": entry, "root": None, "dirty": None}
    document |= {"commit": None, "branch": None, "remote": None, "diff": None, "diff_stat": None, "sources": {}} | words
    if repository is None:
        root = _project(script, root_hint)
        kept = keep_sources(objects, paths, root, started=started)
        document |= {"kind": "snapshot" if kept.files or words else "none", "root": printable(root)}
    else:
        root = str(repository.root)
        head = head_of(repository)
        document |= {"kind": "git", "root": printable(root), "commit": head.commit, "branch": head.branch}
        document["remote"] = remote_of(repository, head.branch)
        committed: set[str] = set()
        if head.commit is None:
            gaps.append(Gap("code", "the repository has no commit that could be read", "commit before training"))
        else:
            changes = uncommitted(repository, objects)
            document |= changes.document
            document["dirty"] = changes.dirty
            gaps += changes.gaps
            if changes.dirty is not None:
                committed = _tracked(repository, paths)
        kept = keep_sources(objects, [path for path in paths if path not in committed], root, started=started)
        if committed:
            kept.gaps += _changed_late(committed, started, root)
        if kept.files and document["dirty"] is False:
            document["dirty"] = True
    document["sources"] = kept.files
    if document["kind"] == "none":
        gaps.append(Gap("code", "there is no file of the program to keep", "put the code into a file and run that"))
    if entry.startswith(root + os.sep):
        document["entry"] = os.path.relpath(entry, root)
    return document, gaps + kept.gaps


def collect_imported(
    objects: Objects, document: dict[str, Any], known: set[str], *, started: int
) -> tuple[dict[str, dict[str, Any]], list[Gap]]:
    """Sources imported since ``collect_code`` made the document, to be added to its ``sources``.

    ``known`` is the set that was given there; it is filled up. Costs a millisecond where nothing new was imported.
    """
    fresh = [path for path in imported_files() if path not in known]
    known.update(fresh)
    if not fresh:
        return {}, []
    root = document["root"] or os.sep
    committed: set[str] = set()
    if document["kind"] == "git" and document["dirty"] is not None:
        repository = find_repository(Path(root))
        committed = _tracked(repository, fresh) if repository is not None else committed
    kept = keep_sources(objects, [path for path in fresh if path not in committed], root, started=started)
    return kept.files, kept.gaps + _changed_late(committed, started, root)


def _tracked(repository: Repository, paths: list[str]) -> set[str]:
    """Those of the files that git tracks in this working tree: commit and diff together have them."""
    root = f"{repository.root}{os.sep}"
    inside = {os.path.relpath(real, root): path for path in paths if (real := os.path.realpath(path)).startswith(root)}
    if not inside:
        return set()
    answer = ask_git(repository.root, "ls-files", "-z", *listed(list(inside)[:2000]), limit=16 << 20, seconds=_SECONDS)
    if answer.failure is not None:
        return set()  # kept as if untracked: too much rather than too little
    return {inside[name] for raw in answer.output.split(b"\0") if raw and (name := os.fsdecode(raw)) in inside}


def _changed_late(paths: set[str], started: int, root: str) -> list[Gap]:
    late = sorted(path for path in paths if _modified(path) > started)
    if not late:
        return []
    names = ", ".join(printable(os.path.relpath(path, root)) for path in late[:5])
    more = f" and {len(late) - 5} more" if len(late) > 5 else ""
    return [
        Gap(
            "code",
            f"{names}{more} changed after the program started: what is kept may not be what ran",
            "edit a copy while a training runs",
        )
    ]


def _modified(path: str) -> int:
    try:
        return Path(path).stat().st_mtime_ns
    except OSError:
        return 0


def _project(script: str | None, root_hint: Path) -> str:
    """The working directory where the script lies in it, else the script's own folder."""
    hint = absolute(str(root_hint)) or os.sep
    if script is None:
        return hint
    folder = str(Path(script).parent)
    return hint if f"{folder}{os.sep}".startswith(hint.rstrip(os.sep) + os.sep) else folder


def _typed(objects: Objects) -> tuple[str, dict[str, Any], list[Gap]]:
    """The entry point, and what was typed in and stands in no file: cells of a notebook, ``-c``."""
    entry = entry_point()
    cells = cells_that_ran()
    if cells is not None:
        return entry, {"cells": _put(objects, json.dumps(cells, ensure_ascii=False)) | {"count": len(cells)}}, []
    arguments = getattr(sys, "orig_argv", [])
    if entry == "-c" and "-c" in arguments[:-1]:
        return entry, {"command": _put(objects, arguments[arguments.index("-c") + 1])}, []
    if entry == "interactive" and main_script() is None:
        what = "what is typed at Python's prompt, or piped into it, is not kept"
        return entry, {}, [Gap("code", what, "put the code into a file and run that")]
    return entry, {}, []


def _put(objects: Objects, text: str) -> dict[str, Any]:
    content, _ = masked_source(text.encode("utf-8", "surrogateescape"))
    return {"sha256": objects.put(content), "size": len(content)}
