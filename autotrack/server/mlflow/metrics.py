"""Histories of metrics in MLflow's API."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from sqlalchemy import Connection, select

from autotrack.core.entities import Columns
from autotrack.core.errors import NotFoundError
from autotrack.store import schema
from autotrack.store.search import queries

from ..calls import Call
from ..errors import invalid
from . import render, wire
from .table import READ_RUN, READ_RUNS, table

ROUTES = table()

#: Points of a run, and runs, that a request for the histories of several may ask for.
POINTS, RUNS = 2500, 100
PAGE = 25_000


@ROUTES.get("/metrics/get-history", READ_RUN, body=wire.GetHistory)
def get_history(call: Call) -> dict[str, Any]:
    """All points of one metric, or a page of them: by time, then step, then value."""
    body: wire.GetHistory = call.body
    run, key = wire.run_of(body), wire.needed(body.metric_key, "metric_key")
    most = None if body.max_results in (None, "") else wire.page_size(body.max_results, "max_results", None, PAGE)
    start = wire.offset_of(body.page_token)
    with call.services.store.reading() as connection:
        columns = queries.history(connection, _number(connection, run), key)
    if columns is None:
        return {}
    order = np.lexsort((columns.values, columns.steps, columns.timestamps))
    end = len(order) if most is None else start + most
    points = list(_points(key, columns, order[start:end]))
    return render.paged("metrics", points, wire.token_of(end) if end < len(order) else None)


@ROUTES.get("/metrics/get-history-bulk-interval", READ_RUNS, body=wire.GetHistories)
def get_history_bulk_interval(call: Call) -> dict[str, Any]:
    """Points of one metric in several runs, evenly chosen where there are many; the first and the last are in it."""
    body: wire.GetHistories = call.body
    runs, key, most = _asked(body, POINTS)
    start, end = (None if each in (None, "") else wire.whole(each, "step") for each in (body.start_step, body.end_step))
    if (start is None) != (end is None):
        raise invalid("If either start step or end step are specified, both must be specified.")
    if start is not None and end is not None and start > end:
        raise invalid(f"end_step must be greater than start_step. Found start_step={start} and end_step={end}.")
    histories: dict[str, Columns] = {}
    with call.services.store.reading() as connection:
        for run in sorted(set(runs)):
            columns = queries.history(connection, _number(connection, run), key)
            if columns is not None:
                histories[run] = columns
    points: list[dict[str, Any]] = []
    for run, columns in histories.items():
        steps = np.unique(columns.steps)
        if start is not None:
            steps = steps[(steps >= start) & (steps <= end)]
        order = np.lexsort((columns.values, columns.timestamps, columns.steps))
        order = order[np.isin(columns.steps[order], _evenly(steps, most))][:POINTS]
        points += [{**point, "run_id": run} for point in _points(key, columns, order)]
    return render.paged("metrics", points, None)


@ROUTES.get("/metrics/get-history-bulk", READ_RUNS, body=wire.GetHistories)
def get_history_bulk(call: Call) -> dict[str, Any]:
    """Points of one metric in several runs, as MLflow's page asks for them."""
    body: wire.GetHistories = call.body
    runs, key, most = _asked(body, PAGE)
    points: list[dict[str, Any]] = []
    with call.services.store.reading() as connection:
        for run in sorted(set(runs)):
            columns = queries.history(connection, _number(connection, run), key)
            if columns is not None and len(points) < most:
                order = np.lexsort((columns.values, columns.steps, columns.timestamps))[: most - len(points)]
                points += [{**point, "run_id": run} for point in _points(key, columns, order)]
    return {"metrics": points}


def _asked(body: wire.GetHistories, most: int) -> tuple[Sequence[str], str, int]:
    """The runs, the metric, and how many points at most (ApiError 400)."""
    runs = body.run_ids or body.run_id or []
    if not runs:
        raise invalid("GetMetricHistoryBulk request must specify at least one run_id.")
    if len(runs) > RUNS:
        raise invalid(f"GetMetricHistoryBulk request cannot specify more than {RUNS} run_ids. Received {len(runs)}.")
    return runs, wire.needed(body.metric_key, "metric_key"), wire.page_size(body.max_results, "max_results", most, most)


def _number(connection: Connection, run: str) -> int:
    """The row of the run with exactly that id (NotFoundError)."""
    found = connection.execute(select(schema.runs.c.n).where(schema.runs.c.id == run)).scalar()
    if found is None:
        raise NotFoundError(f"Run with id={run[:260]} not found")
    return int(found)


def _evenly(steps: Any, most: int) -> Any:
    """The first of each of ``most`` equal parts of ascending steps; of the last part, the last."""
    if len(steps) <= most:
        return steps
    size, rest = divmod(len(steps), most)
    parts = np.arange(most)
    chosen = steps[parts * size + np.minimum(parts, rest)]
    chosen[-1] = steps[-1]
    return chosen


def _points(key: str, columns: Columns, order: Any) -> Iterator[dict[str, Any]]:
    rows = zip(
        columns.steps[order].tolist(), columns.timestamps[order].tolist(), columns.values[order].tolist(), strict=True
    )
    for step, time, value in rows:
        yield {"key": key, "value": render.value_of(value), "timestamp": time // 1_000_000, "step": step}
