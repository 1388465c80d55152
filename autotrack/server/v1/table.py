"""The table of runs, as pages show it: a window of rows by column, or groups of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any

from msgspec import Meta, field
from sqlalchemy import Connection

from autotrack.core.entities import Experiment
from autotrack.core.errors import FilterError, NotFoundError
from autotrack.core.wire import number, plain
from autotrack.store.database import SEARCH_SECONDS
from autotrack.store.engines.dialect import TooExpensive, time_limit
from autotrack.store.experiments import EVERY, selected
from autotrack.store.filters.syntax import Field, Node
from autotrack.store.filters.typed import bare_names, parse_typed, resolved
from autotrack.store.intake.numbers import as_number
from autotrack.store.search.groups import Group, groups
from autotrack.store.search.keys import MOST as MOST_LOOKED_AT
from autotrack.store.search.places import places_of
from autotrack.store.search.sets import RunSet, count, numbers_of, opened, revision, window
from autotrack.store.search.values import columns_of, ids_of, names_of

from .. import limits
from ..answers import Answer, encode
from ..calls import Call
from ..errors import FILTER, TOO_EXPENSIVE, ApiError, body_of
from ..routing import Table as Routes
from . import forms
from .columns import Chooser, Chosen, Columns, chosen, known_to, orders, shown, spelled
from .permissions import SEARCH
from .visible import seen

ROUTES = Routes("/api/v1")
#: Columns that every table has.
ALWAYS = tuple(Field("attribute", name, 0) for name in ("name", "status", "start", "end"))
#: Rows of one window: as many lines as a chart of runs has.
MOST = 10_000
#: Runs that may be asked for by their ids, or shown open, in one request.
IDS = 1000

Where = Annotated[str, Meta(max_length=limits.FILTER, pattern=forms.TEXT)]
Ids = Annotated[str, Meta(max_length=34 * IDS, pattern="^[A-Za-z0-9_,-]*$")]


class Rows(forms.Query):
    """Which runs. ``exp``: experiments by id, beginning of an id, or name; by default all that the user may see.

    ``where``: a filter (``val_loss < 0.1 and p.optimizer = 'adam'``), or words that names have in them.
    """

    exp: list[forms.Reference] = field(default_factory=list)
    where: Where = ""
    lifecycle: forms.Lifecycle = "active"
    #: Only the children of this run.
    parent: forms.Reference | None = None


class Shown(Rows):
    """``cols`` and ``sort``: ``m.KEY``, ``p.KEY``, ``t.KEY`` or an attribute, with commas; ``-`` sorts downwards.

    ``tree=1``: only runs whose parent is not in the table; those of ``open`` (ids) are followed by their children.
    """

    sort: Columns = ""
    cols: Columns | None = None
    group: Columns | None = None
    tree: bool = False
    open: Ids = ""
    #: These runs alone, by their ids or unique beginnings of them, in this order, whether they match or not.
    ids: Ids | None = None
    offset: forms.Count = 0
    limit: Annotated[int, Meta(ge=1, le=MOST)] = 200


@dataclass(frozen=True, slots=True)
class Unknown:
    """A name in a filter that no run here has anything under, and names that are like it."""

    name: str
    position: int
    similar: list[str]


@dataclass(frozen=True, slots=True)
class Window:
    """Rows by column, or ``groups``. ``total``: runs that match, ``rows``: rows that ``offset`` may count through."""

    rev: str
    total: int
    offset: int
    rows: int
    top: int | None = None
    ids: tuple[str, ...] = ()
    depth: tuple[int, ...] = ()
    cols: dict[str, list[Any]] | None = None
    groups: tuple[Group, ...] = ()
    chosen: Chosen | None = None
    unknown: tuple[Unknown, ...] = ()


@ROUTES.get("/table", SEARCH, query=Shown, answer=Window)
def table(call: Call) -> Any:
    """A window of the runs that match, by column; without ``cols``, with the columns that tell most."""
    return answered(call, _table)


@ROUTES.get("/columns", SEARCH, query=Rows, answer=Chosen)
def columns(call: Call) -> Any:
    """The keys that the runs which match have, and which of them tell most."""
    return answered(call, _columns)


class Scene:
    """What a request for a table is about: the runs, the experiments that they are of, and what is known of those."""

    def __init__(self, call: Call, connection: Connection, rows: Rows) -> None:
        self.connection = connection
        self.chooser: Chooser = call.services.extra.setdefault("chooser", Chooser())
        self.experiments = experiments_of(connection, call.readable, rows.exp)
        everything = not rows.exp and call.readable is None
        ids = None if everything else tuple(each.id for each in self.experiments)
        parent = None
        if rows.parent is not None:
            parent = seen(call, places_of(connection, [rows.parent]))[0].id
        self.revision = revision(connection, ids)
        self.unfiltered = RunSet(ids, None, rows.lifecycle, parent)
        self.unknown: list[Unknown] = []
        self.runs = RunSet(ids, self._filter(rows.where), rows.lifecycle, parent)

    def chosen(self) -> Chosen:
        """The columns that tell most of the runs that match."""
        return chosen(self.chooser.keys(self.connection, self.runs, self.revision), self.experiments)

    def _filter(self, where: str) -> Node | None:
        node = parse_typed(where)
        names = list(bare_names(node))
        if node is None or not names:
            return node if node is None else resolved(node, {})
        keys = self.chooser.keys(self.connection, self.unfiltered, self.revision)
        known = known_to(keys)
        there = {key for keys in known.values() for key in keys}
        for each in names:
            if each.key not in there and keys.runs < MOST_LOOKED_AT:
                similar = get_close_matches(each.key, list(there)[:2000], 3)
                self.unknown.append(Unknown(each.key, each.position, similar))
        return resolved(node, known)


def _table(scene: Scene, asked: Shown) -> Any:
    connection, runs = scene.connection, scene.runs
    told = scene.chosen() if asked.cols is None else None
    fields = shown(",".join(_quoted(each) for each in told.cols) if told is not None else asked.cols or "")
    head: dict[str, Any] = {"rev": scene.revision, "total": count(connection, runs), "offset": asked.offset}
    if asked.group is not None:
        head |= _grouped(scene, asked, fields)
    else:
        numbers, more = _numbers(scene, asked, head["total"])
        wanted = list(dict.fromkeys((*ALWAYS, *fields, *([_CHILDREN] if asked.tree else []))))
        found = columns_of(connection, numbers, wanted, runs)
        cols = {spelled(each): _said(each, column) for each, column in zip(wanted, found, strict=True)}
        head |= more | {"ids": ids_of(connection, numbers), "cols": cols}
    if told is not None:
        head["chosen"] = told
    if scene.unknown:
        head["unknown"] = scene.unknown
    return head


_PARENT = Field("attribute", "parent", 0)
_CHILDREN = Field("attribute", "children", 0)


def _numbers(scene: Scene, asked: Shown, total: int) -> tuple[list[int], dict[str, Any]]:
    """The numbers of the window's runs, and what else there is to say of the rows."""
    connection, runs, sort = scene.connection, scene.runs, orders(asked.sort)
    if asked.ids is not None:
        numbers = numbers_of(connection, scene.unfiltered, [each for each in asked.ids.split(",")[:IDS] if each])
        return numbers, {"rows": len(numbers)}
    end = asked.offset + asked.limit
    if not asked.tree:
        return window(connection, runs, sort, limit=asked.limit, offset=asked.offset), {"rows": total}
    top = count(connection, runs, at_top=True)
    parents = [each for each in asked.open.split(",")[:IDS] if each]
    if parents:
        numbers, depths = opened(connection, runs, sort, parents)
        part = slice(asked.offset, end)
        return numbers[part], {"rows": len(numbers), "top": top, "depth": depths[part]}
    numbers = window(connection, runs, sort, limit=asked.limit, offset=asked.offset, at_top=True)
    return numbers, {"rows": top, "top": top, "depth": [0] * len(numbers)}


def _grouped(scene: Scene, asked: Shown, fields: Sequence[Field]) -> dict[str, Any]:
    by = shown_one(asked.group or "")
    metrics = [each.key for each in fields if each.entity == "metric"]
    found = groups(scene.connection, scene.runs, by, metrics)
    for each in found:
        each.metrics = {f"m.{key}": spread for key, spread in each.metrics.items()}
    natural = _natural if by.entity != "attribute" else _alphabetical
    found.sort(key=lambda each: natural(each.value))
    for order in reversed(orders(asked.sort)):
        if order.field.entity == "metric":
            _sort(found, f"m.{order.field.key}", order.descending)
        elif (order.field.entity, order.field.key) == (by.entity, by.key) and order.descending:
            found.sort(key=lambda each: natural(each.value), reverse=True)
            found.sort(key=lambda each: each.value is None)
    part = found[asked.offset : asked.offset + asked.limit]
    if by == _PARENT:
        names = names_of(scene.connection, [each.value for each in part if each.value is not None])
        for each in part:
            each.label = names.get(each.value or "")
    return {"rows": len(found), "groups": [plain(each) for each in part]}


def _sort(found: list[Group], column: str, descending: bool) -> None:
    sign = -1 if descending else 1
    found.sort(
        key=lambda each: (column not in each.metrics, sign * each.metrics[column].mean if column in each.metrics else 0)
    )


def _natural(value: str | None) -> tuple[int, float, str]:
    """Numbers by size before other texts, nothing last."""
    if value is None:
        return 2, 0.0, ""
    size = as_number(value)
    return (1, 0.0, value) if size is None else (0, size, value)


def _alphabetical(value: str | None) -> tuple[int, float, str]:
    return (2, 0.0, "") if value is None else (1, 0.0, value)


def shown_one(text: str) -> Field:
    """The one column that somebody asks for."""
    found = shown(text)
    if len(found) != 1:
        raise ApiError(422, "INVALID_PARAMETER_VALUE", "runs are grouped by one column")
    return found[0]


def _quoted(name: str) -> str:
    kind, dot, key = name.partition(".")
    return f"{kind}.`{key.replace('`', '``')}`" if dot and kind in "mpt" else name


def _said(column: Field, values: list[Any]) -> list[Any]:
    if column.entity != "metric":
        return values
    return [number(value) if isinstance(value, float) else value for value in values]


def _columns(scene: Scene, asked: Rows) -> Chosen:
    return scene.chosen()


def experiments_of(connection: Connection, readable: Collection[str] | None, wanted: Sequence[str]) -> list[Experiment]:
    """The experiments that somebody means, by id, name, or the beginning of an id; all that he may see where he names
    none (NotFoundError). Their runs are not counted."""
    known = [each for each in selected(connection, EVERY) if readable is None or each.id in readable]
    if not wanted:
        return known
    by_id, by_name = ({getattr(each, name): each for each in known} for name in ("id", "name"))
    found = {}
    for each in wanted:
        one = by_id.get(each) or by_name.get(each)
        if one is None:
            beginning = [experiment for experiment in known if experiment.id.startswith(each)]
            if len(beginning) != 1:
                raise NotFoundError(f"there is no experiment {each[:80]!r}")
            one = beginning[0]
        found[one.id] = one
    return list(found.values())


def answered(call: Call, function: Any, seconds: float = SEARCH_SECONDS) -> Any:
    """What a function makes of the request; what is wrong with a filter is said with its place in it."""
    rows: Rows = call.query
    try:
        with call.services.store.reading() as connection:
            try:
                with time_limit(connection, seconds):
                    return function(Scene(call, connection, rows), rows)
            except TooExpensive as error:  # nothing is wrong with the filter: no place in it to name
                why = f"finding these runs took longer than {seconds:g} s and was stopped; filter for fewer of them"
                raise ApiError(503, TOO_EXPENSIVE, why) from error
    except FilterError as error:
        details = {"filter": error.text, "position": error.position}
        said = body_of(ApiError(400, FILTER, str(error), details=details))
        return Answer(encode({"error": error.reason, "position": error.position, **said}), 400)
