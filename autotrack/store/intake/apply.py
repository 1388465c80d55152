"""Turns a batch of journal records into rows.

The records of one batch are first folded into what they come to (a tag set twice is one row), then written with a few
statements a table, whatever the number of records.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Text, bindparam, delete, select

from autotrack.core.errors import UsageError
from autotrack.core.journal import record_types as kinds
from autotrack.core.journal.records import Record, checked
from autotrack.core.keys import FLOAT_EXACT, printable

from .. import schema
from ..engines.dialect import among_bound, fetch_kept, same_text, upsert, write_all, write_rows
from ..series.points import Points
from ..series.summaries import NewPoints, append, bits_of
from .numbers import as_number
from .run_rows import KnownRuns, RunRows
from .session_rows import KINDS, SessionRows


class Batch:
    """Collects records of one writer; ``write`` stores them in the caller's transaction.

    ``writer`` is None for what no journal says: it is true at once, and nobody's death ends its runs. ``clock`` is the
    latest time at which an earlier record of this writer changed how a run stands. A writer's own records count in
    their order, also where its clock was set back in between. ``distinct``: see ``store.direct.Change``.
    """

    def __init__(self, writer: str | None, clock: int = 0, *, distinct: bool = False) -> None:
        self.writer = writer
        self.distinct = distinct
        self.clock = clock
        #: Why records were refused: one reason each.
        self.refused: list[str] = []
        self.series: dict[int, tuple[str, str, bool]] = {}
        self._now = time.time_ns()
        self._runs = RunRows(writer)
        self._params: dict[tuple[str, str], str] = {}
        #: Values of tags (None for one that is taken away), and whether they are those of a run's start.
        self._tags: dict[tuple[str, str], tuple[str | None, bool]] = {}
        self._artifacts: dict[tuple[str, str], dict[str, Any]] = {}
        self._datasets: dict[tuple[str, str, str, str], dict[str, Any]] = {}
        self._models: dict[tuple[str, str], dict[str, Any]] = {}
        self._sessions = SessionRows()
        self._points: list[tuple[str, str, Points]] = []

    def take(self, record: Record) -> None:
        """Folds one journal record in, whole; one that makes no sense is counted and left out, whole."""
        try:
            found = checked(record)
        except UsageError as error:
            self.refuse(record, error)
            return
        kind = found["k"]
        if kind in KINDS:
            KINDS[kind](self._sessions, found)
            return
        self._runs.touch(found["r"], found["t"])
        _HANDLERS[kind](self, found)

    def refuse(self, record: Record, error: Exception) -> None:
        """Counts a record that cannot be stored."""
        self.refused.append(why(record, error))

    def touch(self, run_id: str, moment: int) -> None:
        """Notes that a run was alive at a moment: one of its points is of then."""
        self._runs.touch(run_id, moment)

    def number(self, run_id: str) -> int:
        """The row of a run that was spoken of, once it is written."""
        return self._runs.number(run_id)

    def _at(self, moment: int) -> int:
        """When a record counts as said: not in the future, and not before what this writer has said already."""
        self.clock = max(self.clock, min(moment, self._now))
        return self.clock

    # One method a kind of record.

    def _run_start(self, record: kinds.RunStart) -> None:
        self._runs.start(record, self._at(record["t"]))
        self._tags.update({(record["r"], key): (value, True) for key, value in record["tags"].items()})

    def _set_params(self, record: kinds.Params) -> None:
        self._params.update({(record["r"], key): value for key, value in record["params"].items()})

    def _set_tags(self, record: kinds.Tags) -> None:
        self._tags.update({(record["r"], key): (value, False) for key, value in record["tags"].items()})

    def _untag(self, record: kinds.Untag) -> None:
        self._tags.update({(record["r"], key): (None, False) for key in record["keys"]})

    def _rename(self, record: kinds.Rename) -> None:
        self._runs.rename(record, self._at(record["t"]))

    def _series(self, record: kinds.Series) -> None:
        self.series[record["id"]] = (record["r"], record["key"], record["dtype"] == "i8")

    def _artifact(self, record: kinds.Artifact) -> None:
        row = {name: record[name] for name in ("path", "size", "sha256")}
        self._artifacts[record["r"], record["path"]] = row

    def _dataset(self, record: kinds.Dataset) -> None:
        row: dict[str, Any] = {name: value for name, value in record.items() if name not in ("k", "t", "r")}
        row["columns"] = json.dumps(record["columns"], ensure_ascii=False)
        self._datasets[record["r"], record["name"], record["digest"], record["context"]] = row

    def _model(self, record: kinds.Model) -> None:
        row: dict[str, Any] = {name: value for name, value in record.items() if name not in ("k", "t", "r")}
        self._models[record["r"], record["path"]] = row

    def _health(self, record: kinds.Health) -> None:
        self._runs.health(record["r"], record["health"])

    def _run_end(self, record: kinds.RunEnd) -> None:
        self._runs.end(record, self._at(record["t"]))

    def _children(self, record: kinds.Children) -> None:
        at = self._at(record["t"])
        for child in record["runs"]:
            run = child["id"]
            self._runs.child(child, record["r"], at)
            self._params.update({(run, key): value for key, value in child["params"].items()})
            self._tags.update({(run, key): (value, True) for key, value in child["tags"].items()})
            for key, value in child["metrics"].items():
                is_int = isinstance(value, int) and abs(value) > FLOAT_EXACT
                points = Points([0], [child["ended"]], [bits_of(value, is_int=is_int)], is_int)
                self._points.append((run, key, points))

    # Writing.

    def write(
        self, connection: Connection, points: Iterable[tuple[str, str, Points]], runs: KnownRuns | None = None
    ) -> set[int]:
        """Stores everything that was taken in, and points (run id, key, points) of runs that were touched.

        Answers the numbers of the runs that are new. ``runs``: what this transaction knows of runs already.
        """
        fresh = self._runs.write(KnownRuns(connection) if runs is None else runs)
        for table, rows in (
            (schema.params, self._param_rows()),
            (schema.artifacts, self._rows_of(self._artifacts)),
            (schema.datasets, self._rows_of(self._datasets)),
            (schema.models, self._rows_of(self._models)),
        ):
            if rows:
                write_all(connection, upsert(table), rows)
        self._sessions.write(connection)
        self._write_tags(connection)
        if self.series:
            names = ("writer", "id", "run", "key", "is_int")
            write_rows(connection, upsert(schema.writer_series), names, self._series_rows())
        number = self._runs.number
        new = (NewPoints(number(run), key, some) for run, key, some in chain(self._points, points))
        append(connection, new, fresh, distinct=self.distinct)
        return fresh

    def _rows_of(self, things: Mapping[Any, Mapping[str, Any]]) -> list[dict[str, Any]]:
        return [{**row, "run": self._runs.number(address[0])} for address, row in things.items()]

    def _param_rows(self) -> list[dict[str, Any]]:
        return [
            {"run": self._runs.number(run), "key": key, "value": value, "number": as_number(value)}
            for (run, key), value in self._params.items()
        ]

    def _series_rows(self) -> list[tuple[str | None, int, int, str, bool]]:
        return [
            (self.writer, number, self._runs.number(run), key, is_int)
            for number, (run, key, is_int) in self.series.items()
        ]

    def _write_tags(self, connection: Connection) -> None:
        table = schema.tags
        rows, late, gone = [], [], []
        for (run, key), (value, of_start) in self._tags.items():
            row = {"run": self._runs.number(run), "key": key}
            if value is None:
                gone.append({f"at_{name}": part for name, part in row.items()})
            elif of_start and self._runs.began_again(run):
                late.append({**row, "value": value})
            else:
                rows.append({**row, "value": value})
        if rows:
            write_all(connection, upsert(table), rows)
        if late:
            write_all(connection, upsert(table, keep=True), late)
        if gone:
            where = (table.c.run == bindparam("at_run"), same_text(table.c.key, bindparam("at_key", type_=Text())))
            connection.execute(delete(table).where(*where), gone)


def why(record: Record, error: Exception) -> str:
    """Why a record was refused, in words that can be kept whatever the record holds."""
    kind = record.get("k")
    text = f"{kind[:20] if isinstance(kind, str) else 'a record'}: {error}"
    return printable(text[:300])


_SERIES = schema.writer_series
_ANNOUNCED = (
    select(_SERIES.c.id, schema.runs.c.id, _SERIES.c.key, _SERIES.c.is_int)
    .join(schema.runs, schema.runs.c.n == _SERIES.c.run)
    .where(_SERIES.c.writer == bindparam("this", type_=_SERIES.c.writer.type), among_bound(_SERIES.c.id, bound="ids"))
)


def series_of(connection: Connection, writer: str, ids: Iterable[int]) -> dict[int, tuple[str, str, bool]]:
    """(run id, key, is_int) of series that earlier batches of a writer have announced."""
    rows = fetch_kept(connection, _ANNOUNCED, {"this": writer, "ids": list(ids)})
    return {row[0]: (row[1], row[2], bool(row[3])) for row in rows}


_HANDLERS: Mapping[str, Callable[[Batch, Any], None]] = {
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
