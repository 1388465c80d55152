"""Many runs changed in one request, each with what undoes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from msgspec import Meta, field
from sqlalchemy import Connection, select

from autotrack.core.errors import UsageError
from autotrack.store import bulk, schema
from autotrack.store.engines.dialect import among, fetch
from autotrack.store.search.places import Place, places_of
from autotrack.store.search.sets import window

from .. import limits
from ..calls import Call
from ..routing import Role, Table
from . import forms
from .permissions import WRITE
from .table import Rows, Scene, Where, experiments_of
from .visible import seen

ROUTES = Table("/api/v1")
#: Runs of one request.
MOST = 100_000


class Selected(forms.Body):
    """Either ``ids``, or all runs of ``exp`` that match ``where``, but for those in ``but`` (ids)."""

    ids: Annotated[list[forms.Reference], Meta(max_length=MOST)] | None = None
    exp: list[forms.Reference] = field(default_factory=list)
    where: Where = ""
    but: Annotated[list[forms.Reference], Meta(max_length=MOST)] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Done:
    """``count``: how many runs it was, those below included. ``undo``: bodies to be sent to ``undo_path``, which make
    it undone."""

    count: int
    undo_path: str
    undo: list[dict[str, Any]]


@ROUTES.post("/runs/delete", WRITE, body=Selected, answer=Done, limit=limits.BATCH)
def delete(call: Call) -> Done:
    """Deletes runs softly, with what is below them."""
    ids = _selected(call, "active")
    return Done(
        call.services.store.write(lambda connection: bulk.delete_runs(connection, ids)),
        "/api/v1/runs/restore",
        _of(ids),
    )


@ROUTES.post("/runs/restore", WRITE, body=Selected, answer=Done, limit=limits.BATCH)
def restore(call: Call) -> Done:
    """Brings deleted runs back, with what went with them."""
    ids = _selected(call, "deleted")
    return Done(
        call.services.store.write(lambda connection: bulk.restore_runs(connection, ids)),
        "/api/v1/runs/delete",
        _of(ids),
    )


class Tagged(Selected):
    """Tags to set, and keys of those to take away."""

    set: forms.Texts = field(default_factory=dict)
    remove: list[forms.Key] = field(default_factory=list)


@ROUTES.post("/runs/tags", WRITE, body=Tagged, answer=Done, limit=limits.BATCH)
def tag(call: Call) -> Done:
    """Sets and takes away tags of runs."""
    ids, body = _selected(call, "active"), call.body
    before = call.services.store.write(lambda connection: bulk.tag_runs(connection, ids, body.set, body.remove))
    undo = [{"ids": each.ids, "set": each.set, "remove": each.remove} for each in before]
    return Done(sum(len(each.ids) for each in before), "/api/v1/runs/tags", undo)


class Moved(Selected, kw_only=True):
    """Another experiment, by id or name."""

    experiment: forms.Reference


@ROUTES.post("/runs/move", WRITE, body=Moved, answer=Done, limit=limits.BATCH)
def move(call: Call) -> Done:
    """Moves runs to another experiment, with what is below them."""
    ids = _selected(call, "active")
    with call.services.store.reading() as connection:
        (target,) = experiments_of(connection, call.readable, [call.body.experiment])
    call.require(Role.EDITOR, target.id)
    if target.lifecycle != "active":
        raise UsageError(f"the experiment {target.name[:80]!r} is deleted: restore it before runs are moved there")
    before = call.services.store.write(lambda connection: bulk.move_runs(connection, ids, target.id))
    undo = [{"ids": some, "experiment": experiment} for experiment, some in before.items()]
    return Done(sum(len(some) for some in before.values()), "/api/v1/runs/move", undo)


def _of(ids: list[str]) -> list[dict[str, Any]]:
    return [{"ids": ids}] if ids else []


def _selected(call: Call, lifecycle: str) -> list[str]:
    """The ids of the runs that are meant and stand like that (NotFoundError, ApiError 403 where one may not be)."""
    body: Selected = call.body
    if body.ids is None and not body.exp:
        raise UsageError("say which runs: ids, or exp, which may go with where")
    with call.services.store.reading() as connection:
        if body.ids is not None:
            places = seen(call, places_of(connection, body.ids))
        else:
            scene = Scene(call, connection, Rows(exp=body.exp, where=body.where, lifecycle=lifecycle))  # type: ignore[arg-type]
            places = _places(connection, window(connection, scene.runs, [], limit=MOST + 1, offset=0))
            if len(places) > MOST:
                raise UsageError(f"more than {MOST:,} runs match: change fewer of them at once")
        for experiment in {each.experiment_id for each in places}:
            call.require(Role.EDITOR, experiment)
        left = {each.id for each in seen(call, places_of(connection, body.but))}
        runs = schema.runs
        standing = select(runs.c.id).where(
            among(runs.c.id, [each.id for each in places]), runs.c.lifecycle == lifecycle
        )
        kept = {str(row[0]) for row in fetch(connection, standing)} - left
    return [each.id for each in places if each.id in kept]


def _places(connection: Connection, numbers: list[int]) -> list[Place]:
    runs = schema.runs
    query = select(runs.c.n, runs.c.id, runs.c.experiment_id).where(among(runs.c.n, numbers))
    return [Place(*row) for row in fetch(connection, query)]
