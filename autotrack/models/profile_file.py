"""The file that a model's profile is kept in.

``profile.json``: ``{"profile": 1, "rows": ..., "sampled": ..., "answered": ..., "shares": [...], "inputs": {column:
...}, "answers": {column: ...}}``. A column of numbers has ``edges`` (its quantiles at the ``shares``), the share of
values up to each edge where that is another (``below``, as of values that come often), and its ``range``; one of kinds
(texts, truth values, few whole numbers) has its ``values`` with their shares and that of all ``others``. A list in
place of an object is the least, the edges and the greatest of a column without gaps. ``missing`` is the share of rows
without a value.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any, NamedTuple

from autotrack.core.errors import ArtifactError
from autotrack.core.fingerprint.sketches import SHARES

from .profile import MOST_KINDS, OFTEN, ColumnProfile, ModelProfile

FILE = "profile.json"
FORMAT = 1
#: A longer file is neither written nor read.
MOST_BYTES = 64 << 10


class _Form(NamedTuple):
    """How much room a column gets: significant digits (0: all), edges, values of kinds."""

    digits: int
    edges: slice
    kinds: int


_FORMS = (
    _Form(0, slice(None), MOST_KINDS), _Form(5, slice(None), OFTEN), _Form(3, slice(1, 6), 5),
)  # fmt: skip
#: Columns from which on the first form is not tried.
_MANY = 350


def profile_content(profile: ModelProfile) -> bytes:
    """The content of ``profile.json``: as exact as fits into ``MOST_BYTES``; columns that do not fit are counted."""
    many = len(profile.inputs) + len(profile.answers) > _MANY
    for form in _FORMS[many:]:
        content = _spelled(profile, form, len(profile.inputs))
        if len(content) <= MOST_BYTES:
            return content
    kept = len(profile.inputs)
    while len(content) > MOST_BYTES and kept:
        kept = min(kept - 1, kept * MOST_BYTES // len(content))
        content = _spelled(profile, form, kept)
    return content


def _spelled(profile: ModelProfile, form: _Form, kept: int) -> bytes:
    left_out = profile.left_out + len(profile.inputs) - kept
    content = {
        "profile": FORMAT,
        "rows": profile.rows,
        "sampled": profile.sampled,
        "answered": profile.answered,
        "shares": [*SHARES][form.edges],
        "inputs": {column.name: _column(column, form) for column in profile.inputs[:kept]},
        "answers": {column.name: _column(column, form) for column in profile.answers[:MOST_KINDS]},
        **({"left_out": left_out} if left_out else {}),
    }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")


def _column(column: ColumnProfile, form: _Form) -> Any:
    gaps: dict[str, Any] = {"missing": round(column.missing, 6)} if column.missing else {}
    if column.edges:
        steps = dict(zip(SHARES, column.edges, strict=True)) if len(column.edges) == len(SHARES) else {}
        usual = bool(steps) and all(abs(b - s) < 0.02 for b, s in zip(column.below, SHARES, strict=True))
        if not usual:  # values that come often lie on an edge: they must stay on it
            edges: dict[str, Any] = {
                "edges": [_whole(edge) for edge in column.edges],
                "below": [round(each, 4) for each in column.below],
            }
            return {**edges, "range": _range(column, 0), **gaps}
        ends, inner = _range(column, form.digits), [_short(edge, form.digits) for edge in column.edges[form.edges]]
        return [ends[0], *inner, ends[1]] if not gaps else {"edges": inner, "range": ends, **gaps}
    if not column.values:
        return gaps
    kept = sorted(column.values, key=lambda each: -each[1])[: form.kinds]
    others = column.others + sum(share for _, share in column.values) - sum(share for _, share in kept)
    rest = {"others": round(others, 6)} if others > 1e-9 else {}
    return {"values": [[_whole(key), round(share, 6)] for key, share in kept], **rest, **gaps}


def _range(column: ColumnProfile, digits: int) -> list[float]:
    """Least and greatest, rounded away from each other: what was there is never outside."""
    low, high = _short(column.least, digits), _short(column.greatest, digits)
    if low > column.least:
        low = _short(column.least - abs(column.least) * 10 ** (1 - digits), digits)
    if high < column.greatest:
        high = _short(column.greatest + abs(column.greatest) * 10 ** (1 - digits), digits)
    return [low, high]


def _short(value: float, digits: int) -> float:
    short: float = _whole(float(f"{value:.{digits}g}") if digits and math.isfinite(value) else value)
    return short


def _whole(value: Any) -> Any:
    """A float without fraction as JSON has it shortest; JSON has no infinities."""
    if not isinstance(value, float):
        return value
    if not math.isfinite(value):
        return math.copysign(1e308, value)
    return int(value) if value == int(value) and abs(value) < 1e6 else value


def read_profile(content: bytes) -> ModelProfile:
    """The profile in a ``profile.json`` (ArtifactError where it is none, or one of a later format)."""
    try:
        if len(content) > MOST_BYTES:
            raise ArtifactError(f"{FILE} is larger than {MOST_BYTES} bytes, which no profile is")
        found = json.loads(content)
        if found.get("profile") != FORMAT:
            raise ArtifactError(f"{FILE} is of format {str(found.get('profile'))[:20]}; this autotrack reads {FORMAT}")
        shares = tuple(map(float, found["shares"]))
        return ModelProfile(
            int(found["rows"]),
            int(found["sampled"]),
            int(found["answered"]),
            tuple(_read(found["inputs"].items(), shares)),
            tuple(_read(found["answers"].items(), shares)),
            int(found.get("left_out", 0)),
        )
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ArtifactError(f"{FILE} is not a profile ({type(error).__name__}: {str(error)[:200]})") from None


def _read(columns: Iterable[tuple[str, Any]], shares: tuple[float, ...]) -> Iterable[ColumnProfile]:
    for name, given in columns:
        if isinstance(given, list):
            given = {"edges": given[1:-1], "range": [given[0], given[-1]]}
        low, high = map(float, given.get("range", (-math.inf, math.inf)))
        edges = tuple(map(float, given.get("edges", ())))
        below = tuple(map(float, given.get("below", shares if edges else ())))
        if len(edges) != len(below) or list(edges) != sorted(edges):
            raise ValueError(f"the edges of {name!r:.60} do not rise, or have not a share each")
        values = tuple(
            (key if isinstance(key, str) else float(key), float(share)) for key, share in given.get("values", ())
        )
        yield ColumnProfile(
            name, float(given.get("missing", 0.0)), edges, below, low, high, values, float(given.get("others", 0.0))
        )
