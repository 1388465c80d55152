"""What MLflow's clients log to a run: points, params, tags, and models as MLflow 2 logged them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, select, update

from autotrack.core.errors import NotFoundError
from autotrack.core.keys import is_run_id
from autotrack.core.registered import LoggedMetric
from autotrack.store import schema
from autotrack.store.intake.direct import Change, Standing
from autotrack.store.registry.logged_models import note_measured
from autotrack.store.series.points import Points, bits

from .. import limits
from ..calls import Call
from ..errors import invalid
from . import names, places, render, wire
from .runs import Record, active, renamed
from .table import WRITE_RUN, table

ROUTES = table()
HISTORY_TAG = "mlflow.log-model.history"
_NEEDED_OF_MODEL = {"artifact_path", "flavors", "utc_time_created", "run_id"}


@ROUTES.post("/runs/log-metric", WRITE_RUN, body=wire.LogMetric)
async def log_metric(call: Call) -> None:
    """Stores one point of a metric."""
    body: wire.LogMetric = call.body
    run = wire.run_of(body)
    await _log(call, run, _points([body]), measured=_measured(run, [body]))


@ROUTES.post("/runs/log-parameter", WRITE_RUN, body=wire.KeyValue)
async def log_parameter(call: Call) -> None:
    """Stores a param; another value than the one that is stored is refused."""
    body: wire.KeyValue = call.body
    await _log(call, wire.run_of(body), params={names.key_of(body.key, "key"): body.value or ""})


@ROUTES.post("/runs/set-tag", WRITE_RUN, body=wire.KeyValue)
async def set_tag(call: Call) -> None:
    """Sets a tag."""
    body: wire.KeyValue = call.body
    await _log(call, wire.run_of(body), tags={names.key_of(body.key, "key"): body.value or ""})


@ROUTES.post("/runs/log-batch", WRITE_RUN, body=wire.LogBatch, limit=limits.BATCH)
async def log_batch(call: Call) -> None:
    """Stores points, params and tags, all or nothing."""
    body: wire.LogBatch = call.body
    run = wire.run_of(body)
    metrics, params, tags = (
        wire.items(body.metrics, "metrics"),
        wire.items(body.params, "params"),
        wire.items(body.tags, "tags"),
    )
    for what, some, most in (
        ("metrics", metrics, names.METRICS),
        ("params", params, names.PARAMS),
        ("tags", tags, names.TAGS),
        ("entities", [*metrics, *params, *tags] if params or tags else metrics, names.ALTOGETHER),
    ):
        if len(some) > most:
            raise invalid(
                f"A batch logging request can contain at most {most} {what}. Got {len(some)} {what}. Please split up "
                f"{what} across multiple requests and try again."
            )
    values: dict[str, str] = {}
    for at, param in enumerate(params):
        key = names.key_of(param.key, f"params[{at}].key")
        if values.setdefault(key, param.value or "") != (param.value or ""):
            raise invalid(
                f"Duplicate parameter keys have been submitted: ['{key}']. Please ensure the request contains only one "
                "param value per param key."
            )
    marks = {names.key_of(tag.key, f"tags[{at}].key"): tag.value or "" for at, tag in enumerate(tags)}
    await _log(call, run, _points(metrics, "metrics"), values, marks, measured=_measured(run, metrics))


async def _log(
    call: Call,
    run: str,
    points: Sequence[tuple[str, Points]] = (),
    params: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
    measured: Mapping[str, Sequence[LoggedMetric]] | None = None,
) -> None:
    params = params or {}
    marks = dict(tags or {})
    name = marks.pop(render.NAME_TAG, None)
    parent = marks.get(render.PARENT_TAG)

    def prepare(standing: Standing) -> Sequence[Record]:
        active(standing, run)
        for model in measured or ():
            places.model_root(standing.connection, model)
        records: list[Record] = []
        if params:
            new = _new(standing, run, params)
            if new:
                records.append({"k": "params", "t": time.time_ns(), "r": run, "params": new})
        if marks:
            records.append({"k": "tags", "t": time.time_ns(), "r": run, "tags": marks})
        if name:
            records.append(renamed(run, name))
        return records

    def add(connection: Connection, number: int) -> None:
        if parent is not None:
            _parenting(parent)(connection, number)
        for model, points in (measured or {}).items():
            note_measured(connection, model, points)

    also = add if parent is not None or measured else None
    await call.services.write(Change(run, prepare, points, needs=tuple(params), also=also, distinct=True))


def _new(standing: Standing, run: str, params: Mapping[str, str]) -> dict[str, str]:
    """Those params that are not stored yet (ApiError 400 where one is, with another value)."""
    new: dict[str, str] = {}
    for key, value in params.items():
        before = standing.param(run, key)
        if before is None:
            new[key] = value
        elif before[: names.PARAM_VALUE] != value[: names.PARAM_VALUE]:
            raise invalid(
                f"Changing param values is not allowed. Param with key='{key}' was already logged with "
                f"value='{before[:250]}' for run ID='{run}'. Attempted logging new value '{value[:250]}'."
            )
    return new


class _parenting:
    """Notes whose child a run is, in the place that the store has for it."""

    def __init__(self, parent: str | None) -> None:
        self._parent = parent

    def __call__(self, connection: Connection, number: int) -> None:
        parent = self._parent if self._parent is not None and is_run_id(self._parent) else None
        runs = schema.runs
        connection.execute(update(runs).where(runs.c.n == number, runs.c.id != parent).values(parent=parent))


def _points(metrics: Iterable[wire.Metric], where: str = "") -> list[tuple[str, Points]]:
    """Points by key, in their order; ``where`` they stand in the body, for errors."""
    columns: dict[str, tuple[list[int], list[int], list[float]]] = {}
    for at, metric in enumerate(metrics):
        key, step, moment, value = metric.key, metric.step, metric.timestamp, metric.value
        # As nearly all of them are; the others take the way on which they are read closely, or refused.
        if type(step) is not int or not -wire.INT64 <= step < wire.INT64:
            step = wire.whole(step, _at(where, at, "step"), 0)
        if type(moment) is not int or not 0 <= moment < wire.LATEST:
            moment = _moment(moment, _at(where, at, "timestamp"))
        if type(value) is not float:
            value = wire.number(value, _at(where, at, "value"))
        found = columns.get(key) if key is not None else None
        if found is None:
            found = columns[names.key_of(key, _at(where, at, "name" if key is not None else "key"))] = [], [], []
        found[0].append(step)
        found[1].append(moment * 1_000_000)
        found[2].append(value)
    return [
        (key, Points.of((steps, times, bits(values)), is_int=False)) for key, (steps, times, values) in columns.items()
    ]


def _measured(run: str, metrics: Iterable[wire.Metric]) -> dict[str, list[LoggedMetric]]:
    """Points that say which model they were measured on, by its id. They have been read without an error."""
    found: dict[str, list[LoggedMetric]] = {}
    for metric in metrics:
        if metric.model_id:
            value, step = wire.number(metric.value, "value"), wire.whole(metric.step, "step", 0)
            moment = wire.moment(metric.timestamp, "timestamp")
            on = (metric.dataset_name or None, metric.dataset_digest or None)
            found.setdefault(metric.model_id, []).append(LoggedMetric(metric.key or "", value, step, moment, run, *on))
    return found


def _at(where: str, at: int, name: str) -> str:
    return f"{where}[{at}].{name}" if where else name


def _moment(value: wire.Whole, name: str) -> int:
    found = wire.moment(value, name) // 1_000_000
    if found < 0:
        raise names.wrong(name, value, "Timestamp must be a nonnegative long (64-bit integer)")
    return found


@ROUTES.post("/runs/delete-tag", WRITE_RUN, body=wire.KeyValue)
async def delete_tag(call: Call) -> None:
    """Takes a tag away."""
    body: wire.KeyValue = call.body
    run, key = wire.run_of(body), names.key_of(body.key, "key")

    def prepare(standing: Standing) -> Sequence[Record]:
        found, tags = active(standing, run), schema.tags
        has = select(tags.c.key).where(tags.c.run == found.number, tags.c.key == key)
        if standing.connection.execute(has).first() is None and key != render.NAME_TAG:
            raise NotFoundError(f"No tag with name: {key} in run with id {run}")
        return [{"k": "untag", "t": time.time_ns(), "r": run, "keys": [key]}]

    await call.services.write(Change(run, prepare, also=_parenting(None) if key == render.PARENT_TAG else None))


@ROUTES.post("/runs/log-model", WRITE_RUN, body=wire.LogModel)
async def log_model(call: Call) -> None:
    """Notes a model on a run, as clients of MLflow 2 do."""
    body: wire.LogModel = call.body
    run = wire.run_of(body)
    try:
        model = json.loads(wire.needed(body.model_json, "model_json"))
    except ValueError:
        raise invalid(f"Malformed model info. \n {(body.model_json or '')[:200]} \n is not a valid JSON.") from None
    missing = _NEEDED_OF_MODEL - model.keys() if isinstance(model, dict) else _NEEDED_OF_MODEL
    if missing:
        raise invalid(f"Model json is missing mandatory fields: {missing}")
    told = {name: model.get(name) for name in ("run_id", "artifact_path", "utc_time_created", "model_uuid", "flavors")}

    def prepare(standing: Standing) -> Sequence[Record]:
        found, tags = active(standing, run), schema.tags
        this = select(tags.c.value).where(tags.c.run == found.number, tags.c.key == HISTORY_TAG)
        before = standing.connection.execute(this).scalar()
        history = [*(json.loads(before) if before else []), told]
        return [{"k": "tags", "t": time.time_ns(), "r": run, "tags": {HISTORY_TAG: json.dumps(history)}}]

    await call.services.write(Change(run, prepare))
