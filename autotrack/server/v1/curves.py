"""Lines of several metrics of several runs in one answer, as numbers that a page can draw without reading them."""

from __future__ import annotations

import struct
from typing import Annotated, Any, Literal

import numpy as np
from msgspec import Meta, field
from sqlalchemy import Connection

from autotrack.core.wire import number
from autotrack.store.search.arrivals import Arrivals, arrivals
from autotrack.store.search.places import places_of

from ..answers import Answer, encode
from ..calls import Call
from ..errors import ApiError
from ..routing import Table
from . import forms
from .columns import Columns, named
from .drawing import Array, Line, line
from .permissions import SEARCH
from .table import Ids
from .visible import seen

ROUTES = Table("/api/v1")
CURVES = "application/x-autotrack-curves"
FORMAT = 1
#: Lines of one answer, and points of one answer where all are asked for.
LINES = 1000
POINTS = 4_000_000
_LARGEST = float(np.finfo(np.float32).max)
_SMALLEST = float(np.finfo(np.float32).tiny)
#: Parts of its range to which a value has to be exact: a float32 has 24 bits.
_FINE = 2.0**12


class Wanted(forms.Query):
    """``runs``: ids, or beginnings of them; ``keys``: metrics; both with commas, a key with one in backticks.

    ``from`` and ``to`` are of the kind of ``x``: a step, seconds since the epoch, seconds since the first point.
    """

    runs: Ids
    keys: Columns
    x: Literal["step", "time", "rel"] = "step"
    start: float | None = field(default=None, name="from")
    end: float | None = field(default=None, name="to")
    #: Columns of pixels; 0: all points.
    px: Annotated[int, Meta(ge=0, le=10_000)] = 800
    #: The weight of the past in a moving average.
    smooth: Annotated[float, Meta(ge=0, lt=1)] = 0.0
    #: How many points of each line one has (``total`` of the last answer), in its order: only those after them come.
    after: Annotated[str, Meta(max_length=20_000, pattern="^[0-9,]*$")] = ""


@ROUTES.get("/series", SEARCH, query=Wanted, answer=forms.Entity, answers_with_bytes=CURVES)
def curves(call: Call) -> Answer | dict[str, Any]:
    """Lines of metrics, run by run and in each key by key, as many points of each as a chart has room for."""
    wanted: Wanted = call.query
    keys = list(dict.fromkeys(each.key for each, _ in named(wanted.keys)))
    ids = [each for each in wanted.runs.split(",") if each]
    if not keys or not ids or len(keys) * len(ids) > LINES:
        raise ApiError(422, "INVALID_PARAMETER_VALUE", f"there are 1 to {LINES:,} lines to an answer: runs times keys")
    known = [int(each or 0) for each in wanted.after.split(",")] if wanted.after else []
    if known and len(known) != len(keys) * len(ids):
        raise ApiError(422, "INVALID_PARAMETER_VALUE", "after has one number for each line: runs times keys")
    in_words = "application/json" in call.header("accept")
    lines: list[dict[str, Any]] = []
    body: list[bytes] = []
    with call.services.store.reading() as connection:
        at = points = 0
        for place in seen(call, places_of(connection, ids)):
            for key in keys:
                found = _read(connection, place.number, key, wanted, known[len(lines)] if known else 0)
                told: dict[str, Any] = {"run": place.id, "key": key}
                if found is None:
                    lines.append(told | {"n": 0, "of": 0, "total": 0, "missing": True})
                    continue
                read, drawn = found
                points += len(drawn.x)
                if points > POINTS:
                    raise ApiError(
                        422, "INVALID_PARAMETER_VALUE", f"an answer has {POINTS:,} points at most; ask by px"
                    )
                told |= _told(read, drawn)
                if in_words:
                    told |= {name: _listed(getattr(drawn, of)) for name, of in _LISTS}
                else:
                    at = _pack(told, drawn, body, at)
                lines.append(told)
    if in_words:
        return {"format": FORMAT, "series": lines}
    head = encode({"format": FORMAT, "series": lines})
    head += b" " * (-(len(head) + 4) % 8)
    return Answer(b"".join((struct.pack("<I", len(head)), head, *body)), media=CURVES)


_LISTS = (("x", "x"), ("y", "y"), ("lo", "low"), ("hi", "high"))


def _read(connection: Connection, run: int, key: str, wanted: Wanted, after: int) -> tuple[Arrivals, Line] | None:
    """The line of one metric. What comes after some points is smoothed as if they were there."""
    cut = after and wanted.smooth
    found = arrivals(connection, run, key, 0 if cut else after)
    if found is None:
        return None
    start = wanted.start
    if cut:
        later = arrivals(connection, run, key, after)
        if later is None or not len(later.points.steps):
            start = float("inf")
        else:
            low = line(later.points, wanted.x, found.began, None, None, len(later.points.steps), 0).x[0]
            start = float(low) if start is None else max(start, float(low))
    pixels = wanted.px or max(1, len(found.points.steps))
    return found, line(found.points, wanted.x, found.began, start, wanted.end, pixels, wanted.smooth)


def _told(found: Arrivals, drawn: Line) -> dict[str, Any]:
    """What the header says of a line."""
    finite = [each[np.isfinite(each)] for each in (drawn.low, drawn.high)]
    extremes = [float(finite[0].min()), float(finite[1].max())] if len(finite[0]) else [None, None]
    nan, above, below = drawn.bad
    return {
        "n": len(drawn.x),
        "of": drawn.of,
        "total": found.total,
        "whole": drawn.whole,
        "began": found.began / 1e9,
        "min": extremes[0],
        "max": extremes[1],
        "nan": nan,
        "inf": above,
        "ninf": below,
        "non_positive": drawn.sunk,
    }


def _pack(told: dict[str, Any], drawn: Line, body: list[bytes], at: int) -> int:
    """Puts a line's numbers behind ``at``, each column at a multiple of 8; answers where the next one goes.

    Columns that are the same stand there once.
    """
    numbers = {id(each): each for each in (drawn.y, drawn.low, drawn.high)}
    width = "f8" if any(_needs_double(each) for each in numbers.values()) else "f4"
    told["y"] = width
    placed: dict[int, int] = {}
    for name, values, kind in (("x", drawn.x, "f8"), *((name, getattr(drawn, of), width) for name, of in _LISTS[1:])):
        if id(values) not in placed:
            placed[id(values)] = at
            data = np.ascontiguousarray(values, f"<{kind}").tobytes()
            body.append(data + b"\0" * (-len(data) % 8))
            at += len(body[-1])
        told[f"offset_{name}"] = placed[id(values)]
    return at


def _needs_double(values: Array) -> bool:
    """True where a float32 is too coarse, or has no such numbers."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return False
    low, high = float(finite.min()), float(finite.max())
    most = max(abs(low), abs(high))
    return most > _LARGEST or (0 < most < _SMALLEST) or (high > low and most > (high - low) * _FINE)


def _listed(values: Array) -> list[float | str]:
    return [number(value) for value in values.tolist()]
