"""Turns a batch of journal records into rows.

The records of one batch are first folded into what they come to (a tag set twice is one row), then written with a few
statements a table, whatever the number of records.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select

from autotrack.core.entities import Status
from autotrack.core.runs.names import experiment_id

from . import schema
from .cells import int64, text, whole
from .dialect import among, first_of, for_update, upsert, write_rows
from .numbers import as_number
from .points import Points
from .session_rows import KINDS, SessionRows
from .summaries import MANY, NewPoints, append, bits_of

DEFAULT_EXPERIMENT = "default"
STATUSES = frozenset(str(status) for status in Status)
Record = Mapping[str, Any]


@dataclass(slots=True)
class _Run:
    """What a batch says about one run."""

    fields: dict[str, Any] = field(default_factory=dict)
    experiment: str | None = None
    health: list[Mapping[str, Any]] = field(default_factory=list)
    seen: int = 0
    number: int = 0


class Batch:
    """Collects records of one writer; ``write`` stores them in the caller's transaction."""

    def __init__(self, writer: str) -> None:
        self.writer = writer
        #: Records that made no sense (of an unknown kind or incomplete), which are counted as damaged.
        self.refused = 0
        self.series: dict[int, tuple[str, str, bool]] = {}
        self._runs: dict[str, _Run] = {}
        self._params: dict[tuple[str, str], str] = {}
        self._tags: dict[tuple[str, str], str | None] = {}
        self._artifacts: dict[tuple[str, str], Record] = {}
        self._datasets: dict[tuple[str, str, str, str], Record] = {}
        self._models: dict[tuple[str, str], Record] = {}
        self._sessions = SessionRows()
        self._points: list[tuple[str, str, Points]] = []

    def take(self, record: Record) -> None:
        """Folds one journal record in; one that makes no sense is counted and left out."""
        kind = str(record.get("k"))
        try:
            moment = int64(record["t"])
            if kind in KINDS:
                KINDS[kind](self._sessions, record, moment)
                return
            handler = _HANDLERS[kind]
            if "r" in record:
                run = self._run(str(record["r"]))
                run.seen = max(run.seen, moment)
            handler(self, record, moment)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            self.refused += 1

    def touch(self, run_id: str, moment: int) -> None:
        """Notes that a run was alive at a moment: one of its points is of then."""
        run = self._run(run_id)
        if moment > run.seen:
            run.seen = moment

    def _run(self, run_id: str) -> _Run:
        found = self._runs.get(run_id)
        if found is None:
            found = self._runs[run_id] = _Run()
        return found

    # One method a kind of record.

    def _run_start(self, record: Record, moment: int) -> None:
        run = self._run(record["r"])
        run.experiment = str(record.get("experiment") or DEFAULT_EXPERIMENT)
        fields = {key: text(record.get(key)) for key in ("parent", "session", "user", "artifact_uri", "random_state")}
        run.fields.update(fields, name=str(record["name"]), writer=self.writer)
        run.fields.update(status=str(Status.RUNNING), ended=None, error=None, exit_code=None)
        run.fields.setdefault("started", moment)
        self._set_tags(record, moment)

    def _set_params(self, record: Record, moment: int) -> None:
        for key, value in record["params"].items():
            self._params[record["r"], key] = str(value)

    def _set_tags(self, record: Record, moment: int) -> None:
        for key, value in (record.get("tags") or {}).items():
            self._tags[record["r"], key] = str(value)

    def _untag(self, record: Record, moment: int) -> None:
        for key in record["keys"]:
            self._tags[record["r"], str(key)] = None

    def _rename(self, record: Record, moment: int) -> None:
        self._run(record["r"]).fields["name"] = str(record["name"])

    def _series(self, record: Record, moment: int) -> None:
        self.series[int(record["id"])] = (record["r"], str(record["key"]), record["dtype"] == "i8")

    def _artifact(self, record: Record, moment: int) -> None:
        row: dict[str, Any] = {
            "path": str(record["path"]),
            "size": whole(record["size"]),
            "sha256": str(record["sha256"]),
        }
        self._artifacts[record["r"], row["path"]] = row

    def _dataset(self, record: Record, moment: int) -> None:
        columns = record.get("columns") or {}
        row: dict[str, Any] = {
            "name": str(record["name"]),
            "digest": str(record.get("digest") or ""),
            "context": str(record.get("context") or ""),
            "rows": whole(record.get("rows")),
            "columns": json.dumps(columns, ensure_ascii=False),
            "source": text(record.get("source")),
            "bytes": whole(record.get("bytes")),
            **{key: text(record.get(key)) for key in ("kind", "fingerprint", "mlflow_digest", "partial")},
        }
        self._datasets[record["r"], row["name"], row["digest"], row["context"]] = row

    def _model(self, record: Record, moment: int) -> None:
        row = {name: str(record.get(name) or "") for name in ("path", "flavor", "class_name")}
        more = {"size": whole(record.get("size") or 0), "digest": text(record.get("digest"))}
        self._models[record["r"], row["path"]] = {**row, **more}

    def _health(self, record: Record, moment: int) -> None:
        self._run(record["r"]).health.append(dict(record["health"]))

    def _run_end(self, record: Record, moment: int) -> None:
        status = str(record["status"])
        if status not in STATUSES:
            raise ValueError(status)
        run = self._run(record["r"])
        run.fields.update(status=status, ended=whole(record.get("ended") or moment))
        run.fields.update(error=text(record.get("error")), exit_code=whole(record.get("exit_code")))

    def _children(self, record: Record, moment: int) -> None:
        parent = self._run(record["r"])
        for child in record["runs"]:
            run = self._run(str(child["id"]))
            run.fields.update(
                name=str(child["name"]),
                parent=str(record["r"]),
                started=int64(child["started"]),
                ended=int64(child["ended"]),
                status=str(child["status"]) if child["status"] in STATUSES else str(Status.FINISHED),
                session=parent.fields.get("session"),
                user=parent.fields.get("user"),
                writer=self.writer,
            )
            run.seen = max(run.seen, int(child["ended"]))
            for key, value in (child.get("params") or {}).items():
                self._params[child["id"], key] = str(value)
            for key, value in (child.get("tags") or {}).items():
                self._tags[child["id"], key] = str(value)
            for key, value in (child.get("metrics") or {}).items():
                is_int = isinstance(value, int) and abs(value) > 2**53
                points = Points([0], [int(child["ended"])], [bits_of(value, is_int=is_int)], is_int)
                self._points.append((child["id"], key, points))

    # Writing.

    def write(self, connection: Connection, points: Iterable[tuple[str, str, Points]]) -> None:
        """Stores everything that was taken in, and points (run id, key, points) of runs that were touched.

        Runs that were never started (their record was lost) are made up.
        """
        fresh = self._write_runs(connection)
        for table, rows in (
            (schema.params, self._param_rows()),
            (schema.artifacts, self._rows_of(self._artifacts)),
            (schema.datasets, self._rows_of(self._datasets)),
            (schema.models, self._rows_of(self._models)),
        ):
            if rows:
                connection.execute(upsert(table), rows)
        self._sessions.write(connection)
        self._write_tags(connection)
        if self.series:
            names = ("writer", "id", "run", "key", "is_int")
            write_rows(connection, upsert(schema.writer_series), names, self._series_rows())
        numbered = (NewPoints(self._runs[run].number, key, some) for run, key, some in chain(self._points, points))
        append(connection, numbered, fresh)

    def _rows_of(self, things: Mapping[Any, Record]) -> list[dict[str, Any]]:
        return [{**row, "run": self._runs[address[0]].number} for address, row in things.items()]

    def _param_rows(self) -> list[dict[str, Any]]:
        return [
            {"run": self._runs[run].number, "key": key, "value": value, "number": as_number(value)}
            for (run, key), value in self._params.items()
        ]

    def _series_rows(self) -> list[tuple[str, int, int, str, bool]]:
        return [
            (self.writer, number, self._runs[run].number, key, is_int)
            for number, (run, key, is_int) in self.series.items()
        ]

    def _write_tags(self, connection: Connection) -> None:
        rows, gone = [], []
        for (run, key), value in self._tags.items():
            row = {"run": self._runs[run].number, "key": key}
            if value is None:
                gone.append({f"at_{name}": part for name, part in row.items()})
            else:
                rows.append({**row, "value": value})
        if rows:
            connection.execute(upsert(schema.tags), rows)
        if gone:
            table = schema.tags
            where = (table.c.run == bindparam("at_run"), table.c.key == bindparam("at_key"))
            connection.execute(delete(table).where(*where), gone)

    def _write_runs(self, connection: Connection) -> set[int]:
        """Adds and changes runs; answers the numbers of those that it added."""
        if not self._runs:
            return set()
        known = self._known_runs(connection)
        next_number = first_of(connection, schema.runs.c.n, len(self._runs))
        experiments = _Experiments(connection)
        new: list[dict[str, Any]] = []
        changes: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        # In order of appearance: a search's parent comes before its children, whose experiment is the parent's.
        for run_id, run in self._runs.items():
            row = known.get(run_id)
            fields = run.fields
            if row is None:
                run.number, next_number = next_number, next_number + 1
                experiment = self._experiment_of(run_id, run, known, experiments, connection)
                base: dict[str, Any] = dict.fromkeys(column.name for column in schema.runs.columns)
                started = fields.get("started") or run.seen
                base.update(n=run.number, id=run_id, name=f"run-{run_id[:8]}", status=str(Status.RUNNING))
                base.update(started=started, writer=self.writer, **experiments.lifecycle(experiment))
                base.update(fields, experiment_id=experiment, last_seen=max(run.seen, started))
                base["health"] = _merged(None, run.health)
                new.append(base)
                known[run_id] = base
                continue
            run.number = row["n"]
            # Only what the records say is written: what somebody else changes meanwhile stays. A run that goes on keeps
            # its first start.
            update = {name: value for name, value in fields.items() if name != "started"}
            if run.experiment is not None and row["name"] == f"run-{run_id[:8]}":
                update["experiment_id"] = experiments.id_of(run.experiment, run.seen)  # made up before; now it is known
            if run.health:
                update["health"] = _merged(row["health"], run.health)
            if run.seen > (row["last_seen"] or 0):
                update["last_seen"] = run.seen
            if update:
                values = {f"at_{name}": value for name, value in update.items()}
                changes.setdefault(tuple(update), []).append({**values, "at_n": run.number})
        if new:
            names = [column.name for column in schema.runs.columns]
            write_rows(connection, insert(schema.runs), names, [tuple(row.values()) for row in new])
        table = schema.runs
        for changed_names, rows in changes.items():
            changed: dict[Any, Any] = {table.c[name]: bindparam(f"at_{name}") for name in changed_names}
            connection.execute(table.update().where(table.c.n == bindparam("at_n")).values(changed), rows)
        return {row["n"] for row in new}

    def _known_runs(self, connection: Connection) -> dict[str, dict[str, Any]]:
        runs, ids = schema.runs, list(self._runs)
        known: dict[str, dict[str, Any]] = {}
        for start in range(0, len(ids), MANY):
            these = among(runs.c.id, ids[start : start + MANY])
            wanted = select(runs.c.n, runs.c.id, runs.c.name, runs.c.experiment_id, runs.c.last_seen, runs.c.health)
            rows = connection.execute(for_update(wanted.where(these))).mappings()
            known.update((row["id"], dict(row)) for row in rows)
        return known

    def _experiment_of(
        self,
        run_id: str,
        run: _Run,
        known: Mapping[str, Mapping[str, Any]],
        experiments: _Experiments,
        connection: Connection,
    ) -> str:
        if run.experiment is not None:
            return experiments.id_of(run.experiment, run.seen)
        parent = run.fields.get("parent")
        if parent is not None:
            if parent in known:
                return str(known[parent]["experiment_id"])
            found = connection.execute(select(schema.runs.c.experiment_id).where(schema.runs.c.id == parent)).scalar()
            if found is not None:
                return str(found)
        return experiments.id_of(DEFAULT_EXPERIMENT, run.seen)


class _Experiments:
    """Experiment ids by name, made where there is none, for one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._ids: dict[str, str] = {}
        self._deleted: set[str] = set()

    def id_of(self, name: str, moment: int) -> str:
        if name not in self._ids:
            self._ids[name] = self._find(name) or create_experiment(self._connection, name, moment)
        return self._ids[name]

    def _find(self, name: str) -> str | None:
        table = schema.experiments
        row = self._connection.execute(select(table.c.id, table.c.lifecycle).where(table.c.name == name)).first()
        if row is None:
            return None
        if row.lifecycle == "deleted":
            self._deleted.add(row.id)
        return str(row.id)

    def lifecycle(self, experiment: str) -> dict[str, Any]:
        """The lifecycle of a new run: one that lands in a deleted experiment comes back with it."""
        if experiment not in self._deleted:
            return {"lifecycle": "active"}
        return {"lifecycle": "deleted", "deleted_with": "experiment"}


def create_experiment(connection: Connection, name: str, moment: int) -> str:
    """A new experiment's id: from its name, so that stores agree, or at random where that is taken."""
    table = schema.experiments
    for attempt in range(1000):
        identity = experiment_id(name, attempt)
        if connection.execute(select(table.c.id).where(table.c.id == identity)).first() is None:
            break
    row = {"id": identity, "name": name, "lifecycle": "active", "created": moment, "updated": moment}
    connection.execute(insert(table), row)
    return identity


def _merged(before: str | None, health: Iterable[Mapping[str, Any]]) -> str | None:
    """Health notes added to those a run has: lists grow, everything else is replaced."""
    notes: dict[str, Any] = json.loads(before) if before else {}
    for more in health:
        for key, value in more.items():
            had = notes.get(key)
            notes[key] = [*had, *value] if isinstance(had, list) and isinstance(value, list) else value
    return json.dumps(notes, ensure_ascii=False) if notes else None


def note_damage(connection: Connection, writer: str, damaged: int) -> None:
    """Writes how many records of a journal were damaged on every run that it holds."""
    table = schema.runs
    for number, health in connection.execute(select(table.c.n, table.c.health).where(table.c.writer == writer)).all():
        merged = _merged(health, [{"damaged_records": damaged}])
        connection.execute(table.update().where(table.c.n == number).values(health=merged))


def series_of(connection: Connection, writer: str, ids: Iterable[int]) -> dict[int, tuple[str, str, bool]]:
    """(run id, key, is_int) of series that earlier batches of a writer have announced."""
    table, run = schema.writer_series, schema.runs
    statement = (
        select(table.c.id, run.c.id.label("run_id"), table.c.key, table.c.is_int)
        .join(run, run.c.n == table.c.run)
        .where(table.c.writer == writer, among(table.c.id, list(ids)))
    )
    return {row[0]: (row[1], row[2], bool(row[3])) for row in connection.execute(statement)}


_HANDLERS = {
    "run_start": Batch._run_start,
    "params": Batch._set_params,
    "tags": Batch._set_tags,
    "untag": Batch._untag,
    "rename": Batch._rename,
    "series": Batch._series,
    "artifact": Batch._artifact,
    "dataset": Batch._dataset,
    "model": Batch._model,
    "health": Batch._health,
    "run_end": Batch._run_end,
    "children": Batch._children,
}
