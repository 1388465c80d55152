"""Runs of MLflow's API: what is written to them, and what is read."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

from autotrack.core.keys import new_id
from autotrack.core.runs.names import run_name
from autotrack.store.direct import Change, Standing
from autotrack.store.points import Points, bits

from .. import limits
from ..calls import Call
from ..errors import ApiError, invalid
from . import render, wire
from .experiments import experiment_at
from .table import CREATE_RUN, READ_RUN, WRITE_RUN, table

ROUTES = table()
Record = Mapping[str, Any]


@ROUTES.post("/runs/create", CREATE_RUN, body=wire.CreateRun)
async def create_run(call: Call) -> dict[str, Any]:
    """Starts a run."""
    body: wire.CreateRun = call.body
    store = call.services.store
    experiment = await asyncio.to_thread(experiment_at, store, wire.needed(body.experiment_id, "experiment_id"))
    if experiment.lifecycle != "active":
        raise invalid(f"The experiment {experiment.id} must be in the 'active' state.")
    run = new_id()
    tags = {wire.needed(tag.key, "key"): tag.value or "" for tag in body.tags or []}
    name = body.run_name or tags.pop(render.NAME_TAG, None) or run_name(run)
    started = wire.whole(body.start_time, "start_time", time.time_ns() // 1_000_000) * 1_000_000
    record = {
        "k": "run_start",
        "t": started,
        "r": run,
        "name": name,
        "experiment": experiment.name,
        "parent": tags.get(render.PARENT_TAG),
        "session": None,
        "user": body.user_id or tags.get(render.USER_TAG),
        "artifact_uri": f"artifacts/{experiment.id}/{run}",
        "random_state": None,
        "tags": tags,
    }
    await call.services.write(Change(run, lambda standing: [record]))
    return {"run": await asyncio.to_thread(_read, call, run)}


@ROUTES.get("/runs/get", READ_RUN, body=wire.ById)
def get_run(call: Call) -> dict[str, Any]:
    """A run with the latest value of each metric."""
    return {"run": _read(call, wire.run_of(call.body))}


def _read(call: Call, run_id: str) -> dict[str, Any]:
    store = call.services.store
    found = store.run(run_id)
    latest = [
        {
            "key": each.key,
            "value": render.value_of(each.last),
            "timestamp": render.milliseconds(each.last_time),
            "step": each.last_step,
        }
        for each in store.metric_summaries(run_id)
    ]
    return render.run(found, latest)


@ROUTES.post("/runs/update", WRITE_RUN, body=wire.UpdateRun)
async def update_run(call: Call) -> dict[str, Any]:
    """Changes a run's status, end and name."""
    body: wire.UpdateRun = call.body
    run = wire.run_of(body)
    now = time.time_ns()

    def prepare(standing: Standing) -> Sequence[Record]:
        _active(standing, run)
        records: list[Record] = []
        if body.run_name:
            records.append({"k": "rename", "t": now, "r": run, "name": body.run_name})
        if body.status not in (None, "RUNNING"):
            ended = wire.whole(body.end_time, "end_time", now // 1_000_000) * 1_000_000
            end = {"status": body.status, "ended": ended, "error": None, "exit_code": None}
            records.append({"k": "run_end", "t": now, "r": run, **end})
        return records

    await call.services.write(Change(run, prepare))
    return {"run_info": render.info(await asyncio.to_thread(call.services.store.run, run))}


@ROUTES.post("/runs/log-metric", WRITE_RUN, body=wire.LogMetric)
async def log_metric(call: Call) -> None:
    """Stores one point of a metric."""
    body: wire.LogMetric = call.body
    await _log(call, wire.run_of(body), [body], [], [])


@ROUTES.post("/runs/log-parameter", WRITE_RUN, body=wire.LogParam)
async def log_parameter(call: Call) -> None:
    """Stores a param; another value than the one that is stored is refused."""
    body: wire.LogParam = call.body
    await _log(call, wire.run_of(body), [], [wire.Tag(body.key, body.value)], [])


@ROUTES.post("/runs/log-batch", WRITE_RUN, body=wire.LogBatch, limit=limits.BATCH)
async def log_batch(call: Call) -> None:
    """Stores points, params and tags, all or nothing."""
    body: wire.LogBatch = call.body
    await _log(call, wire.run_of(body), body.metrics or [], body.params or [], body.tags or [])


async def _log(
    call: Call, run: str, metrics: Sequence[wire.Metric], params: Sequence[wire.Tag], tags: Sequence[wire.Tag]
) -> None:
    now = time.time_ns()
    points = _points(metrics)
    new = {wire.needed(param.key, "key"): param.value or "" for param in params}
    marks = {wire.needed(tag.key, "key"): tag.value or "" for tag in tags}

    def prepare(standing: Standing) -> Sequence[Record]:
        _active(standing, run)
        for key, value in new.items():
            before = standing.param(run, key)
            if before is not None and before != value:
                raise invalid(
                    f"Changing param values is not allowed. Param with key='{key}' was already logged with "
                    f"value='{before[:250]}' for run ID='{run}'. Attempted logging new value '{value[:250]}'."
                )
        records: list[Record] = []
        if new:
            records.append({"k": "params", "t": now, "r": run, "params": new})
        if marks:
            records.append({"k": "tags", "t": now, "r": run, "tags": marks})
        return records

    await call.services.write(Change(run, prepare, points, needs=tuple(new), distinct=True))


def _points(metrics: Sequence[wire.Metric]) -> list[tuple[str, Points]]:
    """Points by key, in their order."""
    columns: dict[str, tuple[list[int], list[int], list[float]]] = {}
    for at, metric in enumerate(metrics):
        key, step, moment, value = metric.key, metric.step, metric.timestamp, metric.value
        # As nearly all of them are; the others take the way on which they are read closely, or refused.
        if type(step) is not int or not -wire.INT64 <= step < wire.INT64:
            step = wire.whole(step, f"metrics[{at}].step", 0)
        if type(moment) is not int or not -wire.INT64 <= moment < wire.INT64:
            moment = wire.whole(moment, f"metrics[{at}].timestamp")
        if type(value) is not float:
            value = wire.number(value, f"metrics[{at}].value")
        found = columns.get(key or "")
        if found is None:
            found = columns[wire.needed(key, f"metrics[{at}].key")] = [], [], []
        found[0].append(step)
        found[1].append(moment * 1_000_000)
        found[2].append(value)
    return [
        (key, Points.of((steps, times, bits(values)), is_int=False)) for key, (steps, times, values) in columns.items()
    ]


def _active(standing: Standing, run: str) -> None:
    """Refuses a run that is deleted, or not there at all."""
    if standing.run(run).lifecycle != "active":
        raise ApiError(400, "INVALID_PARAMETER_VALUE", f"The run {run} must be in the 'active' state.")
