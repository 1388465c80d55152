"""Models that runs have logged, in a database (see ``core.registered.LoggedModels``)."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, insert, select, update

from autotrack.core import keys
from autotrack.core.errors import ConflictError, FilterError, NotFoundError, UsageError
from autotrack.core.registered import LoggedMetric, LoggedModel

from .. import schema
from ..engines.dialect import upsert, whole
from ..filters import parse_filter
from ..filters.plain import Rows
from ..filters.sql import COMPARISONS
from ..filters.subjects import LOGGED_MODELS
from ..filters.syntax import And, Compare, Node
from ..schema import model_tables as tables
from ..series.summaries import bits_of, value_of
from .names import Transaction

MODELS, PARAMS, TAGS = tables.logged_models, tables.logged_model_params, tables.logged_model_tags
METRICS, LINKS = tables.logged_model_metrics, tables.run_models

STATUSES = ("PENDING", "READY", "UPLOAD_FAILED")
#: Models that one search looks at: conditions and orders by metrics are decided one by one.
MOST = 50_000
_ID = re.compile(r"[A-Za-z0-9][\w-]{0,63}", re.ASCII)

_ROWS = Rows(
    LOGGED_MODELS,
    {column.name: column for column in MODELS.columns},
    {"param": (PARAMS, PARAMS.c.model == MODELS.c.id), "tag": (TAGS, TAGS.c.model == MODELS.c.id)},
)


class StoredLoggedModels:
    """The logged models of one database."""

    def __init__(self, reading: Transaction, writing: Transaction) -> None:
        self._reading = reading
        self._writing = writing

    @whole
    def create(self, model: LoggedModel) -> LoggedModel:
        """Adds a model (UsageError, ConflictError, NotFoundError where its experiment is not there)."""
        if not _ID.fullmatch(model.id):
            raise UsageError(f"{model.id[:80]!r} is no model's id: letters, digits, _ and -, at most 64")
        now = time.time_ns()
        kept = "id experiment_id model_type run status status_message lifecycle".split()
        row: dict[str, Any] = {name: getattr(model, name) for name in kept}
        row |= {"name": keys.check_name(model.name, "model's name"), "status": _status(model.status)}
        with self._writing() as connection:
            table = schema.experiments
            there = select(table.c.id).where(table.c.id == model.experiment_id)
            if connection.execute(there).first() is None:
                raise NotFoundError(f"No Experiment with id={model.experiment_id[:64]} exists")
            if connection.execute(select(MODELS.c.id).where(MODELS.c.id == model.id)).first() is not None:
                raise ConflictError(f"a logged model {model.id} is there already")
            connection.execute(insert(MODELS).values(**row, created=model.created or now, updated=now))
            _put(connection, PARAMS, model.id, model.params, "param")
            _put(connection, TAGS, model.id, model.tags, "tag")
            return _load(connection, [model.id])[0]

    def get(self, model_id: str) -> LoggedModel:
        with self._reading() as connection:
            return _one(connection, model_id)

    def search(
        self,
        experiments: Sequence[str],
        filter: str = "",
        *,
        datasets: Sequence[tuple[str, str | None]] = (),
        order_by: Sequence[tuple[str, bool]] = (),
        max_results: int = 50,
        offset: int = 0,
    ) -> list[LoggedModel]:
        """Active models of experiments, newest first unless ordered by (field, ascending); NaN and what is missing come
        last (FilterError). A condition on a metric holds where any point does, of one of ``datasets`` if there are."""
        node = parse_filter(filter, mlflow=True, subject=LOGGED_MODELS)
        items = () if node is None else node.items if isinstance(node, And) else (node,)
        measured = [item for item in items if _asks_metric(item)]
        where = [_ROWS.condition(item) for item in items if not _asks_metric(item)]
        where += [MODELS.c.experiment_id.in_(list(experiments)), MODELS.c.lifecycle == "active"]
        query = select(MODELS.c.id).where(*where).order_by(MODELS.c.created.desc(), MODELS.c.id)
        with self._reading() as connection:
            if not measured and not order_by and not datasets:
                return _load(connection, connection.execute(query.limit(max_results).offset(offset)).scalars().all())
            found = _load(connection, connection.execute(query.limit(MOST)).scalars().all())
        counted = {model.id: [point for point in model.metrics if _is_on(point, datasets)] for model in found}
        found = [
            model
            for model in found
            if all(_measures(counted[model.id], item) for item in measured) and (counted[model.id] or not datasets)
        ]
        for name, ascending in reversed(order_by):
            found.sort(key=lambda model, name=name, up=ascending: _rank(model, name, up))  # type: ignore[misc]
        return found[offset : offset + max_results]

    def set_status(self, model_id: str, status: str, message: str | None = None) -> LoggedModel:
        return self._changed(model_id, {"status": _status(status), "status_message": message})

    def delete(self, model_id: str) -> None:
        self._changed(model_id, {"lifecycle": "deleted"})

    @whole
    def set_tags(self, model_id: str, tags: Mapping[str, str]) -> LoggedModel:
        with self._writing() as connection:
            _one(connection, model_id)
            _put(connection, TAGS, model_id, tags, "tag")
            return _one(connection, model_id)

    @whole
    def delete_tag(self, model_id: str, key: str) -> None:
        with self._writing() as connection:
            if key not in _one(connection, model_id).tags:
                raise NotFoundError(f"No tag with key {key[:80]!r} found for model with ID {model_id}.")
            connection.execute(TAGS.delete().where(TAGS.c.model == model_id, TAGS.c.key == key))

    @whole
    def set_params(self, model_id: str, params: Mapping[str, str]) -> LoggedModel:
        with self._writing() as connection:
            _one(connection, model_id)
            _put(connection, PARAMS, model_id, params, "param")
            return _one(connection, model_id)

    @whole
    def link(self, run: str, role: str, models: Collection[tuple[str, int]]) -> None:
        """Says that a run took models in (``input``) or brought them out (``output``)."""
        if role not in ("input", "output"):
            raise UsageError(f"a model is a run's input or output, not {role[:40]!r}")
        with self._writing() as connection:
            number = connection.execute(select(schema.runs.c.n).where(schema.runs.c.id == run)).scalar()
            if number is None:
                raise NotFoundError(f"there is no run {run[:64]!r}")
            rows = [{"run": number, "role": role, "model": model, "step": step} for model, step in models]
            if rows:
                connection.execute(upsert(LINKS), rows)

    def links(self, runs: Sequence[str]) -> dict[str, list[tuple[str, str, int]]]:
        """By run id: role, model id and step."""
        found: dict[str, list[tuple[str, str, int]]] = {}
        table = schema.runs
        query = select(table.c.id, LINKS.c.role, LINKS.c.model, LINKS.c.step).join(table, table.c.n == LINKS.c.run)
        with self._reading() as connection:
            for run, *link in connection.execute(query.where(table.c.id.in_(list(runs)))):
                found.setdefault(run, []).append((link[0], link[1], link[2]))
        return found

    @whole
    def measured(self, model_id: str, metrics: Sequence[LoggedMetric]) -> None:
        """Notes points that were measured on a model; the same point counts once."""
        with self._writing() as connection:
            _one(connection, model_id)
            note_measured(connection, model_id, metrics)

    @whole
    def _changed(self, model_id: str, values: Mapping[str, Any]) -> LoggedModel:
        with self._writing() as connection:
            _one(connection, model_id)
            connection.execute(update(MODELS).where(MODELS.c.id == model_id).values(**values, updated=time.time_ns()))
            return _load(connection, [model_id])[0]


def note_measured(connection: Connection, model_id: str, points: Sequence[LoggedMetric]) -> None:
    """The same in a transaction of the caller's."""
    rows = [
        {
            "model": model_id,
            "key": point.key,
            "run": point.run,
            "step": point.step,
            "time": point.time,
            "bits": bits_of(point.value, is_int=False),
            "dataset_name": point.dataset_name,
            "dataset_digest": point.dataset_digest,
        }
        for point in points
    ]
    if rows:
        connection.execute(upsert(METRICS, keep=True), rows)


def _one(connection: Connection, model_id: str) -> LoggedModel:
    found = _load(connection, [model_id]) if _ID.fullmatch(model_id) else []
    if not found or found[0].lifecycle != "active":
        raise NotFoundError(f"Logged model with ID '{model_id[:80]}' not found.")
    return found[0]


def _load(connection: Connection, ids: Sequence[str]) -> list[LoggedModel]:
    rows = {row["id"]: row for row in connection.execute(select(MODELS).where(MODELS.c.id.in_(ids))).mappings()}
    texts: dict[str, dict[str, dict[str, str]]] = {"params": {}, "tags": {}}
    for name, table in (("params", PARAMS), ("tags", TAGS)):
        for model, key, value in connection.execute(select(table).where(table.c.model.in_(ids))):
            texts[name].setdefault(model, {})[key] = value
    points: dict[str, list[LoggedMetric]] = {}
    ordered = select(METRICS).where(METRICS.c.model.in_(ids)).order_by(METRICS.c.key, METRICS.c.step, METRICS.c.time)
    for row in connection.execute(ordered):
        value = float(value_of(row.bits, is_int=False))
        found = LoggedMetric(row.key, value, row.step, row.time, row.run, row.dataset_name, row.dataset_digest)
        points.setdefault(row.model, []).append(found)
    return [
        LoggedModel(
            **dict(rows[each]),
            params=texts["params"].get(each, {}),
            tags=texts["tags"].get(each, {}),
            metrics=tuple(points.get(each, ())),
        )
        for each in ids
        if each in rows
    ]


def _put(connection: Connection, table: Any, model: str, values: Mapping[str, str], what: str) -> None:
    rows = [
        {
            "model": model,
            "key": keys.check_key(key, f"{what}'s key"),
            "value": keys.check_text(value, f"{what} {key!r}"),
        }
        for key, value in values.items()
    ]
    if rows:
        connection.execute(upsert(table), rows)


def _status(status: str) -> str:
    if status not in STATUSES:
        raise UsageError(f"{status[:40]!r} is no status of a model: there are {', '.join(STATUSES)}")
    return status


def _asks_metric(node: Node) -> bool:
    return isinstance(node, Compare) and node.field.entity == "metric"


def _latest(model: LoggedModel, key: str) -> float | None:
    found = [point for point in model.metrics if point.key == key]
    return max(found, key=lambda point: (point.step, point.time)).value if found else None


def _is_on(point: LoggedMetric, datasets: Sequence[tuple[str, str | None]]) -> bool:
    """Whether a point was measured on one of the data sets; any does where none are named."""
    return not datasets or any(
        point.dataset_name == name and digest in (None, point.dataset_digest) for name, digest in datasets
    )


def _measures(points: Sequence[LoggedMetric], node: Node) -> bool:
    assert isinstance(node, Compare)
    compare = COMPARISONS[node.op]
    return any(point.key == node.field.key and bool(compare(point.value, node.value)) for point in points)


def _rank(model: LoggedModel, name: str, ascending: bool) -> tuple[int, Any]:
    """What a model is sorted by: values, then NaN, then missing, in both directions."""
    entity, _, key = name.partition(".")
    if entity in ("metrics", "metric"):
        value: Any = _latest(model, key.strip('`"'))
    else:
        attribute = LOGGED_MODELS.attribute(name.removeprefix("attributes."))
        if attribute is None:
            known = ", ".join(sorted(LOGGED_MODELS.attributes))
            raise FilterError(f"{name[:80]!r} is nothing that models are ordered by: metrics.<key>, {known}", name, 0)
        value = getattr(model, attribute[0])
    if value is None:
        return 2, 0
    if isinstance(value, float) and math.isnan(value):
        return 1, 0
    if isinstance(value, str):
        return 0, value if ascending else [-ord(letter) for letter in value]
    return 0, value if ascending else -value
