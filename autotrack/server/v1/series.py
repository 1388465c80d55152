"""The points of metrics: all of them, or as many as a chart has room for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from msgspec import Meta

from autotrack.core.entities import Columns, MetricSummary
from autotrack.core.wire import COLUMNS, columns_packed, encoded, number

from ..answers import Answer
from ..calls import Call
from ..routing import Table
from . import forms
from .permissions import READ_RUN
from .visible import visible

ROUTES = Table("/api/v1")


@dataclass(frozen=True, slots=True)
class Summaries:
    metrics: list[MetricSummary]


@ROUTES.get("/runs/{run}/metrics", READ_RUN, answer=Summaries)
def summaries(call: Call) -> dict[str, Any]:
    """What is known of each metric of a run without its points, by key."""
    return {"metrics": [encoded(each) for each in visible(call).metric_summaries(call.path["run"])]}


class Points(forms.Query):
    """Which points. ``start`` and ``end`` are steps, both included; ``points``: parts of the x axis."""

    key: forms.Key
    start: forms.Int64 | None = None
    end: forms.Int64 | None = None
    #: For so many parts of the x axis, the least and the greatest value of each (and a NaN where there is any).
    points: Annotated[int, Meta(ge=1, le=100_000)] | None = None
    x: Literal["step", "time"] = "step"


@dataclass(frozen=True, slots=True)
class Series:
    """Lists of one length; ``of`` is how many points there are between ``start`` and ``end``."""

    key: str
    of: int
    steps: list[int]
    timestamps: list[int]
    values: list[float | int]


@ROUTES.get("/runs/{run}/series", READ_RUN, query=Points, answer=Series, media=COLUMNS)
def series(call: Call) -> Answer | dict[str, Any]:
    """Points of a metric, by step: as binary columns, or in JSON where ``Accept`` asks for that."""
    wanted: Points = call.query
    found = visible(call).metric_history(call.path["run"], wanted.key)
    from .sampling import between, sampled

    if wanted.start is not None or wanted.end is not None:
        found = between(found, wanted.start, wanted.end)
    count = len(found.steps)
    if wanted.points is not None:
        found = sampled(found, wanted.points, wanted.x)
    if "application/json" in call.header("accept"):
        return _listed(wanted.key, count, found)
    return Answer(columns_packed(found, {"of": count}), media=COLUMNS)


def _listed(key: str, count: int, found: Columns) -> dict[str, Any]:
    values = [number(value) if isinstance(value, float) else value for value in found.values.tolist()]
    lists = {"steps": found.steps.tolist(), "timestamps": found.timestamps.tolist(), "values": values}
    return {"key": key, "of": count, **lists}
