"""Holds the models and the artifacts of a rebuilt run against those of the original."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from autotrack.core.entities import RunRecord
from autotrack.core.guard import attempt

from .contents import LARGEST, IsTiming, Likeness, likeness
from .keeping import FILE
from .outcome import LAUNCHED, Outcome, listed, notes_of, other_as, spared
from .verdict import Difference

if TYPE_CHECKING:
    from autotrack.core.sink import Sink

#: Files of the launcher's own, on a run of a project.
_LAUNCHER = "project/"
#: Files that hold when they were made, or what took how long: a picture, a page, a notebook, a log, an archive.
_STAMPED = re.compile(
    r".*\.(?:png|svg|pdf|html?|jpe?g|gif|ipynb|log|gz|tgz|tar|bz2|xz|xlsx|docx|db|sqlite3?|lock|pid|keras)|"
    r"(?:.*/)?[^/]*\.tfevents[^/]*",
    re.IGNORECASE | re.DOTALL,
)
WHY_STAMPED = "other bytes, but such files hold when they were made"
_PAPERS = frozenset(
    {"MLmodel", "manifest.json", "golden.json", "profile.json", "conda.yaml", "python_env.yaml", "requirements.txt"}
)
#: The note on a model that could not be saved again when the run ended, with the call that it is of.
_AS_OF = re.compile(r"(?P<path>.+) is as it was after (?P<call>call \d+ of \d+): .*", re.DOTALL)


def is_stamped(path: str) -> bool:
    """Whether a file's kind is one whose bytes are others each time."""
    return _STAMPED.fullmatch(path) is not None


def compare_models(sink: Sink, one: RunRecord, other: RunRecord, folders: Mapping[str, str], found: Outcome) -> None:
    """Finds models whose weights differ, and those that only one of the two has."""
    theirs = {model.path: model for model in other.models}
    compared = 0
    for model in one.models:
        twin = theirs.get(model.path)
        if twin is None:
            if not spared(other, "model"):
                text = "was not saved" + "".join(f" ({note})" for note in _failures(other))
                found.differ(other_as(f"model {model.path}", text, model.digest, None))
            continue
        if _as_of(one, model.path) != _as_of(other, model.path):
            what = f"{model.path}: one is of an earlier call than the other, for there was no time to save it again"
            found.leave_out("models", what, "Raise overhead_allowance", lost=True)
            continue
        a, b = _files(one, model.path), _files(other, twin.path)
        names = sorted(name for name in {**a, **b} if name not in _PAPERS)
        if not names and model.digest is not None and model.digest == twin.digest:
            compared += 1
            continue
        if not names:
            found.leave_out("models", f"{model.path}: its files are not at hand", lost=True)
            continue
        compared += 1
        weights = [
            name
            for name in names
            if a.get(name) != b.get(name)
            and not _likeness(sink, one, other, f"{model.path}/{name}", folders, None).same
        ]
        if weights:
            answers = _answers(sink, one, other, model.path)
            text = f"{', '.join(weights[:3])} {'differs' if len(weights) == 1 else 'differ'}"
            within = answers is not None and answers[0]
            said = f"; {answers[1]}" if answers is not None else ""
            found.differ(Difference(f"model {model.path}", text + said, None, within, model.digest, twin.digest))
    known = {model.path for model in one.models}
    for model in other.models if not spared(one, "model") else ():
        if model.path not in known:
            text = "was not saved before" + "".join(f" ({note})" for note in _failures(one))
            found.differ(other_as(f"model {model.path}", text, None, model.digest))
    found.count(compared, "model", "models")
    failures = _failures(one) if _failures(one) == _failures(other) else []
    for note in failures:
        found.leave_out("models", note, lost=True)


def compare_artifacts(
    sink: Sink,
    one: RunRecord,
    other: RunRecord,
    folders: Mapping[str, str],
    found: Outcome,
    *,
    is_notebook: bool = False,
) -> None:
    """Finds artifacts that only one of the two has, or whose content differs.

    Cells of a notebook are run again without a kernel: it keeps the notebook, and pictures that are shown in it.
    """
    a, b = (
        {
            file.path: file.sha256
            for file in run.artifacts
            if not file.path.startswith(tuple(f"{model.path}/" for model in run.models) or ("\0",))
            and file.path != FILE
            and not (LAUNCHED in one.tags and file.path.startswith(_LAUNCHER))
        }
        for run in (one, other)
    )
    compared = 0
    stamped: list[str] = []
    shown: list[str] = []
    for path in sorted({**a, **b}):
        if path not in a or path not in b:
            run = other if path in a else one
            if is_notebook and is_stamped(path):
                shown.append(path)
            elif not _is_spared(run, path):
                text = "was not kept" if path in a else "was not kept before"
                found.differ(other_as(f"artifact {path}", text, a.get(path), b.get(path)))
            continue
        alike = Likeness(True) if a[path] == b[path] else _likeness(sink, one, other, path, folders, found.is_timing)
        if alike.same:
            compared += 1
            if alike.timing:
                found.leave_out("artifacts", f"{listed(alike.timing)} of {path}: how long something took")
        elif is_stamped(path):
            stamped.append(path)
        else:
            compared += 1
            found.differ(other_as(f"artifact {path}", "its content differs", a[path], b[path]))
    found.count(compared, "artifact", "artifacts")
    if stamped:
        found.leave_out("artifacts", f"{listed(stamped)}: {WHY_STAMPED}")
    if shown:
        found.leave_out("artifacts", f"{listed(shown)}: only a kernel keeps it")


def _is_spared(run: RunRecord, path: str) -> bool:
    """Whether an artifact is missing because autotrack had no time for its kind."""
    return (
        (spared(run, "metrics") and path.startswith("figures/"))
        or (spared(run, "figures") and is_stamped(path))
        or (spared(run, "checkpoint") and path.startswith("checkpoints/"))
    )


def _likeness(
    sink: Sink, one: RunRecord, other: RunRecord, path: str, folders: Mapping[str, str], is_timing: IsTiming | None
) -> Likeness:
    """How alike two files of a path are whose bytes differ."""
    contents = []
    for run in (one, other):
        kept = next((file for file in run.artifacts if file.path == path), None)
        if kept is None or kept.size > LARGEST:
            return Likeness(False)
        opened, _ = attempt(sink.artifacts.open, run.files, path)
        if opened is None:
            return Likeness(False)
        with opened:
            contents.append(opened.read())
    return likeness(path, contents[0], contents[1], folders, is_timing)


def _failures(run: RunRecord) -> list[str]:
    """Why models of a run could not be saved."""
    return [note for note in notes_of(run) if note.startswith("model left out: ")] if not spared(run, "model") else []


def _as_of(run: RunRecord, path: str) -> str | None:
    """Which call a model is of that could not be saved at the end; None where it is of the last one."""
    said = (_AS_OF.fullmatch(note) for note in notes_of(run))
    return next((each["call"] for each in said if each is not None and each["path"] == path), None)


def _files(run: RunRecord, path: str) -> dict[str, str]:
    prefix = f"{path}/"
    return {file.path.removeprefix(prefix): file.sha256 for file in run.artifacts if file.path.startswith(prefix)}


def _answers(sink: Sink, one: RunRecord, other: RunRecord, path: str) -> tuple[bool, str] | None:
    """Whether the two give the same golden predictions, within the tolerance for other machines, and how far apart."""
    from autotrack.models.golden import FILE, answers_of, compare

    kept: list[dict[str, Any]] = []
    for run in (one, other):
        opened, _ = attempt(sink.artifacts.open, run.files, f"{path}/{FILE}")
        if opened is None:
            return None
        with opened:
            found, _ = attempt(answers_of, opened.read())
        if found is None:
            return None
        kept.append(found)
    if set(kept[0]) != set(kept[1]):
        return None
    verdicts = [compare(kept[0][name], kept[1][name], name) for name in kept[0]]
    bad = next((each for each in verdicts if not each.passed), None)
    if bad is not None:
        return False, f"its predictions differ: {bad.where}"
    exact = all(each.verdict == "equal" for each in verdicts)
    return True, "its predictions on the example are the same" if exact else "its predictions are within tolerance"
