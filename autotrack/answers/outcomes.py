"""How what came out of two runs differs: how they ended, metrics, models, artifacts."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator

from autotrack.core.entities import RunRecord
from autotrack.core.numbers import EXACT, significant

from .difference import Findings
from .timing import is_timing

#: Files of a model folder that name its run, its time and each other: they differ though the model is the same.
_PAPERS = frozenset({"MLmodel", "manifest.json"})


def compare_status(a: RunRecord, b: RunRecord, findings: Findings) -> None:
    """Finds out whether the runs ended alike, and with which error one did not."""
    findings.compared = True
    if a.status != b.status:
        findings.add("status", f"{str(a.status).lower()} → {str(b.status).lower()}", str(a.status), str(b.status))
    last_a, last_b = _last_line(a.error), _last_line(b.error)
    if last_a != last_b:
        findings.add("error", f"{last_a or 'none'} → {last_b or 'none'}", a.error, b.error)


def compare_metrics(a: RunRecord, b: RunRecord, findings: Findings) -> None:
    """Finds metrics whose last values are not the same to the bit, the largest change relative to its size first.

    What autotrack and libraries log of how long something took is left out.
    """
    if not a.metrics and not b.metrics:
        return
    findings.compared = True
    found = []
    for key in sorted({**a.metrics, **b.metrics}):
        if is_timing(key):
            continue
        one, other = a.metrics.get(key), b.metrics.get(key)
        if one is None or other is None:
            text = f"only in {'b' if one is None else 'a'}: {_number(other if one is None else one)}"
            found.append((math.inf, key, text, one, other))
        elif _bits(one) != _bits(other):
            change, said = _change(one, other)
            found.append((change, key, f"{_number(one)} → {_number(other)}{said}", one, other))
    for _, key, text, one, other in sorted(found, key=lambda each: (-each[0], each[1])):
        findings.add(key, text, one, other)


def _change(a: float, b: float) -> tuple[float, str]:
    """How much a value changed relative to itself, and that in words."""
    if not (math.isfinite(a) and math.isfinite(b)):
        return math.inf, ""
    step = b - a
    if a == 0:
        return (math.inf if step else 0.0), f"   {step:+.4g}"
    return abs(step / a), f"   {step:+.4g} ({100 * step / abs(a):+.3g} %)"


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return significant(value, 6)


def _bits(value: float) -> object:
    """A value such that only the same value is equal to it: NaN is NaN, -0.0 is not 0.0, 1 is 1.0."""
    if isinstance(value, int) and abs(value) > EXACT:
        return value
    return "nan" if math.isnan(value) else struct.pack("<d", value)


def compare_models(a: RunRecord, b: RunRecord, findings: Findings) -> None:
    """Finds models whose bytes are not the same; what a model folder says of its own run and time does not count."""
    models_a, models_b = ({model.path: model for model in run.models} for run in (a, b))
    if not models_a and not models_b:
        return
    findings.compared = True
    for path in sorted({**models_a, **models_b}):
        one, other = models_a.get(path), models_b.get(path)
        if one is None or other is None:
            there = one or other
            assert there is not None
            text = f"only in {'b' if one is None else 'a'}: {there.class_name}"
            findings.add(path, text, one and one.digest, other and other.digest)
            continue
        if one.class_name != other.class_name:
            findings.add(path, f"{one.class_name} → {other.class_name}", one.digest, other.digest)
            continue
        files = list(_differing(dict(_below(a, path)), dict(_below(b, path))))
        if files:
            verb = "differs" if len(files) == 1 else "differ"
            findings.add(path, f"{one.class_name}: {', '.join(files)} {verb}", one.digest, other.digest)


def compare_artifacts(a: RunRecord, b: RunRecord, findings: Findings) -> None:
    """Finds artifacts outside models that only one run has, or whose content differs."""
    models = tuple(f"{model.path}/" for run in (a, b) for model in run.models)
    files_a, files_b = (
        {file.path: file.sha256 for file in run.artifacts if not file.path.startswith(models or ("\0",))}
        for run in (a, b)
    )
    if not files_a and not files_b:
        return
    findings.compared = True
    for path in _differing(files_a, files_b):
        one, other = files_a.get(path), files_b.get(path)
        text = "only in b" if one is None else "only in a" if other is None else "its content differs"
        findings.add(path, text, one, other)


def _below(run: RunRecord, folder: str) -> Iterator[tuple[str, str]]:
    for file in run.artifacts:
        name = file.path.removeprefix(f"{folder}/")
        if name != file.path and name not in _PAPERS:
            yield name, file.sha256


def _differing(a: dict[str, str], b: dict[str, str]) -> Iterator[str]:
    return (path for path in sorted({**a, **b}) if a.get(path) != b.get(path))


def _last_line(error: str | None) -> str | None:
    lines = (error or "").strip().splitlines()
    return lines[-1] if lines else None
