"""MLflow's search of runs: its grammar, its order, its pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autotrack.core.errors import FilterError
from autotrack.store import schema
from autotrack.store.engines.dialect import TooExpensive, among, time_limit
from autotrack.store.filters import parse_filter, parse_order
from autotrack.store.filters.syntax import And, Compare, Field, In, IsNull, Node, Not, Or, Order
from autotrack.store.search import queries
from autotrack.store.search.latest import latest_runs

from ..calls import Call
from ..errors import invalid
from . import render, wire
from .table import SEARCH, table

ROUTES = table()

RESULTS, MOST = 1000, 50_000
SEARCH_SECONDS = 2.0
#: Tags that the store has a place of its own for.
_OWN = {render.NAME_TAG: "run_name", render.PARENT_TAG: "parent"}


@ROUTES.post("/runs/search", SEARCH, body=wire.SearchRuns)
def search_runs(call: Call) -> dict[str, Any]:
    """Runs of experiments that match a filter, a page of them."""
    body: wire.SearchRuns = call.body
    wanted = wire.items(body.experiment_ids, "experiment_ids")
    most = wire.page_size(body.max_results, "max_results", RESULTS, MOST)
    offset = wire.offset_of(body.page_token)
    lifecycle = wire.lifecycle(body.run_view_type, "run_view_type")
    node = parse_filter(body.filter or "", mlflow=True)
    orders = parse_order(wire.items(body.order_by, "order_by"), mlflow=True)
    if len({(order.field.entity, order.field.key) for order in orders}) != len(orders):
        raise invalid(f"`order_by` contains duplicate fields: {body.order_by}")
    runs = schema.runs
    where: list[queries.Condition] = [among(runs.c.experiment_id, seen(call, wanted))]
    if lifecycle != "all":
        where.append(runs.c.lifecycle == lifecycle)
    with call.services.store.reading() as connection:
        try:
            with time_limit(connection, SEARCH_SECONDS):
                numbers = queries.matching(
                    connection,
                    None if node is None else as_kept(node),
                    [Order(_kept(order.field, sorting=True), order.descending) for order in orders],
                    where,
                    most + 1,
                    offset,
                )
        except TooExpensive as error:
            raise FilterError(str(error), body.filter or "", 0) from error
        found = latest_runs(connection, numbers[:most])
    token = wire.token_of(offset + most) if len(numbers) > most else None
    return render.paged("runs", [render.run(run) for run in found], token)


def seen(call: Call, experiments: Sequence[str]) -> list[str]:
    """Those experiments of whose things the user may see."""
    readable = call.readable
    return [each for each in experiments if readable is None or each in readable]


def as_kept(node: Node) -> Node:
    """A filter about what MLflow has, as one about what the store has."""
    match node:
        case And(items):
            return And(tuple(as_kept(item) for item in items))
        case Or(items):
            return Or(tuple(as_kept(item) for item in items))
        case Not(item):
            return Not(as_kept(item))
        case Compare(Field("attribute", "status") as field, "=" | "!=" as op, "FAILED"):
            both = Compare(field, op, "FAILED"), Compare(field, op, "CRASHED")
            return Or(both) if op == "=" else And(both)
        case Compare(field, op, value):
            return Compare(_kept(field), op, value)
        case In(field, values, negated):
            return In(_kept(field), values, negated)
        case IsNull(field, negated):
            return IsNull(_kept(field), negated)


def _kept(field: Field, *, sorting: bool = False) -> Field:
    if field.entity == "tag" and field.key in _OWN:
        return Field("attribute", _OWN[field.key], field.position)
    if sorting and field.entity == "param":  # MLflow sorts params as texts
        return Field("param_text", field.key, field.position)
    return field
