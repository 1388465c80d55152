"""The files that a program read: checked against what they were, before anything runs, and put where it looks."""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from autotrack.answers.code import source_paths
from autotrack.answers.subjects import digest_of
from autotrack.core.entities import FileRecord
from autotrack.core.gaps import Gap
from autotrack.core.guard import attempt

from .plan import Plan

if TYPE_CHECKING:
    from autotrack.core.sink import Sink

#: Folders (with the root) that a file and the program share, beyond which its name may be a relative one.
_NEAR = 1
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
    for among the contents that the store keeps; the argument that names it, or its folder, then names another place.
    """
    found = Inputs()
    elsewhere: dict[str, list[FileRecord]] = defaultdict(list)
    for file in files_read(plan):
        place = plan.place(file.path, fresh)
        if file.sha256 is None:
            found.unknown.append(Gap("data", f"{file.path}: {file.partial or 'its content was not kept'}", ""))
        elif place is None:
            elsewhere[named_by(plan, file.path)].append(file)
        elif not (place.is_file() and digest_of(place) == file.sha256):  # else it came with the code
            source = _source(file, sink, mapped, found)
            if source is not None:
                _write(source, place)
        found.checked += file.sha256 is not None
    absolute = _absolute(plan)
    relative = {plan.named(word) for word in plan.arguments} - absolute
    for at, (name, files) in enumerate(elsewhere.items()):
        if name in absolute:
            _leave_or_move(name, files, sink, fresh / "inputs" / str(at), mapped, found)
        elif name in relative:
            for file in files:
                source = _source(file, sink, mapped, found)
                if source is not None:
                    _write(source, plan.mirrored(file.path, fresh))
        else:
            _named_by_program(plan, files[0], sink, fresh, found)
    return found


def _named_by_program(plan: Plan, file: FileRecord, sink: Sink, fresh: Path, found: Inputs) -> None:
    """A file elsewhere that the program opens by a name of its own: an absolute one finds what is there, a relative one
    finds a copy."""
    digest = digest_of(Path(file.path)) if Path(file.path).is_file() else None
    if digest is not None and digest != file.sha256:
        close = "Put it where it was: the program names it itself"
        found.problems.append(Gap("data", f"{file.path} has changed", close))
        return
    is_near = len(PurePosixPath(os.path.commonpath([file.path, plan.folder])).parts) > _NEAR
    content = Path(file.path) if digest is not None else kept(sink, file.sha256 or "")
    if content is None or not (is_near or digest is not None):
        close = "Put it where it was: the program names it itself"
        found.problems.append(Gap("data", f"{file.path} is not there", close))
    elif is_near:
        _write(content, plan.mirrored(file.path, fresh))


def _leave_or_move(
    name: str, files: Sequence[FileRecord], sink: Sink, fresh: Path, mapped: Mapping[str, str], found: Inputs
) -> None:
    """What an argument names, a file or a folder: left where it is if all is as it was, else put together anew."""
    if all(digest_of(Path(file.path)) == file.sha256 for file in files):
        return
    place = fresh / Path(name).name
    for file in files:
        source = _source(file, sink, mapped, found)
        if source is not None:
            _write(source, place if file.path == name else place / os.path.relpath(file.path, name))
    found.moved[name] = str(place)


def named_by(plan: Plan, path: str) -> str:
    """What an argument of the program names: a file, or a folder that it is in; else the file itself."""
    names = map(plan.named, plan.arguments)
    return max((name for name in names if path == name or path.startswith(f"{name}/")), key=len, default=path)


def absolute_argument(plan: Plan, path: str) -> str | None:
    """The absolute path by which an argument names a file, or a folder that it is in: it can lead elsewhere. None for
    a file of the program's own folders, and for one that is found in another way."""
    name = named_by(plan, path)
    return name if name in _absolute(plan) and not plan.owns(path) else None


def _absolute(plan: Plan) -> set[str]:
    return {plan.named(word) for word in plan.arguments if _value(word).startswith("/")}


def _value(word: str) -> str:
    return word.partition("=")[2] if word.startswith("-") else word


def _source(file: FileRecord, sink: Sink, mapped: Mapping[str, str], found: Inputs) -> Path | bytes | None:
    """Where a file's content is: the file, where it lies now, or what the store keeps; None, with a problem.

    What lay there once and what lies there now may both be asked for (a bisect of two runs): the content decides.
    """
    now = Path(_now(file.path, mapped))
    digest = digest_of(now) if now.is_file() else None
    if digest == file.sha256:
        return now
    if str(now) != file.path and Path(file.path).is_file() and digest_of(Path(file.path)) == file.sha256:
        return Path(file.path)
    content = kept(sink, file.sha256 or "")
    if content is None:
        was = "is not there" if digest is None else f"has changed: it is {digest[:12]}, and was {str(file.sha256)[:12]}"
        found.problems.append(Gap("data", f"{now} {was}", f"Say where it is now: --data {file.path}=PATH"))
    return content


def files_read(plan: Plan) -> Sequence[FileRecord]:
    """The files that the program read, its code apart, each with the first content that it was read with."""
    code = source_paths(plan.story)
    written: set[tuple[str, str | None]] = {
        (file.path, file.sha256) for file in plan.story.files if file.role == "written"
    }
    found: dict[str, FileRecord] = {}
    for file in sorted(plan.story.files, key=lambda file: file.first):
        own = (file.path, file.sha256) in written or file.path in code
        if file.role == "read" and not own and os.path.isabs(file.path):  # noqa: PTH117 - a text of another machine
            found.setdefault(file.path, file)
    return list(found.values())


def _now(path: str, mapped: Mapping[str, str]) -> str:
    for old, new in mapped.items():
        old = os.path.abspath(old).rstrip("/") if not os.path.isabs(old) else old.rstrip("/")  # noqa: PTH100, PTH117
        if path == old:
            return os.path.abspath(new)  # noqa: PTH100
        if path.startswith(old + "/"):
            return os.path.join(os.path.abspath(new), path[len(old) + 1 :])  # noqa: PTH100, PTH118
    return path


def _write(source: Path | bytes, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.is_symlink() or place.exists():
        place.unlink()
    if isinstance(source, bytes):
        place.write_bytes(source)
    else:
        shutil.copy2(source, place)


def kept(sink: Sink, sha256: str) -> bytes | None:
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
