"""The model registry in a database (see ``core.registered.Registry``)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from autotrack.core import keys
from autotrack.core.errors import ConflictError, FilterError, NotFoundError, UsageError
from autotrack.core.registered import (
    AliasMove,
    ModelVersion,
    RegisteredModel,
    check_alias,
    check_model_name,
    check_stage,
)

from ..engines.dialect import upsert, whole
from ..filters import parse_filter, parse_order
from ..filters.plain import Rows
from ..filters.subjects import MODEL_VERSIONS, REGISTERED_MODELS, Subject
from ..schema import model_tables as tables
from .rows import (
    aliases,
    model_tags,
    models,
    models_of,
    number_of,
    version_of,
    version_tags,
    versions,
    versions_of,
)

Transaction = Callable[[], AbstractContextManager[Connection]]
moves = tables.model_alias_moves

_MODELS = Rows(
    REGISTERED_MODELS,
    {column.name: column for column in models.columns},
    {"tag": (model_tags, model_tags.c.model == models.c.n)},
)
_VERSIONS = Rows(
    MODEL_VERSIONS,
    {**{column.name: column for column in versions.columns}, "name": models.c.name},
    {
        "tag": (
            version_tags,
            (version_tags.c.model == versions.c.model) & (version_tags.c.version == versions.c.version),
        )
    },
)


class StoredRegistry:
    """The registry of one database."""

    def __init__(self, reading: Transaction, writing: Transaction) -> None:
        self._reading = reading
        self._writing = writing

    # Models.

    @whole
    def create(
        self,
        name: str,
        *,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
        user: str | None = None,
    ) -> RegisteredModel:
        """Names a model (ConflictError)."""
        check_model_name(name)
        now = time.time_ns()
        with self._writing() as connection:
            _refuse_taken(connection, name)
            row = {"name": name, "description": _text(description), "created": now, "updated": now, "user": user}
            connection.execute(insert(models).values(**row, last_version=0))
            number = number_of(connection, name)
            _put_tags(connection, model_tags, {"model": number}, tags or {})
            return models_of(connection, [number])[0]

    def get(self, name: str) -> RegisteredModel:
        with self._reading() as connection:
            return models_of(connection, [number_of(connection, name)])[0]

    def search(
        self,
        filter: str = "",
        *,
        order_by: Sequence[str] = (),
        max_results: int = 100,
        offset: int = 0,
        mlflow: bool = False,
    ) -> list[RegisteredModel]:
        """Models that match, by name unless ordered (FilterError)."""
        where, order = _search(_MODELS, REGISTERED_MODELS, filter, order_by, mlflow)
        query = select(models.c.n).where(*where).order_by(*order, models.c.name)
        with self._reading() as connection:
            numbers = connection.execute(query.limit(max_results).offset(offset)).scalars().all()
            return models_of(connection, numbers)

    @whole
    def rename(self, name: str, new_name: str) -> RegisteredModel:
        """Gives a model another name (ConflictError)."""
        check_model_name(new_name)
        with self._writing() as connection:
            number = number_of(connection, name)
            if new_name != name:
                _refuse_taken(connection, new_name)
            connection.execute(update(models).where(models.c.n == number).values(name=new_name, updated=time.time_ns()))
            return models_of(connection, [number])[0]

    @whole
    def describe(self, name: str, description: str | None) -> RegisteredModel:
        values = {"description": _text(description), "updated": time.time_ns()}
        with self._writing() as connection:
            number = number_of(connection, name)
            connection.execute(update(models).where(models.c.n == number).values(values))
            return models_of(connection, [number])[0]

    @whole
    def delete(self, name: str) -> None:
        with self._writing() as connection:
            connection.execute(delete(models).where(models.c.n == number_of(connection, name)))

    @whole
    def set_tag(self, name: str, key: str, value: str) -> None:
        with self._writing() as connection:
            number = number_of(connection, name)
            _put_tags(connection, model_tags, {"model": number}, {key: value})
            _touch(connection, number)

    @whole
    def delete_tag(self, name: str, key: str) -> None:
        with self._writing() as connection:
            number = number_of(connection, name)
            connection.execute(delete(model_tags).where(model_tags.c.model == number, model_tags.c.key == key))
            _touch(connection, number)

    # Versions.

    @whole
    def create_version(self, version: ModelVersion) -> ModelVersion:
        """Adds a version to a model: the next number."""
        now = time.time_ns()
        for place in (version.source, version.artifact_uri or ""):
            keys.check_text(place, "model's source")
        with self._writing() as connection:
            number = number_of(connection, version.name)
            # The row is written first, so that of two transactions the second waits for the first.
            raised = update(models).where(models.c.n == number)
            connection.execute(raised.values(last_version=models.c.last_version + 1, updated=now))
            new = connection.execute(select(models.c.last_version).where(models.c.n == number)).scalar_one()
            kept = ("source artifact_uri run logged_model digest status status_message run_link user").split()
            row: dict[str, Any] = {name: getattr(version, name) for name in kept}
            row |= {"stage": check_stage(version.stage), "description": _text(version.description)}
            connection.execute(insert(versions).values(**row, model=number, version=new, created=now, updated=now))
            _put_tags(connection, version_tags, {"model": number, "version": new}, version.tags)
            return version_of(connection, number, new)

    def version(self, name: str, version: int) -> ModelVersion:
        with self._reading() as connection:
            return version_of(connection, number_of(connection, name), version)

    def versions(
        self,
        filter: str = "",
        *,
        order_by: Sequence[str] = (),
        max_results: int = 10_000,
        offset: int = 0,
        mlflow: bool = False,
    ) -> list[ModelVersion]:
        """Versions that match (FilterError)."""
        where, order = _search(_VERSIONS, MODEL_VERSIONS, filter, order_by, mlflow)
        query = select(versions.c.model, versions.c.version).join(models, models.c.n == versions.c.model).where(*where)
        changed = [versions.c.updated.desc()] if mlflow and not order else []
        ties = (*changed, models.c.name, versions.c.version.desc())
        with self._reading() as connection:
            rows = connection.execute(query.order_by(*order, *ties).limit(max_results).offset(offset)).all()
            return versions_of(connection, [(row[0], row[1]) for row in rows])

    def latest(self, name: str, stages: Sequence[str] = ()) -> list[ModelVersion]:
        """The newest version of each stage, or of those stages."""
        wanted = {check_stage(stage) for stage in stages}
        with self._reading() as connection:
            found = models_of(connection, [number_of(connection, name)])[0].latest
        return [version for version in found if not wanted or version.stage in wanted]

    def describe_version(self, name: str, version: int, description: str | None) -> ModelVersion:
        return self._changed(name, version, {"description": _text(description)})

    @whole
    def set_stage(self, name: str, version: int, stage: str, *, archive_others: bool = False) -> ModelVersion:
        """Moves a version to a stage."""
        stage = check_stage(stage)
        if archive_others and stage not in ("Staging", "Production"):
            raise UsageError(
                f"Invalid stage transition: only versions of Staging and Production are archived, not {stage}"
            )
        now = time.time_ns()
        with self._writing() as connection:
            number = number_of(connection, name)
            version_of(connection, number, version)
            if archive_others:
                others = (versions.c.model == number, versions.c.stage == stage, versions.c.version != version)
                connection.execute(update(versions).where(*others).values(stage="Archived", updated=now))
            this = (versions.c.model == number, versions.c.version == version)
            connection.execute(update(versions).where(*this).values(stage=stage, updated=now))
            _touch(connection, number)
            return version_of(connection, number, version)

    @whole
    def delete_version(self, name: str, version: int, *, user: str | None = None) -> None:
        """Removes a version with its tags; its aliases are taken away."""
        with self._writing() as connection:
            number = number_of(connection, name)
            for alias in version_of(connection, number, version).aliases:
                _move(connection, number, alias, None, user)
            connection.execute(delete(versions).where(versions.c.model == number, versions.c.version == version))
            _touch(connection, number)

    @whole
    def date(self, name: str, version: int | None, created: int, updated: int) -> None:
        with self._writing() as connection:
            number = number_of(connection, name)
            values = {"created": _moment(created), "updated": _moment(updated)}
            if version is None:
                connection.execute(update(models).where(models.c.n == number).values(values))
                return
            version_of(connection, number, version)
            this = (versions.c.model == number, versions.c.version == version)
            connection.execute(update(versions).where(*this).values(values))

    @whole
    def set_version_tag(self, name: str, version: int, key: str, value: str) -> None:
        with self._writing() as connection:
            number = number_of(connection, name)
            version_of(connection, number, version)
            _put_tags(connection, version_tags, {"model": number, "version": version}, {key: value})

    @whole
    def delete_version_tag(self, name: str, version: int, key: str) -> None:
        table = version_tags
        with self._writing() as connection:
            number = number_of(connection, name)
            version_of(connection, number, version)
            this = (table.c.model == number, table.c.version == version, table.c.key == key)
            connection.execute(delete(table).where(*this))

    # Aliases.

    @whole
    def set_alias(self, name: str, alias: str, version: int, *, user: str | None = None) -> None:
        """Has an alias name a version, whatever it named before."""
        check_alias(alias)
        with self._writing() as connection:
            number = number_of(connection, name)
            version_of(connection, number, version)
            _move(connection, number, alias, version, user)

    @whole
    def delete_alias(self, name: str, alias: str, *, user: str | None = None) -> None:
        with self._writing() as connection:
            _move(connection, number_of(connection, name), alias, None, user)

    def at_alias(self, name: str, alias: str) -> ModelVersion:
        with self._reading() as connection:
            number = number_of(connection, name)
            query = select(aliases.c.version).where(aliases.c.model == number, aliases.c.alias == alias)
            found = connection.execute(query).scalar()
            if found is None:
                known = connection.execute(select(aliases.c.alias).where(aliases.c.model == number)).scalars()
                names = ", ".join(sorted(known)) or "none"
                raise NotFoundError(f"Registered model alias {alias[:80]} not found; {name} has: {names}")
            return version_of(connection, number, found)

    def alias_moves(self, name: str) -> list[AliasMove]:
        """How the model's aliases moved, newest first."""
        with self._reading() as connection:
            query = select(moves.c.alias, moves.c.version, moves.c.moved, moves.c.user)
            rows = connection.execute(
                query.where(moves.c.model == number_of(connection, name)).order_by(moves.c.n.desc())
            )
            return [AliasMove(*row) for row in rows]

    @whole
    def _changed(self, name: str, version: int, values: Mapping[str, Any]) -> ModelVersion:
        with self._writing() as connection:
            number = number_of(connection, name)
            version_of(connection, number, version)
            this = (versions.c.model == number, versions.c.version == version)
            connection.execute(update(versions).where(*this).values(**values, updated=time.time_ns()))
            return version_of(connection, number, version)


def _refuse_taken(connection: Connection, name: str) -> None:
    if connection.execute(select(models.c.n).where(models.c.name == name)).first() is not None:
        raise ConflictError(f"Registered Model (name={name}) already exists.")


def _touch(connection: Connection, number: int) -> None:
    connection.execute(update(models).where(models.c.n == number).values(updated=time.time_ns()))


def _put_tags(connection: Connection, table: Any, of: Mapping[str, int], tags: Mapping[str, str]) -> None:
    rows = [
        {**of, "key": keys.check_key(key, "tag's key"), "value": keys.check_text(str(value), f"tag {key!r}")}
        for key, value in tags.items()
    ]
    if rows:
        connection.execute(upsert(table), rows)


def _move(connection: Connection, number: int, alias: str, version: int | None, user: str | None) -> None:
    """Has an alias name a version, or none, and writes the move down, if it is one."""
    this = (aliases.c.model == number, aliases.c.alias == alias)
    if connection.execute(select(aliases.c.version).where(*this)).scalar() == version:
        return
    if version is None:
        connection.execute(delete(aliases).where(*this))
    else:
        connection.execute(upsert(aliases), {"model": number, "alias": alias, "version": version})
    row = {"model": number, "alias": alias, "version": version, "moved": time.time_ns(), "user": user}
    connection.execute(insert(moves).values(row))
    _touch(connection, number)


def _moment(moment: int) -> int:
    if not 0 <= moment < keys.INT64:
        raise UsageError(f"{moment} is no moment: they are nanoseconds since 1970")
    return moment


def _text(value: str | None) -> str | None:
    return None if value is None else keys.check_text(value, "description")


def _search(
    rows: Rows, subject: Subject, filter: str, order_by: Sequence[str], mlflow: bool
) -> tuple[list[Any], list[Any]]:
    node = parse_filter(filter, mlflow=mlflow, subject=subject)
    orders = parse_order([order_by] if isinstance(order_by, str) else order_by, mlflow=mlflow, subject=subject)
    for order in orders:
        if order.field.entity != "attribute":
            raise FilterError(f"a {subject.what} is ordered by its attributes", order.field.key, 0)
    return ([] if node is None else [rows.condition(node)]), rows.order(orders)
