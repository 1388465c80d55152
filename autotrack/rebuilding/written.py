"""Holds the files that a program wrote itself against those that it had written the first time."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from autotrack.answers.story import is_written_since
from autotrack.answers.subjects import digest_of
from autotrack.core.entities import FileRecord, RunRecord
from autotrack.core.guard import attempt

from .artifacts import WHY_STAMPED, is_stamped
from .contents import LARGEST, Likeness, likeness, mapped, timing_in
from .inputs import kept
from .outcome import Outcome, listed, other_as

if TYPE_CHECKING:
    from autotrack.core.sink import Sink

    from .plan import Plan

#: Folders of other trackers, whose files have ids and times in them.
_TRACKERS = frozenset({"mlruns", "wandb", "mlartifacts"})
#: What of a name is another each time: numbers, dates, ids.
_DRAWN = re.compile(r"[0-9a-f]{8,}|[0-9]+|(?<=tmp)[a-z0-9_]{8}")

_Pair = tuple[str, FileRecord | None, FileRecord | None]


def compare_written(
    sink: Sink,
    one: RunRecord,
    other: RunRecord,
    folders: Mapping[str, str],
    plan: Plan,
    fresh: Path,
    found: Outcome,
) -> None:
    """Finds files in the program's own folders that only one of the two wrote, or whose content differs.

    Of a session with several runs, those that were written from the run's start to the next one's.
    """
    if one.session is None or other.session is None:
        return
    roots = _roots(sink.runs_with(sessions=[one.session]))
    alone = [each.id for each in roots] == [one.id]
    old = {
        file.path: file for file in plan.story.files if file.role == "written" and (alone or _is_of(file, one, roots))
    }
    new = {mapped(file.path, folders): file for file in sink.files(sessions=[other.session]) if file.role == "written"}
    outside = [path for path in old.keys() ^ new.keys() if plan.place(path, fresh) is None]
    for path in outside:
        old.pop(path, None)
        new.pop(path, None)
    compared = 0
    left: dict[str, list[str]] = defaultdict(list)
    for path, was, now in _paired(old, new):
        if was is None and not alone:  # of another run of the program, perhaps
            continue
        name = _shown(path, plan)
        why, alike = _judged(sink, name, was, now, folders, found)
        if why:
            left[why].append(name)
            continue
        compared += was is not None and now is not None
        if not alike.same:
            text = "was not written" if now is None else "its content differs" if was else "was not written before"
            found.differ(other_as(f"file {name}", text, was and was.sha256, now and now.sha256))
        elif alike.timing:
            found.leave_out("files", f"{listed(alike.timing)} of {name}: how long something took")
    found.count(compared, "file that it wrote", "files that it wrote")
    for why, names in left.items():
        found.leave_out("files", f"{listed(names)}: {why}")
    if outside and alone:
        found.leave_out("files", f"{listed(sorted(outside))}: written elsewhere than in the program's folders")


def _roots(runs: Sequence[RunRecord]) -> list[RunRecord]:
    """The runs that are no part of another, by their start."""
    known = {run.id for run in runs}
    return sorted((run for run in runs if run.parent not in known), key=lambda run: (run.started, run.id))


def _is_of(file: FileRecord, run: RunRecord, roots: Sequence[RunRecord]) -> bool:
    """Whether a file was written in the time of a run: what a program writes after a training is of that training."""
    at = next((at for at, root in enumerate(roots) if root.id == run.id), None)
    until = run.ended if at is None else roots[at + 1].started if at + 1 < len(roots) else None
    moment = file.mtime or file.first
    return (at == 0 or is_written_since(file, run.started)) and (until is None or moment < until)


def _paired(old: Mapping[str, FileRecord], new: Mapping[str, FileRecord]) -> Iterator[_Pair]:
    """Files of the same name; of the others those of the same content, then those whose names differ in numbers."""
    for path in sorted(old.keys() & new.keys()):
        yield path, old[path], new[path]
    rest = [{path: each[path] for path in sorted(each.keys() - both.keys())} for each, both in ((old, new), (new, old))]
    for key in (_content, _shape):
        places: dict[object, list[str]] = defaultdict(list)
        for path, file in rest[1].items():
            places[key(path, file)].append(path)
        for path, file in list(rest[0].items()):
            there = places.get(key(path, file))
            if there:
                yield path, rest[0].pop(path), rest[1].pop(there.pop(0))
    for path, file in rest[0].items():
        yield path, file, None
    for path, file in rest[1].items():
        yield path, None, file


def _content(path: str, file: FileRecord) -> object:
    return file.sha256 or path, PurePosixPath(path).suffix


def _shape(path: str, file: FileRecord) -> object:
    return _DRAWN.sub("#", path)


def _judged(
    sink: Sink,
    name: str,
    was: FileRecord | None,
    now: FileRecord | None,
    folders: Mapping[str, str],
    found: Outcome,
) -> tuple[str, Likeness]:
    """Why two files of a name cannot be compared ("" where they can), and how alike they are."""
    aside = "of another tracker, or hidden" if _is_aside(name) else WHY_STAMPED if is_stamped(name) else ""
    if was is None or now is None:
        return aside, Likeness(False)
    if was.sha256 is None or now.sha256 is None:
        return was.partial or now.partial or "its content is not known", Likeness(False)
    if was.sha256 == now.sha256:
        return was.partial or now.partial or "", Likeness(True)
    if aside:
        return aside, Likeness(False)
    content = _read(Path(now.path), now.sha256)
    if content is None:
        return "", Likeness(False)
    text, _ = attempt(content.decode)
    if text is not None and hashlib.sha256(mapped(text, folders).encode()).hexdigest() == was.sha256:
        return "", Likeness(True)
    original = _read(Path(was.path), was.sha256) or kept(sink, was.sha256)
    if original is not None:
        return "", likeness(name, original, content, folders, found.is_timing)
    chance = (b"cloudpickle", *(folder.encode() for folder in folders))
    if timing_in(name, content, found.is_timing) or any(said in content for said in chance):
        return "other bytes, with times or folders in it, and the original is not at hand", Likeness(False)
    return "", Likeness(False)


def _is_aside(name: str) -> bool:
    return any(part.startswith(".") or part in _TRACKERS for part in PurePosixPath(name).parts)


def _read(path: Path, sha256: str) -> bytes | None:
    """The content of a file, where it is that one."""
    info, _ = attempt(path.stat)
    if info is None or info.st_size > LARGEST or digest_of(path) != sha256:
        return None
    return attempt(path.read_bytes)[0]


def _shown(path: str, plan: Plan) -> str:
    for folder in (plan.folder, plan.root):
        if path.startswith(folder.rstrip("/") + "/"):
            return path.removeprefix(folder.rstrip("/") + "/")
    return path
