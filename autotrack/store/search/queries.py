"""Reads runs: which ones match and in what order, then all that is known of them, a few queries for any number."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, not_, select

from autotrack.core.entities import (
    ArtifactRecord,
    Columns,
    DatasetRecord,
    MetricSummary,
    ModelRecord,
    RunRecord,
    Status,
)
from autotrack.core.errors import AmbiguousError, NotFoundError
from autotrack.core.numbers import EXACT

from .. import schema
from ..engines.dialect import among, fetch, in_key_order, same_text
from ..filters.sql import attribute_column, condition, has
from ..filters.subjects import RUNS
from ..filters.syntax import And, Compare, Field, In, Node, Order
from ..series.chunks import decode, decode_into
from ..series.points import Points, floats
from ..series.summaries import value_of

Condition = ColumnElement[bool]
#: Ids bound into one statement.
MANY = 5000
#: Columns of a run that are for keeping house.
UNTOLD = frozenset("writer deleted_with deleted_at begun_at name_at status_at guessed".split())
RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,255}\Z")


def matching(
    connection: Connection,
    node: Node | None,
    orders: Sequence[Order],
    where: Sequence[Condition],
    limit: int,
    offset: int,
) -> list[int]:
    """Numbers of the runs that match, in order: values, then NaN, then missing; ties newest first, then by id."""
    runs = schema.runs
    conditions = [*where, *([condition(node)] if node is not None else [])]
    orders = [Order(_resolved(connection, order.field), order.descending) for order in orders]
    ties = (runs.c.started.desc(), runs.c.id)
    if not orders or orders[0].field.entity != "metric":
        query = _sorted(select(runs.c.n).where(*conditions), [], orders).order_by(*ties)
        return [row[0] for row in fetch(connection, query.limit(limit).offset(offset))]
    found: list[int] = []
    for query, keys in _by_metric(orders[0], node):
        query = query.where(*conditions)
        page = _sorted(query, keys, orders[1:]).order_by(*ties).limit(limit - len(found)).offset(offset)
        rows = [row[0] for row in fetch(connection, page)]
        found.extend(rows)
        if len(found) >= limit:
            break
        if rows or not offset:
            offset = 0
        else:
            offset -= connection.execute(select(func.count()).select_from(query.subquery())).scalar_one()
    return found


def _by_metric(order: Order, node: Node | None) -> Iterator[tuple[Select[Any], list[Any]]]:
    """Queries that yield, one after the other, runs with a value in the index's own order, with NaN, and without."""
    runs, series = schema.runs, schema.series
    joined = (
        select(runs.c.n)
        .join_from(series, runs, runs.c.n == series.c.run)
        .where(same_text(series.c.key, order.field.key))
    )
    value = series.c.last.desc() if order.descending else series.c.last.asc()
    yield joined.where(series.c.last.is_not(None)), [value]
    yield joined.where(series.c.last.is_(None)), []
    if not _needs(node, order.field.key):
        yield select(runs.c.n).where(not_(has(order.field))), []


def _needs(node: Node | None, key: str) -> bool:
    """Whether a filter can only match runs that have this metric."""
    match node:
        case And(items):
            return any(_needs(item, key) for item in items)
        case Compare(field) | In(field):
            return field.entity == "metric" and field.key == key
    return False


def _sorted(query: Select[Any], keys: Sequence[Any], orders: Sequence[Order]) -> Select[Any]:
    """A query of runs sorted by keys and then by orders, what is missing last; what is sorted by is joined to it once,
    for a question a run and key would take several times as long."""
    query = query.order_by(*keys)
    for order in orders:
        keys, joined, on = _sort_keys(order)
        if joined is not None:
            query = query.outerjoin(joined, on)
        query = query.order_by(*keys)
    return query


def _sort_keys(order: Order) -> tuple[list[Any], Any, Any]:
    """What to sort by, and the table that it is in, with what joins that to a run."""
    field, runs = order.field, schema.runs
    if field.entity == "attribute":
        column, kind = RUNS.attribute(field.key) or ("id", "text")
        # Times by the nanosecond also where they are compared by the millisecond.
        key = runs.c[column] if kind == "milliseconds" else attribute_column(field.key)
        return [key.is_(None), key.desc() if order.descending else key.asc()], None, None
    # "param_text": MLflow's searches sort params as the texts that they are.
    tables = {"metric": schema.series, "tag": schema.tags}
    table = tables.get(field.entity, schema.params).alias()
    on = and_(table.c.run == runs.c.n, same_text(table.c.key, field.key))
    if field.entity == "metric":
        value = table.c.last
        rank = case((value.is_not(None), 0), (table.c.run.is_not(None), 1), else_=2)
        return [rank, value.desc() if order.descending else value.asc()], table, on
    text = table.c.value
    keys: list[Any] = [text.is_(None)]
    if field.entity == "param":  # numbers by size and before other texts
        number = table.c.number
        keys += [number.is_(None), number.desc() if order.descending else number.asc()]
    return [*keys, text.desc() if order.descending else text.asc()], table, on


def _resolved(connection: Connection, field: Field) -> Field:
    """A bare name in an order: a metric if any run has such a metric, else a param, else a tag."""
    if field.entity != "bare":
        return field
    for entity, table in (("metric", schema.series), ("param", schema.params)):
        if (
            connection.execute(select(table.c.key).where(same_text(table.c.key, field.key)).limit(1)).first()
            is not None
        ):
            return Field(entity, field.key, field.position)
    return Field("tag", field.key, field.position)


def number_of(connection: Connection, run_id: str) -> int:
    """The number of the run with that id or unique prefix (NotFoundError, AmbiguousError)."""
    runs = schema.runs
    if not RUN_ID.match(run_id):
        raise NotFoundError(f"{run_id[:64]!r} is no run id: ids have letters, digits, - and _")
    exact = connection.execute(select(runs.c.n).where(runs.c.id == run_id)).scalar()
    if exact is not None:
        return int(exact)
    # A range, not LIKE: the index serves it and nothing in the prefix is a wildcard. "{" comes after every letter.
    between = (runs.c.id >= run_id, runs.c.id < f"{run_id}{{")
    rows = connection.execute(select(runs.c.n, runs.c.id).where(*between).order_by(runs.c.id).limit(6)).all()
    if not rows:
        raise NotFoundError(f"no run's id is or begins with {run_id[:64]!r}; `autotrack runs list` shows them")
    if len(rows) > 1:
        names = ", ".join(row.id[:12] for row in rows[:5]) + (", ..." if len(rows) > 5 else "")
        raise AmbiguousError(f"{run_id!r} is the beginning of several runs' ids ({names}): give more of it")
    return int(rows[0].n)


def load(connection: Connection, numbers: Sequence[int]) -> list[RunRecord]:
    """Everything that is known of runs but their points, in the order asked for."""
    if len(numbers) > MANY:
        pieces = (load(connection, numbers[start : start + MANY]) for start in range(0, len(numbers), MANY))
        return [run for piece in pieces for run in piece]
    if not numbers:
        return []
    runs, experiments = schema.runs, schema.experiments
    columns = [column for column in runs.columns if column.name not in UNTOLD]
    query = select(*columns, experiments.c.name).join(experiments, experiments.c.id == runs.c.experiment_id)
    rows = {row[0]: row for row in fetch(connection, query.where(among(runs.c.n, numbers)))}
    params = _texts(connection, schema.params, numbers)
    tags = _texts(connection, schema.tags, numbers)
    metrics = _metrics(connection, numbers)
    datasets = _things(connection, schema.datasets, numbers, _dataset)
    artifacts = _things(connection, schema.artifacts, numbers, lambda row: ArtifactRecord(*row[1:]))
    models = _things(connection, schema.models, numbers, lambda row: ModelRecord(*row[1:]))
    names = [column.name for column in columns]
    at = {name: names.index(name) for name in names}
    records = []
    for number in numbers:
        row = rows.get(number)
        if row is None:
            continue
        records.append(
            RunRecord(
                id=row[at["id"]],
                name=row[at["name"]],
                experiment_id=row[at["experiment_id"]],
                experiment=row[-1],
                status=STATUS[row[at["status"]]],
                started=row[at["started"]],
                ended=row[at["ended"]],
                last_seen=row[at["last_seen"]],
                session=row[at["session"]],
                parent=row[at["parent"]],
                user=row[at["user"]],
                lifecycle=row[at["lifecycle"]],
                artifact_uri=row[at["artifact_uri"]],
                error=row[at["error"]],
                exit_code=row[at["exit_code"]],
                random_state=row[at["random_state"]],
                params=params.get(number, {}),
                metrics=metrics.get(number, {}),
                tags=tags.get(number, {}),
                datasets=datasets.get(number, ()),
                artifacts=artifacts.get(number, ()),
                models=models.get(number, ()),
                health=json.loads(row[at["health"]]) if row[at["health"]] else {},
            )
        )
    return records


STATUS = {str(status): status for status in Status}


def _texts(connection: Connection, table: Any, numbers: Sequence[int]) -> dict[int, dict[str, str]]:
    found: dict[int, dict[str, str]] = {number: {} for number in numbers}
    query = select(table.c.run, table.c.key, table.c.value).where(among(table.c.run, numbers))
    for number, key, value in fetch(connection, in_key_order(connection, query, table)):
        found[number][key] = value
    return found


def _metrics(connection: Connection, numbers: Sequence[int]) -> dict[int, dict[str, float | int]]:
    table = schema.series
    found: dict[int, dict[str, float | int]] = {number: {} for number in numbers}
    query = select(table.c.run, table.c.key, table.c.last_bits, table.c.last_int).where(among(table.c.run, numbers))
    rows = fetch(connection, in_key_order(connection, query, table))
    # All floats at once; the few exact integers are put right after.
    values = floats([row[2] for row in rows])
    for (number, key, bits, is_int), value in zip(rows, values, strict=True):
        found[number][key] = bits if is_int else value
    return found


def _things(connection: Connection, table: Any, numbers: Sequence[int], make: Any) -> dict[int, tuple[Any, ...]]:
    found: dict[int, list[Any]] = {}
    query = select(table).where(among(table.c.run, numbers))
    for row in fetch(connection, in_key_order(connection, query, table)):
        found.setdefault(row[0], []).append(make(row))
    return {number: tuple(things) for number, things in found.items()}


def _dataset(row: Sequence[Any]) -> DatasetRecord:
    _, name, digest, context, rows, columns, *rest = row
    return DatasetRecord(name, context, digest, rows, json.loads(columns) if columns else {}, *rest)


def history(connection: Connection, number: int, key: str) -> Columns | None:
    """All points of one metric of a run, by step and then arrival; None where the run has no such metric."""
    import numpy as np

    series, chunks = schema.series, schema.chunks
    row = connection.execute(select(series).where(series.c.run == number, same_text(series.c.key, key))).first()
    if row is None:
        return None
    if row.chunks == 0:
        value = np.array([row.last_bits], dtype=np.int64)
        step, moment = (np.array([item], dtype=np.int64) for item in (row.last_step, row.last_time))
        return Columns(step, moment, value if row.last_int else value.view(np.float64))
    query = select(chunks.c.count, chunks.c.data).where(chunks.c.series == row.id).order_by(chunks.c.n)
    stored = fetch(connection, query)
    total = sum(count for count, _ in stored)
    steps, times, bits = (np.empty(total, dtype=np.int64) for _ in range(3))
    kinds: list[tuple[int, int, bool]] = []
    start = 0
    for count, data in stored:
        end = start + count
        kinds.append((start, end, decode_into(data, steps[start:end], times[start:end], bits[start:end])))
        start = end
    values = _typed(bits, kinds)
    if total > 1 and not (steps[1:] >= steps[:-1]).all():
        order = np.argsort(steps, kind="stable")
        steps, times, values = steps[order], times[order], values[order]
    return Columns(steps, times, values)


def _typed(bits: Any, kinds: Sequence[tuple[int, int, bool]]) -> Any:
    """Value bits as one array: int64 or float64, or objects where the series has both."""
    if not any(is_int for _, _, is_int in kinds):
        return bits.view("<f8")
    if all(is_int for _, _, is_int in kinds):
        return bits
    import numpy as np

    values = np.empty(len(bits), dtype=object)
    for start, end, is_int in kinds:
        piece = bits[start:end]
        values[start:end] = (piece if is_int else piece.view(np.float64)).tolist()
    return values


def summaries(connection: Connection, number: int) -> list[MetricSummary]:
    """What is known of each metric of a run without its points, by key."""
    table = schema.series
    rows = connection.execute(select(table).where(table.c.run == number).order_by(table.c.key)).mappings().all()
    found = []
    for row in rows:
        low, high = _ends(connection, row)
        last = value_of(row["last_bits"], bool(row["last_int"]))
        found.append(MetricSummary(row["key"], last, row["last_step"], row["last_time"], low, high, row["count"]))
    return found


def _ends(connection: Connection, row: Any) -> tuple[float | int | None, float | int | None]:
    """The smallest and the largest value of a series. Its row has them as float64, for searches: integers that those
    do not hold are looked up among the points."""
    low, high = row["low"], row["high"]
    if not any(end is not None and EXACT <= abs(end) <= 2**63 for end in (low, high)):
        return low, high
    if row["chunks"] == 0:
        only = value_of(row["last_bits"], bool(row["last_int"]))
        return only, only
    chunks = schema.chunks
    stored = fetch(connection, select(chunks.c.data).where(chunks.c.series == row["id"]))
    found = [value for (data,) in stored for value in _ends_of(decode(bytes(data)))]
    return min(found), max(found)


def _ends_of(points: Points) -> list[float | int]:
    """The smallest and the largest of some values, as they are; none where all are NaN."""
    values = points.values()
    if isinstance(values, (list, tuple)):
        numbers = [value for value in values if value == value]
        return [min(numbers), max(numbers)] if numbers else []
    there = values[values == values]
    return [there.min().item(), there.max().item()] if len(there) else []
