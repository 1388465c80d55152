"""The files that a program read: checked against what they were, before anything runs, and put where it looks."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from autotrack.answers.code import source_paths
from autotrack.answers.subjects import digest_of
from autotrack.core.entities import FileRecord
from autotrack.core.gaps import Gap
from autotrack.core.guard import attempt

from .plan import Plan

if TYPE_CHECKING:
    from autotrack.core.sink import Sink

#: Endings of files that are code; what of it was read was imported.
_CODE = (".py", ".pyc", ".pyi", ".so", ".pth")
_EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@dataclass(slots=True)
class Inputs:
    """What was found of the files that the program read."""

    problems: list[Gap] = field(default_factory=list)
    unknown: list[Gap] = field(default_factory=list)
    #: Arguments that name a file which now lies elsewhere.
    moved: dict[str, str] = field(default_factory=dict)
    checked: int = 0


def put_inputs(plan: Plan, sink: Sink, fresh: Path, mapped: Mapping[str, str]) -> Inputs:
    """Checks every file that was read, and puts those of the program's own folders into the fresh ones.

    ``mapped``: where a file (or a folder) lies now that lay elsewhere. A file that is gone or has changed is looked
    for among the contents that the store keeps.
    """
    found = Inputs()
    for file in _read(plan):
        _put(plan, sink, fresh, mapped, file, found)
    return found


def _read(plan: Plan) -> Sequence[FileRecord]:
    """The files by path, each with the first content that it was read with."""
    code = source_paths(plan.story)
    written: set[tuple[str, str | None]] = {
        (file.path, file.sha256) for file in plan.story.files if file.role == "written"
    }
    found: dict[str, FileRecord] = {}
    for file in sorted(plan.story.files, key=lambda file: file.first):
        own = (file.path, file.sha256) in written or file.path in code or file.path.endswith(_CODE)
        if file.role == "read" and not own and os.path.isabs(file.path):  # noqa: PTH117 - a text of another machine
            found.setdefault(file.path, file)
    return list(found.values())


def _put(plan: Plan, sink: Sink, fresh: Path, mapped: Mapping[str, str], file: FileRecord, found: Inputs) -> None:
    place = plan.place(file.path, fresh)
    if place is not None and place.is_file() and file.sha256 is not None and digest_of(place) == file.sha256:
        found.checked += 1
        return  # it came with the code
    now = _now(file.path, mapped)
    source = Path(now)
    there = source.is_file()
    if file.sha256 is None:
        found.unknown.append(Gap("data", f"{file.path}: {file.partial or 'its content was not kept'}", ""))
        if there and place is not None:
            _copy(source, place)
        return
    digest = digest_of(source) if there else None
    if digest != file.sha256:
        kept = _kept(sink, file.sha256)
        if kept is None or (place is None and now == file.path):
            was = "is not there" if not there else f"has changed: it is {str(digest)[:12]}, and was {file.sha256[:12]}"
            close = f"Say where it is now: --data {file.path}=PATH"
            found.problems.append(Gap("data", f"{now} {was}", close))
            return
        place = place or fresh / "inputs" / file.sha256 / Path(file.path).name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(kept)
        found.moved[file.path] = str(place)
        found.checked += 1
        return
    found.checked += 1
    if place is not None:
        _copy(source, place)
    elif now != file.path:
        found.moved[file.path] = now


def _now(path: str, mapped: Mapping[str, str]) -> str:
    for old, new in mapped.items():
        old = os.path.abspath(old).rstrip("/") if not os.path.isabs(old) else old.rstrip("/")  # noqa: PTH100, PTH117
        if path == old:
            return os.path.abspath(new)  # noqa: PTH100
        if path.startswith(old + "/"):
            return os.path.join(os.path.abspath(new), path[len(old) + 1 :])  # noqa: PTH100, PTH118
    return path


def _copy(source: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.is_symlink() or place.exists():
        place.unlink()
    shutil.copy2(source, place)


def _kept(sink: Sink, sha256: str) -> bytes | None:
    """The content, where the store has it: as an object, or as a run's artifact."""
    if sha256 == _EMPTY:
        return b""
    content, _ = attempt(sink.objects.get, sha256)
    if content is not None:
        return content
    for run in sink.runs_with(contents=[sha256]):
        for artifact in run.artifacts:
            if artifact.sha256 == sha256:
                opened, _ = attempt(sink.artifacts.open, run.files, artifact.path)
                if opened is not None:
                    with opened:
                        return opened.read()
    return None
