"""Runs: searched, read, made, written to and ended."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Annotated, Any, Literal

from msgspec import Meta, field

from autotrack.core.entities import RunRecord
from autotrack.core.errors import ConflictError, NotFoundError, UsageError
from autotrack.core.guard import attempt
from autotrack.core.journal.records import DEFAULT_EXPERIMENT
from autotrack.core.keys import is_run_id, new_id, number
from autotrack.core.runs.names import run_name
from autotrack.core.wire import encoded
from autotrack.store.intake.direct import Change, Standing
from autotrack.store.series.points import Points
from autotrack.store.series.summaries import bits_of

from .. import limits
from ..calls import Call
from ..errors import ApiError
from ..routing import Role, Table
from . import forms
from .pages import offset_of, token
from .permissions import READ_RUN, SEARCH, WRITE, WRITE_RUN
from .visible import visible

ROUTES = Table("/api/v1")
Record = Mapping[str, Any]


class Search(forms.Body):
    """A search. ``experiment``: names or ids; ``order_by``: ``metrics.loss DESC``, ``start_time``, ..."""

    filter: forms.Filter = ""
    experiment: list[forms.Name] | None = None
    order_by: list[forms.Filter] = field(default_factory=list)
    max_results: forms.Page = 100
    page_token: Annotated[str, Meta(max_length=200)] | None = None
    #: Rows that are left out at the beginning, where there is no token.
    offset: forms.Count = 0
    lifecycle: forms.Lifecycle = "active"
    #: Only the children of this run.
    children_of: forms.Reference | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """Runs, and the token of the next page, where there is one."""

    runs: list[RunRecord]
    next_page_token: str | None


@ROUTES.get("/runs", SEARCH, query=Search, answer=Found)
def list_runs(call: Call) -> dict[str, Any]:
    """Runs that match a filter, newest first unless ordered."""
    return _search(call, call.query)


@ROUTES.post("/runs/search", SEARCH, body=Search, answer=Found)
def search_runs(call: Call) -> dict[str, Any]:
    """The same for a search that is too long for a URL."""
    return _search(call, call.body)


def _search(call: Call, search: Search) -> dict[str, Any]:
    what = [search.filter, search.experiment, search.order_by, search.lifecycle, search.children_of]
    start = search.offset if search.page_token is None else offset_of(search.page_token, what)
    found = visible(call).runs(
        search.filter,
        experiments=search.experiment,
        order_by=search.order_by,
        max_results=search.max_results + 1,
        offset=start,
        lifecycle=search.lifecycle,
        children_of=search.children_of,
    )
    end = start + search.max_results
    more = len(found) > search.max_results
    return {
        "runs": [encoded(run) for run in found[: search.max_results]],
        "next_page_token": token(what, end) if more else None,
    }


class RunsOf(forms.Body):
    """Sessions by their ids, data sets by their digests, artifacts by their contents (sha256)."""

    sessions: list[forms.Reference] = field(default_factory=list)
    datasets: list[forms.Text] = field(default_factory=list)
    contents: list[forms.Digest] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Runs:
    runs: list[RunRecord]


@ROUTES.post("/runs/with", SEARCH, body=RunsOf, answer=Runs, limit=limits.BATCH)
def runs_with(call: Call) -> dict[str, Any]:
    """Runs, newest first, of these sessions, with one of these data sets, or with an artifact of these contents."""
    body: RunsOf = call.body
    found = visible(call).runs_with(sessions=body.sessions, datasets=body.datasets, contents=body.contents)
    return {"runs": [encoded(run) for run in found]}


@ROUTES.get("/runs/{run}", READ_RUN, answer=RunRecord)
def get_run(call: Call) -> dict[str, Any]:
    """A run, by its id or a beginning of it that is no other run's."""
    return encoded(visible(call).run(call.path["run"]))


class NewRun(forms.Body):
    """A new run. ``id`` is the sender's where it gives one: then it may send this twice. Times in nanoseconds."""

    id: forms.Identity | None = None
    name: forms.Name | None = None
    #: By name; one that is not there yet is made.
    experiment: forms.Name = DEFAULT_EXPERIMENT
    parent: forms.Identity | None = None
    session: forms.Identity | None = None
    user: forms.Text | None = None
    started: forms.Int64 | None = None
    params: forms.Texts = field(default_factory=dict)
    tags: forms.Texts = field(default_factory=dict)


@ROUTES.post("/runs", WRITE, body=NewRun, answer=RunRecord, status=201)
async def create_run(call: Call) -> dict[str, Any]:
    """Makes a run that runs until it is finished."""
    body: NewRun = call.body
    folder = await asyncio.to_thread(_open_experiment, call, body.experiment)
    run, now = body.id or new_id(), time.time_ns()
    name = body.name or run_name(run)
    start = {
        "k": "run_start",
        "t": now if body.started is None else body.started,
        "r": run,
        "name": name,
        "experiment": body.experiment,
        "parent": body.parent,
        "session": body.session,
        "user": body.user,
        "artifact_uri": f"artifacts/{folder}/{run}",
        "random_state": None,
        "tags": body.tags,
    }

    def prepare(standing: Standing) -> Sequence[Record]:
        try:
            there = standing.run(run)
        except NotFoundError:
            return [start, *([{"k": "params", "t": now, "r": run, "params": body.params}] if body.params else [])]
        if there.name != name or (folder, body.started or there.started) != (there.experiment_id, there.started):
            raise ConflictError(f"there is a run {run} already, and it is another one ({there.name[:80]!r})")
        return []

    await call.services.write(Change(run, prepare))
    return encoded(await asyncio.to_thread(call.services.store.run, run))


def _open_experiment(call: Call, name: str) -> str:
    """The id of the experiment that a run of this user may be made in."""
    for found in call.services.store.experiments("all"):
        if found.name == name:
            call.require(Role.EDITOR, found.id)
            if found.lifecycle != "active":
                raise ConflictError(f"the experiment {name[:80]!r} is deleted: restore it, or take another name")
            return found.id
    if call.writable is not None:
        raise ApiError(403, "PERMISSION_DENIED", f"you may not make an experiment {name[:80]!r}, and there is none")
    made, error = attempt(call.services.store.create_experiment, name)
    if made is not None:
        return made.id
    if not isinstance(error, UsageError):
        raise error or NotFoundError(name)
    return _open_experiment(call, name)  # somebody else has made it in between


class Series(forms.Body):
    """Points of one metric, in the order in which they were logged: lists of one length.

    Times in nanoseconds; microseconds of them are kept.
    """

    key: forms.Key
    values: list[forms.Number]
    #: By default 0, and the time at which they come.
    steps: list[forms.Int64] | None = None
    timestamps: list[forms.Int64] | None = None


class Log(forms.Body):
    """What is to be written to a run: all of it, or nothing."""

    params: forms.Texts = field(default_factory=dict)
    tags: forms.Texts = field(default_factory=dict)
    #: Keys of tags that are taken away.
    untag: list[forms.Key] = field(default_factory=list)
    metrics: list[Series] = field(default_factory=list)


@ROUTES.post("/runs/{run}/log", WRITE_RUN, body=Log, limit=limits.BATCH)
async def log(call: Call) -> None:
    """Writes params, tags and points to a run. Answered when they are stored."""
    body: Log = call.body
    run, now = await _whole(call), time.time_ns()
    points = [pair for series in body.metrics for pair in _points(series, now)]
    records: list[Record] = []
    if body.params:
        records.append({"k": "params", "t": now, "r": run, "params": body.params})
    if body.tags:
        records.append({"k": "tags", "t": now, "r": run, "tags": body.tags})
    if body.untag:
        records.append({"k": "untag", "t": now, "r": run, "keys": body.untag})

    def prepare(standing: Standing) -> Sequence[Record]:
        _check_active(standing, run)
        return records

    await call.services.write(Change(run, prepare, points, also=call.also))


def _points(series: Series, now: int) -> list[tuple[str, Points]]:
    count = len(series.values)
    steps = [0] * count if series.steps is None else series.steps
    times = [now] * count if series.timestamps is None else series.timestamps
    if not len(steps) == len(times) == count:
        raise ApiError(422, "INVALID_PARAMETER_VALUE", f"the lists of {series.key[:80]!r} are not of one length")
    values = [number(float(value) if isinstance(value, str) else value) for value in series.values]
    parts = []
    for dtype, group in groupby(range(count), lambda at: values[at][0]):
        is_int, places = dtype == "i8", list(group)
        bits = [bits_of(values[at][1], is_int=is_int) for at in places]
        part = ([steps[at] for at in places], [times[at] for at in places], bits)
        parts.append((series.key, Points.of(part, is_int=is_int)))
    return parts


class Finish(forms.Body):
    """How a run ended, and when (nanoseconds; by default now)."""

    status: Literal["FINISHED", "FAILED", "KILLED", "CRASHED"] = "FINISHED"
    ended: forms.Int64 | None = None
    error: forms.Text | None = None
    exit_code: Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)] | None = None


@ROUTES.post("/runs/{run}/finish", WRITE_RUN, body=Finish, answer=RunRecord)
async def finish(call: Call) -> dict[str, Any]:
    """Ends a run."""
    body: Finish = call.body
    run, now = await _whole(call), time.time_ns()
    ended = now if body.ended is None else body.ended
    end = {"status": body.status, "ended": ended, "error": body.error, "exit_code": body.exit_code}
    return await _written(call, run, [{"k": "run_end", "t": now, "r": run, **end}])


class RenameRun(forms.Body):
    name: forms.Name


@ROUTES.patch("/runs/{run}", WRITE_RUN, body=RenameRun, answer=RunRecord)
async def rename(call: Call) -> dict[str, Any]:
    """Gives a run another name."""
    run = await _whole(call)
    return await _written(call, run, [{"k": "rename", "t": time.time_ns(), "r": run, "name": call.body.name}])


async def _written(call: Call, run: str, records: Sequence[Record]) -> dict[str, Any]:
    def prepare(standing: Standing) -> Sequence[Record]:
        _check_active(standing, run)
        return records

    await call.services.write(Change(run, prepare))
    return encoded(await asyncio.to_thread(call.services.store.run, run))


@dataclass(frozen=True, slots=True)
class Changed:
    """How many runs it was, children included."""

    count: int


@ROUTES.delete("/runs/{run}", WRITE_RUN, answer=Changed)
def delete(call: Call) -> Changed:
    """Deletes a run softly, with its children."""
    store = call.services.store
    return Changed(store.delete_runs([store.run(call.path["run"]).id]))


@ROUTES.post("/runs/{run}/restore", WRITE_RUN, answer=Changed)
def restore(call: Call) -> Changed:
    """Brings a deleted run back, with the children that went with it."""
    store = call.services.store
    return Changed(store.restore_runs([store.run(call.path["run"]).id]))


async def _whole(call: Call) -> str:
    """The whole id of the run that is written to."""
    run = call.path["run"]
    return run if is_run_id(run) else (await asyncio.to_thread(call.services.store.run, run)).id


def _check_active(standing: Standing, run: str) -> None:
    if standing.run(run).lifecycle != "active":
        raise ConflictError(f"the run {run} is deleted: restore it before something is written to it")
