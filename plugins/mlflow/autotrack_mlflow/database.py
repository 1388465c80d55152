"""MLflow's tables, in SQLite or PostgreSQL (or whatever SQLAlchemy opens), as its versions since 1.0 have left them.

Tables and columns that an older MLflow did not have yet are taken as empty.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Column, MetaData, Select, Table, create_engine, event, func, inspect, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from autotrack.plugin import StoreError, UsageError, shown

from .facts import (
    Dataset,
    Experiment,
    Files,
    LoggedModel,
    ModelLink,
    ModelPoint,
    ModelVersion,
    Points,
    RegisteredModel,
    Run,
)
from .places import Places

#: Runs that are read together, and points.
_PAGE, _POINTS = 200, 50_000
_TABLES = (
    "experiments experiment_tags runs tags params metrics datasets inputs input_tags logged_models logged_model_params "
    "logged_model_tags logged_model_metrics registered_models registered_model_tags registered_model_aliases "
    "model_versions model_version_tags"
).split()
_MODEL_STATUS = {1: "PENDING", 2: "READY", 3: "UPLOAD_FAILED"}
_WORKSPACE = "default"


class DatabaseSource:
    """Reads one database of MLflow's; StoreError where it cannot be, UsageError where it is none."""

    def __init__(self, uri: str, places: Places) -> None:
        self.shown = shown(uri)
        self.unread: list[tuple[str, str]] = []
        self._places = places
        try:
            self._engine = _engine(uri)
            self._metadata = MetaData()
            there = set(inspect(self._engine).get_table_names())
            if not {"experiments", "runs", "metrics", "params", "tags"} <= there:
                raise UsageError(f"{self.shown} is no database of MLflow's: it lacks its tables (runs, metrics, ...)")
            for name in _TABLES:
                if name in there:
                    Table(name, self._metadata, autoload_with=self._engine, resolve_fks=False)
        except (SQLAlchemyError, ImportError) as error:
            why = str(getattr(error, "orig", None) or error).replace(uri, self.shown)
            raise StoreError(f"the database {self.shown} cannot be read ({why[:300]})") from error

    def _column(self, table: str, name: str) -> Column[Any] | None:
        found = self._metadata.tables.get(table)
        return None if found is None else found.columns.get(name)

    def _rows(self, table: str, *, order: Sequence[str] = (), **where: Any) -> Iterator[Mapping[str, Any]]:
        """Rows of a table whose columns have those values (or one of a list), as mappings; none without the table."""
        found = self._metadata.tables.get(table)
        if found is None:
            return
        statement = select(found)
        for name, value in where.items():
            column = found.columns[name]
            statement = statement.where(column.in_(value) if isinstance(value, list) else column == value)
        columns = [found.columns[name] for name in order]
        for row in self._all(statement.order_by(*columns)):
            yield row._mapping

    def _all(self, statement: Select[Any]) -> list[Any]:
        # Read to the end at once: an open cursor would hold up MLflow's own writers.
        try:
            with self._engine.connect() as connection:
                return list(connection.execute(statement))
        except SQLAlchemyError as error:
            why = str(getattr(error, "orig", None) or error)
            raise StoreError(f"the database {self.shown} could not be read any further ({why[:300]})") from error

    # Experiments and runs.

    def experiments(self) -> Iterator[Experiment]:
        tags = _grouped(self._rows("experiment_tags"), "experiment_id")
        for row in self._rows("experiments", order=["experiment_id"]):
            yield Experiment(
                id=str(row["experiment_id"]),
                name=self._named(row),
                deleted=row["lifecycle_stage"] == "deleted",
                created=row.get("creation_time") or 0,
                updated=row.get("last_update_time") or 0,
                tags=tags.get(row["experiment_id"], {}),
                place=str(row["experiment_id"]),
            )

    def _named(self, row: Mapping[str, Any]) -> str:
        """A name as this store has it: those of other workspaces than MLflow's own one say which."""
        workspace = row.get("workspace") or _WORKSPACE
        return str(row["name"]) if workspace == _WORKSPACE else f"{workspace}/{row['name']}"

    def count(self, experiment: Experiment) -> int | None:
        runs = self._metadata.tables["runs"]
        found = self._all(select(func.count()).select_from(runs).where(runs.c.experiment_id == int(experiment.id)))
        return int(found[0][0])

    def runs(self, experiment: Experiment) -> Iterator[Run]:
        runs = self._metadata.tables["runs"]
        last = ""
        while True:
            these = select(runs).where(runs.c.experiment_id == int(experiment.id), runs.c.run_uuid > last)
            page = [row._mapping for row in self._all(these.order_by(runs.c.run_uuid).limit(_PAGE))]
            if not page:
                return
            last = page[-1]["run_uuid"]
            yield from self._page(page)

    def _page(self, page: list[Any]) -> Iterator[Run]:
        ids = [row["run_uuid"] for row in page]
        params = _grouped(self._rows("params", run_uuid=ids), "run_uuid")
        tags = _grouped(self._rows("tags", run_uuid=ids), "run_uuid")
        datasets, links = self._inputs(ids)
        metrics = self._metadata.tables["metrics"]
        numbers = (metrics.c.run_uuid, func.count(), func.max(metrics.c.timestamp))
        counts = self._all(select(*numbers).where(metrics.c.run_uuid.in_(ids)).group_by(metrics.c.run_uuid))
        counted = {row[0]: (row[1], row[2]) for row in counts}
        for row in page:
            run_id = str(row["run_uuid"])
            found = Run(
                id=run_id,
                name=str(row["name"] or ""),
                status=str(row["status"] or "RUNNING"),
                started=row["start_time"] or 0,
                ended=row["end_time"],
                state="",
                deleted=row["lifecycle_stage"] == "deleted",
                user=row["user_id"] or None,
                artifact_uri=str(row["artifact_uri"] or ""),
                params=params.get(run_id, {}),
                tags=tags.get(run_id, {}),
                datasets=tuple(datasets.get(run_id, ())),
                models=tuple(links.get(run_id, ())),
            )
            seen = repr((found, sorted(found.params.items()), sorted(found.tags.items()), counted.get(run_id)))
            state = hashlib.sha256(seen.encode("utf-8", "surrogatepass")).hexdigest()
            yield _with_state(found, state)

    def points(self, run: Run) -> Iterator[tuple[str, Points]]:
        """Metrics one by one: the order is the table's, so that no more than one is in memory."""
        metrics = self._metadata.tables["metrics"]
        of_run = metrics.c.run_uuid == run.id
        for (key,) in self._all(select(metrics.c.key).where(of_run).distinct().order_by(metrics.c.key)):
            yield str(key), self._history(run.id, key)

    def _history(self, run_id: str, key: str) -> Points:
        import numpy as np

        table = self._metadata.tables["metrics"]
        nan, step = table.columns.get("is_nan"), table.columns.get("step")
        columns = [table.c.timestamp, table.c.value, *(column for column in (step, nan) if column is not None)]
        rows = self._all(select(*columns).where(table.c.run_uuid == run_id, table.c.key == key))
        times = np.fromiter((row[0] for row in rows), np.int64, len(rows))
        values = np.fromiter((row[1] for row in rows), np.float64, len(rows))
        steps = np.zeros(len(rows), np.int64)
        if step is not None:
            steps = np.fromiter((row[2] for row in rows), np.int64, len(rows))
        if nan is not None:
            values[np.fromiter((bool(row[-1]) for row in rows), np.bool_, len(rows))] = np.nan
        return Points(times, values, steps)

    def _inputs(self, ids: list[str]) -> tuple[dict[str, list[Dataset]], dict[str, list[ModelLink]]]:
        if "inputs" not in self._metadata.tables:
            return {}, {}
        datasets: dict[str, list[Dataset]] = {}
        links: dict[str, list[ModelLink]] = {}
        read = list(self._rows("inputs", source_type="DATASET", destination_type="RUN", destination_id=ids))
        wanted = sorted({row["source_id"] for row in read})
        known = {row["dataset_uuid"]: row for row in self._rows("datasets", dataset_uuid=wanted)} if wanted else {}
        said = _grouped(self._rows("input_tags", input_uuid=[row["input_uuid"] for row in read]), "input_uuid", "name")
        for row in read:
            dataset = known.get(row["source_id"])
            if dataset is None:
                self.unread.append((f"run {row['destination_id']}", "a data set that it names is not there"))
                continue
            datasets.setdefault(str(row["destination_id"]), []).append(
                Dataset(
                    name=dataset["name"],
                    digest=dataset["digest"],
                    source_type=dataset["dataset_source_type"],
                    source=dataset["dataset_source"],
                    schema=dataset["dataset_schema"],
                    profile=dataset["dataset_profile"],
                    tags=said.get(row["input_uuid"], {}),
                )
            )
        for kind, role in (("MODEL_INPUT", "input"), ("MODEL_OUTPUT", "output")):
            for row in self._rows("inputs", destination_type=kind, source_id=ids):
                link = ModelLink(role, str(row["destination_id"]), row.get("step") or 0)
                links.setdefault(str(row["source_id"]), []).append(link)
        return datasets, links

    # Models.

    def logged_models(self, experiment: Experiment) -> Iterator[LoggedModel]:
        this = int(experiment.id)
        params = _grouped(self._rows("logged_model_params", experiment_id=this), "model_id", "param_key", "param_value")
        tags = _grouped(self._rows("logged_model_tags", experiment_id=this), "model_id", "tag_key", "tag_value")
        points: dict[str, list[ModelPoint]] = {}
        for row in self._rows("logged_model_metrics", experiment_id=this):
            value = float("nan") if row["metric_value"] is None else row["metric_value"]
            moment = (row["metric_timestamp_ms"], row["metric_step"], row["run_id"])
            of = (row["dataset_name"], row["dataset_digest"])
            points.setdefault(row["model_id"], []).append(ModelPoint(row["metric_name"], value, *moment, *of))
        for row in self._rows("logged_models", order=["creation_timestamp_ms", "model_id"], experiment_id=this):
            model = str(row["model_id"])
            yield LoggedModel(
                id=model,
                name=row["name"],
                artifact_uri=row["artifact_location"],
                status=_MODEL_STATUS.get(row["status"], "READY"),
                status_message=row["status_message"],
                model_type=row["model_type"] or None,
                run=row["source_run_id"],
                deleted=row["lifecycle_stage"] == "deleted",
                created=row["creation_timestamp_ms"],
                updated=row["last_updated_timestamp_ms"],
                params=params.get(model, {}),
                tags=tags.get(model, {}),
                points=tuple(points.get(model, ())),
            )

    def registered_models(self) -> Iterator[RegisteredModel]:
        def mine(table: str, model: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
            where = {"name": model["name"]}
            if self._column(table, "workspace") is not None:
                where["workspace"] = model["workspace"]
            return self._rows(table, **where)

        for row in self._rows("registered_models", order=["name"]):
            tags = _grouped(mine("model_version_tags", row), "version")
            found = [_version(each, tags) for each in mine("model_versions", row)]
            yield RegisteredModel(
                name=self._named(row).replace("/", "."),  # a name in a registry has no /
                description=row["description"],
                created=row["creation_time"] or 0,
                updated=row["last_updated_time"] or 0,
                tags={each["key"]: each["value"] or "" for each in mine("registered_model_tags", row)},
                aliases={each["alias"]: each["version"] for each in mine("registered_model_aliases", row)},
                versions=tuple(sorted((each for each in found if each is not None), key=lambda each: each.version)),
            )

    def files(self, uri: str, place: str) -> Files:
        return self._places.files(uri)

    def close(self) -> None:
        self._engine.dispose()


def _engine(uri: str) -> Any:
    url = make_url(uri)
    if url.get_backend_name() == "sqlite":
        path = Path(url.database or "")
        if not path.is_file():
            raise UsageError(f"there is no database file {path}; write sqlite:///folder/mlflow.db")
        engine = create_engine(f"sqlite:///file:{_escaped(path)}?mode=ro&uri=true", poolclass=NullPool)
        event.listen(engine, "connect", _patient)
        return engine
    if url.drivername == "postgresql":  # the driver that autotrack has, unless another one is named
        url = url.set(drivername="postgresql+psycopg")
    return create_engine(url, pool_pre_ping=True)


def _patient(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA busy_timeout = 30000")


def _escaped(path: Path) -> str:
    from urllib.parse import quote

    return quote(os.path.abspath(path))  # noqa: PTH100 - links stay as they are


def _with_state(run: Run, state: str) -> Run:
    from dataclasses import replace

    return replace(run, state=state)


def _version(row: Mapping[str, Any], tags: Mapping[Any, Mapping[str, str]]) -> ModelVersion | None:
    if row["current_stage"] == "Deleted_Internal":
        return None
    source = str(row["source"] or "")
    model = source.removeprefix("models:/") if source.startswith("models:/m-") else None
    return ModelVersion(
        version=row["version"],
        source=source,
        run=row["run_id"] or None,
        model_id=model,
        description=row["description"],
        stage=row["current_stage"] or "None",
        status=row["status"] or "READY",
        status_message=row["status_message"],
        run_link=row.get("run_link"),
        user=row["user_id"],
        created=row["creation_time"] or 0,
        updated=row["last_updated_time"] or 0,
        tags=tags.get(row["version"], {}),
    )


def _grouped(
    rows: Iterator[Mapping[str, Any]], by: str, key: str = "key", value: str = "value"
) -> dict[Any, dict[str, str]]:
    found: dict[Any, dict[str, str]] = {}
    for row in rows:
        found.setdefault(row[by], {})[str(row[key])] = "" if row[value] is None else str(row[value])
    return found
