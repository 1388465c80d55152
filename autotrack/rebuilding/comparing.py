"""Holds what came out of a rebuild against the original: params, data, every point of every metric, models."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from autotrack.answers.outcomes import is_timing
from autotrack.core.entities import RunRecord
from autotrack.core.gaps import Gap
from autotrack.core.guard import attempt

from .contents import LARGEST, same_content
from .keeping import FILE
from .verdict import Difference

if TYPE_CHECKING:
    from autotrack.core.sink import Sink

#: Params and metrics that say where and when, not what.
_BESIDE = ("system/", "autotrack.")
#: What autotrack leaves out where it would slow a program down, as its notes on the run call it.
_SPARED = ("model", "metrics", "datasets")
#: On a run of a project, whose launcher logged its parameters, and files in a folder of this name.
_LAUNCHED = "autotrack.project"
_LAUNCHER = "project/"
_DRAWN = (".png", ".svg", ".pdf", ".html", ".jpg", ".ipynb", ".log", ".tfevents")
_PAPERS = frozenset(
    {"MLmodel", "manifest.json", "golden.json", "profile.json", "conda.yaml", "python_env.yaml", "requirements.txt"}
)


def compare_outcomes(
    sink: Sink, one: RunRecord, other: RunRecord, tolerance: float, folders: Mapping[str, str]
) -> tuple[list[str], list[Difference], list[Gap]]:
    """What was compared, in words, and what differs: metrics by the step at which they part, then the rest; and what
    cannot be compared, for one of the two left it out so as not to slow its program down.

    ``folders``: folders of the second program that stand for some of the first.
    """
    compared: list[str] = []
    found: list[Difference] = []
    if one.status != other.status:
        found.append(_other("status", f"{one.status} → {other.status}", str(one.status), str(other.status)))
    found += _params(one, other)
    if one.params:
        compared.append(f"{len(one.params)} params")
    found += _data(one, other)
    if one.datasets:
        compared.append(f"{len(one.datasets)} data sets")
    points, parted = _metrics(sink, one, other, tolerance)
    found += parted
    if points:
        compared.append(f"{points:,} points of metrics")
    models, parted = _models(sink, one, other, folders)
    found += parted
    if models:
        compared.append(f"{models} model{'s' if models > 1 else ''}")
    kept, parted = _artifacts(sink, one, other, folders)
    found += parted
    if kept:
        compared.append(f"{kept} artifact{'s' if kept > 1 else ''}")
    if not compared:  # of a program that logs nothing, what it printed is what it has to say
        lines, parted = _output(sink, one, other)
        found += parted
        if lines:
            compared.append(f"{lines:,} lines of output")
    unknown = [
        Gap("run", f"{part} left out, so as not to slow the program down: not compared", "Raise overhead_allowance")
        for part in _SPARED
        if _spared(one, part) or _spared(other, part)
    ]
    return compared, found, unknown


def _spared(run: RunRecord, part: str) -> bool:
    """Whether autotrack left a part out of a run, so as not to slow its program down."""
    notes = run.health.get("notes")
    return isinstance(notes, Sequence) and any(str(note).startswith(f"{part} left out: ") for note in notes)


def _params(one: RunRecord, other: RunRecord) -> Iterator[Difference]:
    launched = _LAUNCHED in one.tags  # who started it had written down what with: of that the program says nothing
    for key in sorted({**one.params, **other.params}):
        a, b = one.params.get(key), other.params.get(key)
        if launched and b is None:
            continue
        if a != b and not key.startswith(_BESIDE) and not (a or "").startswith("/"):
            yield _other(f"param {key}", f"{_short(a)} → {_short(b)}", a, b)


def _data(one: RunRecord, other: RunRecord) -> Iterator[Difference]:
    theirs = [(data.context, data.digest) for data in other.datasets]
    for data in one.datasets if not _spared(other, "datasets") else ():
        if (data.context, data.digest) not in theirs:
            named = [each for each in other.datasets if (each.context, each.name) == (data.context, data.name)]
            found = named[0].digest if named else None
            text = "its rows are others" if found else "was not read"
            yield _other(f"data {data.name} ({data.context})", text, data.digest, found)
    known = [(data.context, data.name) for data in one.datasets]
    for data in other.datasets if not _spared(one, "datasets") else ():
        if (data.context, data.name) not in known:
            yield _other(f"data {data.name} ({data.context})", "was not read before", None, data.digest)


def _metrics(sink: Sink, one: RunRecord, other: RunRecord, tolerance: float) -> tuple[int, list[Difference]]:
    """Points that were compared, and the metrics that part, the earliest first."""
    points = 0
    found: list[tuple[float, Difference]] = []
    for key in one.metrics:
        if is_timing(key) or key.startswith(_BESIDE):
            continue
        if key not in other.metrics:
            if not _spared(other, "metrics"):
                found.append((math.inf, _other(key, "was not logged", one.metrics[key], None)))
            continue
        a, b = sink.metric_history(one.id, key), sink.metric_history(other.id, key)
        points += len(a.values)
        parted = _parted(key, a, b, tolerance)
        if parted is not None:
            found.append((math.inf if parted.step is None else parted.step, parted))
    for key in other.metrics if not _spared(one, "metrics") else ():
        if key not in one.metrics and not is_timing(key) and not key.startswith(_BESIDE):
            found.append((math.inf, _other(key, "was not logged before", None, other.metrics[key])))
    return points, [each for _, each in sorted(found, key=lambda pair: (pair[1].within, pair[0]))]


def _parted(key: str, a: Any, b: Any, tolerance: float) -> Difference | None:
    import numpy

    steps = min(len(a.values), len(b.values))
    one, two = (numpy.asarray(each.values[:steps], float) for each in (a, b))
    same = (one == two) | (numpy.isnan(one) & numpy.isnan(two))
    placed = numpy.asarray(a.steps[:steps]) == numpy.asarray(b.steps[:steps])
    if not (same & placed).all():
        at = int((~(same & placed)).argmax())
        # What is no number, or infinite, is near to nothing but itself.
        finite = numpy.isfinite(one) & numpy.isfinite(two)
        scale = numpy.maximum(numpy.abs(one), numpy.abs(two))
        gap = numpy.abs(numpy.where(finite, one, 0.0) - numpy.where(finite, two, 0.0))
        near = finite & (gap <= tolerance * numpy.where(finite, scale, 0.0))
        within = bool(((same | near) & placed).all()) and len(a.values) == len(b.values)
        if not placed[at]:
            return Difference(key, f"step {a.steps[at]} → {b.steps[at]}", int(a.steps[at]), False, one[at], two[at])
        largest = float((gap / numpy.where(finite & (scale > 0), scale, 1.0)).max())
        size = f"  (by up to {largest:.2g} of its size)" if finite[at] else ""
        text = f"{_number(one[at])} → {_number(two[at])}{size}"
        return Difference(key, text, int(a.steps[at]), within, float(one[at]), float(two[at]))
    if len(a.values) != len(b.values):
        where = int(a.steps[steps] if len(a.values) > steps else b.steps[steps])
        return Difference(
            key, f"{len(a.values):,} points → {len(b.values):,}", where, False, len(a.values), len(b.values)
        )
    return None


def _models(sink: Sink, one: RunRecord, other: RunRecord, folders: Mapping[str, str]) -> tuple[int, list[Difference]]:
    count = 0
    found: list[Difference] = []
    theirs = {model.path: model for model in other.models}
    for model in one.models:
        count += 1
        twin = theirs.get(model.path)
        if twin is None:
            if not _spared(other, "model"):
                found.append(_other(f"model {model.path}", "was not saved", model.digest, None))
            continue
        a, b = _files(one, model.path), _files(other, twin.path)
        weights = sorted(
            name
            for name in {**a, **b}
            if a.get(name) != b.get(name)
            and name not in _PAPERS
            and not _same(sink, one, other, f"{model.path}/{name}", folders)
        )
        if not weights:
            continue
        answers = _answers(sink, one, other, model.path)
        text = f"{', '.join(weights[:3])} {'differs' if len(weights) == 1 else 'differ'}"
        within = answers is not None and answers[0]
        said = f"; {answers[1]}" if answers is not None else ""
        found.append(Difference(f"model {model.path}", text + said, None, within, model.digest, twin.digest))
    known = {model.path for model in one.models}
    for model in other.models if not _spared(one, "model") else ():
        if model.path not in known:
            found.append(_other(f"model {model.path}", "was not saved before", None, model.digest))
    return count, found


def _artifacts(
    sink: Sink, one: RunRecord, other: RunRecord, folders: Mapping[str, str]
) -> tuple[int, list[Difference]]:
    """Artifacts that are no pictures and no pages, which hold the time at which they were drawn."""
    a, b = (
        {
            file.path: file.sha256
            for file in run.artifacts
            if not file.path.startswith(tuple(f"{model.path}/" for model in run.models) or ("\0",))
            and not file.path.lower().endswith(_DRAWN)
            and file.path != FILE
            and not (_LAUNCHED in one.tags and file.path.startswith(_LAUNCHER))
        }
        for run in (one, other)
    )
    found = []
    for path in sorted({**a, **b}):
        if path not in a or path not in b:
            text = "was not kept" if path in a else "was not kept before"
        elif a[path] != b[path] and not _same(sink, one, other, path, folders):
            text = "its content differs"
        else:
            continue
        found.append(_other(f"artifact {path}", text, a.get(path), b.get(path)))
    return len(a), found


def _same(sink: Sink, one: RunRecord, other: RunRecord, path: str, folders: Mapping[str, str]) -> bool:
    """Whether two files of a path hold the same, though their bytes differ."""
    contents = []
    for run in (one, other):
        kept = next((file for file in run.artifacts if file.path == path), None)
        if kept is None or kept.size > LARGEST:
            return False
        opened, _ = attempt(sink.artifacts.open, run.files, path)
        if opened is None:
            return False
        with opened:
            contents.append(opened.read())
    return same_content(path, contents[0], contents[1], folders)


def _output(sink: Sink, one: RunRecord, other: RunRecord) -> tuple[int, list[Difference]]:
    texts = []
    for run in (one, other):
        pieces = sink.console(run.session) if run.session else []
        texts.append("".join(text for _, stream, text in pieces if stream == "stdout").splitlines())
    a, b = texts
    for at, (was, now) in enumerate(zip(a, b, strict=False)):
        if was != now:
            return len(a), [_other(f"output, line {at + 1}", f"{_short(was)} → {_short(now)}", was, now)]
    if len(a) != len(b):
        return len(a), [_other("output", f"{len(a):,} lines → {len(b):,}", len(a), len(b))]
    return len(a), []


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


def _other(what: str, text: str, a: Any, b: Any) -> Difference:
    """Something without steps, of which there is no nearly."""
    return Difference(what, text, None, False, a, b)


def _number(value: float) -> str:
    return f"{value:.9g}"


def _short(value: str | None) -> str:
    return "none" if value is None else value if len(value) <= 60 else value[:57] + "..."
