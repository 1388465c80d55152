"""Runs of MLflow's API: making, reading, changing, deleting, restoring."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select, update

from autotrack.core.errors import NotFoundError
from autotrack.core.keys import check_text, is_run_id, new_id
from autotrack.core.runs.names import run_name
from autotrack.store import experiments as lives
from autotrack.store import schema
from autotrack.store.engines.dialect import whole
from autotrack.store.intake.direct import Change, RunState, Standing
from autotrack.store.search.latest import LatestRun, latest_run

from ..calls import Call
from ..errors import invalid
from . import names, render, wire
from .experiments import ensure_default
from .table import CREATE_IN, READ_RUN, WRITE_RUN, table

ROUTES = table()
Record = Mapping[str, Any]


@ROUTES.post("/runs/create", CREATE_IN, body=wire.CreateRun)
async def create_run(call: Call) -> dict[str, Any]:
    """Starts a run."""
    body: wire.CreateRun = call.body
    experiment = names.experiment_id(body.experiment_id)
    if experiment == "0":
        await asyncio.to_thread(ensure_default, call.services)
    run = new_id()
    tags = {names.key_of(tag.key, "key"): tag.value or "" for tag in wire.items(body.tags, "tags")}
    tagged = tags.pop(render.NAME_TAG, None)
    if body.run_name and tagged and body.run_name != tagged:
        raise invalid(
            "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values "
            f"(run_name='{body.run_name}', mlflow.runName='{tagged}')."
        )
    parent = tags.get(render.PARENT_TAG)
    made = LatestRun(
        number=0,
        id=run,
        name=body.run_name or tagged or run_name(run),
        experiment_id=experiment,
        status="RUNNING",
        started=wire.moment(body.start_time, "start_time", time.time_ns() // 1_000_000),
        ended=None,
        parent=parent if parent is not None and is_run_id(parent) else None,
        session=None,
        user=body.user_id or tags.get(render.USER_TAG),
        lifecycle="active",
        artifact_uri=f"artifacts/{experiment}/{run}",
        location=None,
        tags=tags,
    )

    def prepare(standing: Standing) -> Sequence[Record]:
        wanted = schema.experiments.c.id == experiment
        found = standing.connection.execute(select(schema.experiments).where(wanted)).first()
        if found is None:
            raise NotFoundError(f"No Experiment with id={experiment} exists")
        if found.lifecycle != lives.ACTIVE:
            raise invalid(
                f"The experiment {experiment} must be in the 'active' state. Current state is {found.lifecycle}."
            )
        made.location = found.artifact_location
        return [
            {
                "k": "run_start",
                "t": made.started,
                "r": run,
                "name": made.name,
                "experiment": found.name,
                "parent": made.parent,
                "session": None,
                "user": made.user,
                "artifact_uri": made.artifact_uri,
                "random_state": None,
                "tags": tags,
            }
        ]

    await call.services.write(Change(run, prepare))
    return {"run": render.run(made, new=True)}


@ROUTES.get("/runs/get", READ_RUN, body=wire.ById)
def get_run(call: Call) -> dict[str, Any]:
    """A run with the latest value of each metric."""
    run = wire.run_of(call.body)
    with call.services.store.reading() as connection:
        return {"run": render.run(latest_run(connection, run))}


@ROUTES.post("/runs/update", WRITE_RUN, body=wire.UpdateRun)
async def update_run(call: Call) -> dict[str, Any]:
    """Changes a run's status, end and name."""
    body: wire.UpdateRun = call.body
    run, status = wire.run_of(body), wire.status(body.status)
    ended = None if body.end_time in (None, "") else wire.moment(body.end_time, "end_time")
    told: list[LatestRun] = []

    def prepare(standing: Standing) -> Sequence[Record]:
        active(standing, run)
        return [] if not body.run_name else [renamed(run, body.run_name)]

    def also(connection: Connection, number: int) -> None:
        table = schema.runs
        values: dict[str, Any] = {}
        if status is not None:
            values.update(status=status, status_at=time.time_ns(), guessed=None)
            if status in ("RUNNING", "SCHEDULED"):
                values.update(ended=None, error=None, exit_code=None)
        if ended is not None:
            values["ended"] = ended
        if values:
            connection.execute(update(table).where(table.c.n == number).values(values))
        told.append(latest_run(connection, run, whole=False))

    await call.services.write(Change(run, prepare, also=also))
    return {"run_info": render.info(told[-1])}


@ROUTES.post("/runs/delete", WRITE_RUN, body=wire.ById)
def delete_run(call: Call) -> None:
    """Deletes a run softly."""
    _turn(call, lives.DELETED, time.time_ns())


@ROUTES.post("/runs/restore", WRITE_RUN, body=wire.ById)
def restore_run(call: Call) -> None:
    """Brings a deleted run back."""
    _turn(call, lives.ACTIVE, None)


@whole
def _turn(call: Call, lifecycle: str, deleted: int | None) -> None:
    """As MLflow has it, children stay as they are."""
    run, runs = wire.run_of(call.body), schema.runs
    values = {"lifecycle": lifecycle, "deleted_with": None, "deleted_at": deleted}
    with call.services.store.writing() as connection:
        if not connection.execute(update(runs).where(runs.c.id == run).values(values)).rowcount:
            raise NotFoundError(f"Run with id={run} not found")


def active(standing: Standing, run: str) -> RunState:
    """How a run stands that is written to; refuses one that is deleted, or not there at all."""
    try:
        found = standing.run(run)
    except NotFoundError:
        raise NotFoundError(f"Run with id={run} not found") from None
    if found.lifecycle != lives.ACTIVE:
        raise invalid(f"The run {run} must be in the 'active' state. Current state is {found.lifecycle}.")
    return found


def renamed(run: str, name: str) -> Record:
    """The record that gives a run another name."""
    return {"k": "rename", "t": time.time_ns(), "r": run, "name": check_text(name, "run_name")}
