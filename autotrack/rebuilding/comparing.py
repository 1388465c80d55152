"""Holds what came out of a rebuild against the original: how it ended, params, data, every point of every metric,
models, artifacts, files that it wrote, what it printed."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotrack.answers.timing import sounds_like_time
from autotrack.core.entities import RunRecord

from .artifacts import compare_artifacts, compare_models
from .contents import mapped
from .outcome import LAUNCHED, Outcome, listed, other_as, short, spared
from .verdict import Difference
from .written import compare_written

if TYPE_CHECKING:
    from autotrack.core.sink import Sink

    from .plan import Plan

#: Params and metrics that say where and when, not what.
_BESIDE = ("system/", "autotrack.")
#: What autotrack leaves out where it would slow a program down, as its notes on the run call it.
_SPARED = ("model", "metrics", "datasets", "figures", "checkpoint")
#: Names of chance in paths: of temporary files, and of objects in messages.
_TEMPORARY = re.compile(r"(?<=/tmp)[a-z0-9_]{8}(?=/|$)")
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]+")


def compare_outcomes(
    sink: Sink,
    one: RunRecord,
    other: RunRecord,
    tolerance: float,
    folders: Mapping[str, str],
    leave_out: Collection[str] = (),
    plan: Plan | None = None,
    fresh: Path | None = None,
) -> Outcome:
    """What was compared, what differs (metrics by the step at which they part come first), and what was not compared.

    ``folders``: folders of the second program that stand for some of the first. ``leave_out``: metrics, columns of
    tables and keys of JSON that tell times, beside those that libraries are known to log. ``plan``, ``fresh``: how the
    first was made, and where the second was; without them files that a program wrote are not looked at.
    """
    found = Outcome(own=frozenset(leave_out))
    _status(one, other, folders, found)
    _params(one, other, folders, found)
    _data(one, other, found)
    _metrics(sink, one, other, tolerance, found)
    compare_models(sink, one, other, folders, found)
    is_notebook = plan is not None and bool(plan.cells)
    compare_artifacts(sink, one, other, folders, found, is_notebook=is_notebook)
    if plan is not None and fresh is not None:
        compare_written(sink, one, other, folders, plan, fresh, found)
    _output(sink, one, other, folders, found)
    for part in _SPARED:
        if spared(one, part) or spared(other, part):
            what = f"{part}: left out, so as not to slow the program down"
            found.leave_out("run", what, "Raise overhead_allowance", lost=True)
    return found


def _status(one: RunRecord, other: RunRecord, folders: Mapping[str, str], found: Outcome) -> None:
    if one.status != other.status:
        found.differ(other_as("status", f"{one.status} → {other.status}", str(one.status), str(other.status)))
        return
    if one.exit_code is not None and other.exit_code is not None and one.exit_code != other.exit_code:
        found.differ(
            other_as("exit code", f"{one.exit_code} → {other.exit_code}", str(one.exit_code), str(other.exit_code))
        )
    was, now = _ending(one.error, {}), _ending(other.error, folders)
    if LAUNCHED in one.tags and None in (was, now):  # who started it knows the exit code alone
        return
    if was != now:
        text = f"{was[-1] if was else 'none'} → {now[-1] if now else 'none'}"
        found.differ(other_as("error", text, one.error, other.error))


def _ending(error: str | None, folders: Mapping[str, str]) -> tuple[str, str] | None:
    """The line of a traceback with the exception's type, and the last line."""
    lines = (error or "").strip().splitlines()
    if not lines:
        return None
    begins = max((at for at, line in enumerate(lines) if line.startswith("Traceback ")), default=-1)
    first = next((line for line in lines[begins + 1 :] if not line.startswith(" ")), lines[-1])
    one, other = (_without_chance(mapped(line, folders)) for line in (first, lines[-1]))
    return one, other


def _without_chance(text: str) -> str:
    return _TEMPORARY.sub("*", _ADDRESS.sub("0x", text))


def _params(one: RunRecord, other: RunRecord, folders: Mapping[str, str], found: Outcome) -> None:
    compared, launcher = 0, []
    for key in sorted({**one.params, **other.params}):
        if key.startswith(_BESIDE):
            continue
        a, b = one.params.get(key), other.params.get(key)
        if b is None and LAUNCHED in one.tags:  # who started it wrote down what with: the program says nothing of that
            launcher.append(key)
            continue
        compared += a is not None and b is not None
        same = a == b or (None not in (a, b) and _without_chance(a or "") == _without_chance(mapped(b or "", folders)))
        if not same:
            found.differ(other_as(f"param {key}", f"{short(a)} → {short(b)}", a, b))
    found.count(compared, "params", "params", came_out=False)
    if launcher:
        found.leave_out("params", f"{listed(launcher)}: given to the project, which does not log it")


def _data(one: RunRecord, other: RunRecord, found: Outcome) -> None:
    theirs = [(data.context, data.digest) for data in other.datasets]
    compared, parts = 0, []
    for data in one.datasets:
        twin = next((each for each in other.datasets if (each.context, each.name) == (data.context, data.name)), None)
        if (data.context, data.digest) in theirs:
            compared += 1
            parts += [data.name] if data.partial else []
        elif twin is not None and (data.partial or twin.partial) and data.partial != twin.partial:
            parts.append(data.name)
        elif twin is not None:
            compared += 1
            found.differ(
                other_as(f"data {data.name} ({data.context})", "its rows are others", data.digest, twin.digest)
            )
        elif not spared(other, "datasets"):
            found.differ(other_as(f"data {data.name} ({data.context})", "was not read", data.digest, None))
    known = [(data.context, data.name) for data in one.datasets]
    for data in other.datasets if not spared(one, "datasets") else ():
        if (data.context, data.name) not in known:
            found.differ(other_as(f"data {data.name} ({data.context})", "was not read before", None, data.digest))
    found.count(compared, "data set", "data sets", came_out=False)
    if parts:
        found.leave_out("data", f"{listed(parts)}: looked at in part")


def _metrics(sink: Sink, one: RunRecord, other: RunRecord, tolerance: float, found: Outcome) -> None:
    """The metrics that part, the earliest first."""
    points = 0
    parted: list[tuple[float, Difference]] = []
    keys = sorted({**one.metrics, **other.metrics}, key=lambda key: (key not in one.metrics, key))
    for key in keys:
        if found.is_timing(key) or key.startswith(_BESIDE):
            continue
        if key not in other.metrics:
            if not spared(other, "metrics"):
                parted.append((math.inf, other_as(key, "was not logged", one.metrics[key], None)))
            continue
        if key not in one.metrics:
            if not spared(one, "metrics"):
                parted.append((math.inf, other_as(key, "was not logged before", None, other.metrics[key])))
            continue
        a, b = sink.metric_history(one.id, key), sink.metric_history(other.id, key)
        points += min(len(a.values), len(b.values))
        difference = _parted(key, a, b, tolerance)
        if difference is not None:
            parted.append((math.inf if difference.step is None else difference.step, difference))
    for _, each in sorted(parted, key=lambda pair: (pair[1].within, pair[0])):
        found.differ(each)
    found.count(points, "points of metrics", "points of metrics")
    timing = [key for key in keys if found.is_timing(key)]
    if timing:
        found.leave_out("metrics", f"{listed(timing)}: how long something took")
    machine = sum(key.startswith("system/") for key in keys)
    if machine:
        found.leave_out("metrics", f"{machine} metrics of the machine (system/)")


def _parted(key: str, a: Any, b: Any, tolerance: float) -> Difference | None:
    import numpy

    steps = min(len(a.values), len(b.values))
    one, two = (numpy.asarray(each.values[:steps], float) for each in (a, b))
    same = _same_bits(a.values[:steps], b.values[:steps])
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
        hint = f"  (--leave-out {key}, if it tells how long something took)" if sounds_like_time(key) else ""
        text = f"{_number(a.values[at])} → {_number(b.values[at])}{size}{hint}"
        return Difference(key, text, int(a.steps[at]), within, float(one[at]), float(two[at]))
    if len(a.values) != len(b.values):
        where = int(a.steps[steps] if len(a.values) > steps else b.steps[steps])
        return Difference(
            key, f"{len(a.values):,} points → {len(b.values):,}", where, False, len(a.values), len(b.values)
        )
    return None


def _same_bits(a: Any, b: Any) -> Any:
    """Where two arrays of numbers are the same to the bit: NaN is NaN, -0.0 is not 0.0; integers in full."""
    import numpy

    a, b = numpy.asarray(a), numpy.asarray(b)
    if a.dtype == b.dtype == numpy.float64:
        return (a.view(numpy.int64) == b.view(numpy.int64)) | (numpy.isnan(a) & numpy.isnan(b))
    if a.dtype == b.dtype == numpy.int64:
        return a == b
    return numpy.array([_bits(x) == _bits(y) for x, y in zip(a.tolist(), b.tolist(), strict=True)], bool)


def _bits(value: float) -> object:
    return "nan" if value != value else (value, math.copysign(1.0, value))


def _output(sink: Sink, one: RunRecord, other: RunRecord, folders: Mapping[str, str], found: Outcome) -> None:
    """What a program prints is what it has to say where nothing else came out; beside that, times may be in it."""
    if one.session is None or other.session is None:
        return
    first, second = (sink.console(session) for session in (one.session, other.session))
    texts = ["".join(text for _, stream, text in pieces if stream == "stdout") for pieces in (first, second)]
    if not first and texts[1]:  # nobody says whether it was listened to
        found.leave_out("output", "what it printed: of the original nothing was kept")
    if not first:
        return
    a, b = texts[0].splitlines(), mapped(texts[1], folders).splitlines()
    difference = _parted_lines(a, b)
    if difference is None:
        found.count(len(a), "line of output", "lines of output")
    elif found.came_out:
        found.leave_out("output", f"{difference.what} ({difference.text}): it may tell times")
    else:
        found.count(len(a), "line of output", "lines of output")
        found.differ(difference)
    if any(stream == "autotrack" for _, stream, _ in (*first, *second)):
        found.leave_out("output", "the middle of a long output: it is not kept")


def _parted_lines(a: list[str], b: list[str]) -> Difference | None:
    for at, (was, now) in enumerate(zip(a, b, strict=False)):
        if _ADDRESS.sub("0x", was) != _ADDRESS.sub("0x", now):
            return other_as(f"output, line {at + 1}", f"{short(was)} → {short(now)}", was, now)
    if len(a) != len(b):
        return other_as("output", f"{len(a):,} lines → {len(b):,}", len(a), len(b))
    return None


def _number(value: float) -> str:
    return f"{value:.9g}" if isinstance(value, float) else str(value)
