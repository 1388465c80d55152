"""Golden predictions: what a model answered to a few rows where it was saved, asked again where it is loaded.

``golden.json``: ``{"golden": 1, "example": ..., "answers": {"predict": ..., ...}, "made_with": {...}}``, values as
``exact`` writes them, so that nothing but the model's answer can differ.
"""

from __future__ import annotations

import copy
import json
import math
import platform
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from autotrack.core.errors import ArtifactError
from autotrack.core.guard import attempt

from .exact import decode, encode

FILE = "golden.json"
FORMAT = 1
#: Relative difference up to which floats of a width (bytes) count as the same answer of another machine.
TOLERANCE = {2: 1e-2, 4: 1e-4, 8: 1e-6}

Ask = Callable[[Any], Any]


class Replay(NamedTuple):
    """How the answers here compare with the golden ones.

    ``verdict`` is ``"equal"``, ``"close"`` (within tolerance), ``"different"``, ``"failed"`` (could not be asked) or
    ``"none"`` (the folder has none). ``largest`` is the largest absolute difference of two numbers, None where
    answers are no numbers; ``where`` names its place with both values; ``reason`` says why for failed and none.
    """

    verdict: str
    largest: float | None = None
    where: str = ""
    reason: str = ""

    @property
    def passed(self) -> bool:
        """False where the model answers something else here, or cannot answer."""
        return self.verdict in ("equal", "close", "none")

    def __str__(self) -> str:
        if self.verdict == "different":
            by = "" if self.largest is None else f" by up to {self.largest:.3g}"
            return f"its predictions differ from those that it was saved with{by}: {self.where}"
        if self.verdict == "close":
            return f"its predictions are within tolerance of those that it was saved with ({self.where})"
        if self.verdict == "failed":
            return f"its golden predictions could not be replayed: {self.reason}"
        return "its predictions are those that it was saved with" if self.verdict == "equal" else self.reason


def golden_content(document: Any, answers: Mapping[str, Any], versions: Mapping[str, str | None]) -> bytes:
    """The content of ``golden.json``; ``document`` is the example as ``exact.encode`` says it. CannotKeep where an
    answer is of a kind that is not kept."""
    content = {
        "golden": FORMAT,
        "example": document,
        "answers": {name: encode(answer) for name, answer in answers.items()},
        "made_with": {"python": platform.python_version(), "machine": platform.machine(), **versions},
    }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def replay(content: bytes, asks: Mapping[str, Ask]) -> Replay:
    """Asks the model what it was asked when it was saved; ``asks`` maps the names of methods to functions.

    Raises nothing: what goes wrong is the verdict ``"failed"``.
    """
    document, error = attempt(_document, content)
    if document is None:
        return Replay("failed", reason=str(error))
    example, unreadable = attempt(decode, document["example"])
    worst = Replay("equal")
    for name, kept in document["answers"].items():
        if name not in asks:
            return Replay("failed", reason=f"the model has no {name} here")
        found, error = attempt(_asked, asks[name], example, kept, name) if unreadable is None else (None, unreadable)
        if found is None:
            return Replay("failed", reason=f"{name} raised {type(error).__name__}: {str(error)[:300]}")
        worst = max(worst, found, key=_badness)
    return worst


def _asked(ask: Ask, example: Any, kept: Any, name: str) -> Replay:
    answer = ask(copy.deepcopy(example))  # for a model may change what it is asked with
    return compare(decode(kept), answer, name)


def _document(content: bytes) -> dict[str, Any]:
    found = json.loads(content)
    if not isinstance(found, dict) or not isinstance(found.get("answers"), dict) or "example" not in found:
        raise ArtifactError(f"{FILE} is not a record of golden predictions")
    if found.get("golden") != FORMAT:
        raise ArtifactError(f"{FILE} is of format {str(found.get('golden'))[:20]}; this autotrack reads {FORMAT}")
    return found


def example_of(content: bytes) -> Any:
    """The rows that the model was asked about when it was saved (ArtifactError where the file is none)."""
    return decode(_document(content)["example"])


def answers_of(content: bytes) -> dict[str, Any]:
    """What the model answered when it was saved, by the name of what was asked (ArtifactError)."""
    return {str(name): decode(answer) for name, answer in _document(content)["answers"].items()}


def made_with(content: bytes) -> dict[str, str]:
    """The versions that the golden predictions were made with; empty where the file is none."""
    document, _ = attempt(_document, content)
    found = (document or {}).get("made_with")
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def _badness(found: Replay) -> tuple[int, float]:
    return ("equal", "close", "different").index(found.verdict), found.largest or 0.0


def compare(kept: Any, answer: Any, name: str) -> Replay:
    """How an answer compares with the kept one; ``name`` says in the verdict what was asked."""
    parts = list(_parts(kept, answer, name))
    worst = Replay("equal")
    for one, other, place in parts:
        worst = max(worst, _compare(one, other, place), key=_badness)
    return worst


def _parts(kept: Any, answer: Any, name: str) -> Any:
    """Pairs of arrays with the name of their place: tables by column, lists and dicts by item."""
    if isinstance(kept, dict) and isinstance(answer, Mapping) and set(kept) == set(answer):
        for key in kept:
            yield from _parts(kept[key], answer[key], f"{name}[{key!r}]")
    elif isinstance(kept, (list, tuple)) and isinstance(answer, (list, tuple)) and len(kept) == len(answer):
        if any(hasattr(item, "shape") or isinstance(item, (list, dict)) for item in kept):
            for at, (one, other) in enumerate(zip(kept, answer, strict=True)):
                yield from _parts(one, other, f"{name}[{at}]")
        else:
            yield _dense(list(kept)), _dense(list(answer)), name
    elif hasattr(kept, "columns") and hasattr(answer, "columns") and list(kept.columns) == list(answer.columns):
        for column in kept.columns:
            yield _dense(kept[column]), _dense(answer[column]), f"{name}[{column!r}]"
    else:
        yield _dense(kept), _dense(answer), name


def _dense(value: Any) -> Any:
    import numpy

    if hasattr(value, "toarray"):
        value = value.toarray()
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    return value if isinstance(value, numpy.ndarray) else numpy.asarray(value)


def _compare(kept: Any, answer: Any, place: str) -> Replay:
    import numpy

    if kept.shape != answer.shape:
        return Replay("different", where=f"{place} has the shape {answer.shape}, it had {kept.shape}")
    if kept.size == 0:
        return Replay("equal")
    numbers = kept.dtype.kind in "iufcb" and answer.dtype.kind in "iufcb"
    if not numbers:
        other = numpy.array(
            [not _alike(a, b) for a, b in zip(kept.ravel().tolist(), answer.ravel().tolist(), strict=True)]
        )
        if not other.any():
            return Replay("equal")
        return Replay("different", where=_place(kept, answer, place, int(other.argmax()), int(other.sum())))
    with numpy.errstate(all="ignore"):
        wide = complex if "c" in (kept.dtype.kind, answer.dtype.kind) else float
        one, two = kept.astype(wide).ravel(), answer.astype(wide).ravel()
        same = (one == two) | ((one != one) & (two != two))
        if same.all():
            return Replay("equal")
        gap = numpy.where(same, 0.0, numpy.abs(one - two))
        gap = numpy.where(numpy.isnan(gap), math.inf, gap)
        at = int(gap.argmax())
        exact = kept.dtype.kind in "iub"
        width = min((item.dtype.itemsize for item in (kept, answer) if item.dtype.kind == "f"), default=8)
        limit = 0.0 if exact else TOLERANCE.get(width, 1e-6)
        # Measured against the column's own size: where a sum cancels to almost nothing, its last bits are no news.
        size = numpy.abs(one)
        scale = float(size[numpy.isfinite(size)].max(initial=0.0))
        verdict = "close" if bool((gap <= limit * numpy.maximum(numpy.abs(one), scale * 1e-3)).all()) else "different"
    return Replay(verdict, float(gap[at]), _place(kept, answer, place, at, int((~same).sum())))


def _alike(one: Any, two: Any) -> bool:
    return bool(one == two) or bool(one != one and two != two)


def _place(kept: Any, answer: Any, place: str, at: int, count: int) -> str:
    import numpy

    where = [int(index) for index in numpy.unravel_index(at, kept.shape)] if kept.ndim else []
    named = ", ".join(
        f"{axis} {index}" for axis, index in zip(("row", "column", "place", "place"), where, strict=False)
    )
    was, now = (_short(value.ravel()[at]) for value in (kept, answer))
    others = f" ({count} of {kept.size} values differ)" if count > 1 else ""
    return f"{place}{', ' + named if named else ''}: {now}, it was {was}{others}"


def _short(value: Any) -> str:
    value = value.item() if hasattr(value, "item") else value
    return repr(value)[:60]
