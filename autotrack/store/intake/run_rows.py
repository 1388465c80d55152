"""What journal records say about runs themselves, as rows: their beginning, name, end, health.

Several processes may write about one run, and their journals come in any order. What counts is when a thing was said,
not when it came: a row keeps the time of the newest start, name and status (``begun_at``, ``name_at``, ``status_at``),
and an older one changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Update, bindparam, insert, select

from autotrack.core.entities import Status
from autotrack.core.journal.record_types import Child, Rename, RunEnd, RunStart
from autotrack.core.journal.records import DEFAULT_EXPERIMENT
from autotrack.core.runs.names import experiment_id

from .. import schema
from ..engines.dialect import among_bound, fetch_kept, for_update, numbers_for, run_kept, write_rows
from .health import merged

#: Runs that are looked up in one statement.
MANY = 2000
#: What a start says of a run besides its name and status.
ORIGIN = ("parent", "session", "user", "artifact_uri", "random_state")


#: What of a run's row is looked at before it is changed.
KNOWN = (
    "n id name experiment_id status lifecycle started ended last_seen health begun_at name_at status_at session user"
)
_NAMES = KNOWN.split()
_THESE = for_update(
    select(*(schema.runs.c[name] for name in _NAMES))
    .where(among_bound(schema.runs.c.id, bound="ids"))
    .order_by(schema.runs.c.id)
)


class KnownRuns:
    """Rows of runs as a transaction finds them and leaves them.

    Each is looked up once, and locked, so that what is checked still holds when it is written.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._asked: set[str] = set()
        self.rows: dict[str, dict[str, Any]] = {}

    def look_up(self, run_ids: Iterable[str]) -> None:
        """Reads those that it does not know yet: in one order, so that no two transactions wait for each other."""
        ids = sorted(set(run_ids) - self._asked)
        self._asked.update(ids)
        for start in range(0, len(ids), MANY):
            for row in fetch_kept(self.connection, _THESE, {"ids": ids[start : start + MANY]}):
                self.rows[row[1]] = dict(zip(_NAMES, row, strict=True))


@cache
def _changing(names: tuple[str, ...]) -> Update:
    """The statement that changes these columns of a run; made once, for there are few kinds of changes."""
    table = schema.runs
    changed: dict[Any, Any] = {table.c[name]: bindparam(f"at_{name}") for name in names}
    return table.update().where(table.c.n == bindparam("at_n")).values(changed)


@dataclass(slots=True)
class _Run:
    """What a batch says about one run; ``*_at`` is when, None where it does not say."""

    begun_at: int | None = None
    started: int = 0
    origin: dict[str, Any] = field(default_factory=dict)
    experiment: str | None = None
    name_at: int | None = None
    name: str = ""
    status_at: int | None = None
    status: dict[str, Any] = field(default_factory=dict)
    health: list[Mapping[str, Any]] = field(default_factory=list)
    seen: int = 0
    #: True for a child in its parent's record: what that does not say is as its parent has it.
    inherits: bool = False
    #: Its row, once it is written, and whether the store knew a newer start than the one here.
    number: int = 0
    begun_before: bool = False


class RunRows:
    """Collects what one batch of a writer says about runs; ``write`` stores it in the caller's transaction."""

    def __init__(self, writer: str | None) -> None:
        self._writer = writer
        self._runs: dict[str, _Run] = {}

    def touch(self, run_id: str, moment: int) -> None:
        """Notes that a run was spoken of, and was alive at a moment."""
        run = self._run(run_id)
        if moment > run.seen:
            run.seen = moment

    def number(self, run_id: str) -> int:
        """The row of a run that was touched, once it is written."""
        return self._runs[run_id].number

    def began_again(self, run_id: str) -> bool:
        """True where the start in this batch is older than one that the store knows."""
        return self._runs[run_id].begun_before

    def _run(self, run_id: str) -> _Run:
        found = self._runs.get(run_id)
        if found is None:
            found = self._runs[run_id] = _Run()
        return found

    # What records say. ``at`` is the record's time as it is compared with other writers'.

    def start(self, record: RunStart, at: int) -> None:
        run = self._run(record["r"])
        run.started = record["t"] if run.begun_at is None else min(run.started, record["t"])
        run.experiment = record["experiment"]
        run.origin = {name: value for name, value in record.items() if name in ORIGIN}
        run.name, run.begun_at, run.name_at, run.status_at = record["name"], at, at, at
        run.status = {"status": str(Status.RUNNING), "ended": None, "error": None, "exit_code": None}

    def rename(self, record: Rename, at: int) -> None:
        run = self._run(record["r"])
        run.name, run.name_at = record["name"], at

    def end(self, record: RunEnd, at: int) -> None:
        run = self._run(record["r"])
        run.status_at = at
        run.status = {name: record[name] for name in ("status", "ended", "error", "exit_code")}
        run.status["guessed"] = record.get("guessed")

    def child(self, child: Child, parent: str, at: int) -> None:
        run = self._run(child["id"])
        run.started, run.inherits = child["started"], True
        run.origin = {**dict.fromkeys(ORIGIN), "parent": parent}
        run.name, run.begun_at, run.name_at, run.status_at = child["name"], at, at, at
        run.status = {"status": child["status"], "ended": child["ended"], "error": None, "exit_code": None}
        run.seen = max(run.seen, child["ended"])

    def health(self, run_id: str, health: Mapping[str, Any]) -> None:
        self._run(run_id).health.append(health)

    # Writing.

    def write(self, found: KnownRuns) -> set[int]:
        """Adds and changes rows; answers the numbers of those that it added.

        Runs that were never started (their record was lost) are made up.
        """
        if not self._runs:
            return set()
        found.look_up(self._runs)
        connection, known = found.connection, found.rows
        numbers = iter(numbers_for(connection, schema.runs.c.n, sum(run_id not in known for run_id in self._runs)))
        experiments = _Experiments(connection)
        self._find_experiments(known, experiments)
        new: list[dict[str, Any]] = []
        changes: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        # In order of appearance: a search's parent comes before its children, whose experiment is the parent's.
        for run_id, run in self._runs.items():
            if run.inherits:
                parent = known.get(run.origin["parent"], {})
                run.origin.update({name: parent.get(name) for name in ("session", "user")})
            row = known.get(run_id)
            if row is None:
                run.number = next(numbers)
                experiment = self._experiment_of(run, known, experiments, connection)
                known[run_id] = self._new(run_id, run, experiments.lifecycle(experiment), experiment)
                new.append(known[run_id])
                continue
            run.number = row["n"]
            update = self._update(run, row)
            if run.experiment is not None and row["begun_at"] is None:  # made up before; now it is known
                update["experiment_id"] = experiments.id_of(run.experiment, run.seen)
            if update:
                row.update(update)
                values = {f"at_{name}": value for name, value in update.items()}
                changes.setdefault(tuple(update), []).append({**values, "at_n": run.number})
        if new:
            names = [column.name for column in schema.runs.columns]
            # By id, as everybody does: two who add the same runs then wait for each other in no ring.
            rows = sorted((tuple(row.values()) for row in new), key=itemgetter(names.index("id")))
            write_rows(connection, insert(schema.runs), names, rows)
        for changed_names, some in changes.items():
            run_kept(connection, _changing(changed_names), some)
        return {row["n"] for row in new}

    def _find_experiments(self, known: Mapping[str, Mapping[str, Any]], experiments: _Experiments) -> None:
        """Finds or makes the experiments that the runs of this batch begin in: by name, as everybody does, so that two
        who make the same ones wait for each other in no ring."""
        begun: dict[str, int] = {}
        for run_id, run in self._runs.items():
            row = known.get(run_id)
            if run.experiment is not None and (row is None or row["begun_at"] is None):
                begun.setdefault(run.experiment, run.seen)
        for name, moment in sorted(begun.items()):
            experiments.id_of(name, moment)

    def _new(self, run_id: str, run: _Run, lifecycle: Mapping[str, Any], experiment: str) -> dict[str, Any]:
        row: dict[str, Any] = dict.fromkeys(column.name for column in schema.runs.columns)
        started = run.started if run.begun_at is not None else run.seen
        row.update(n=run.number, id=run_id, experiment_id=experiment, started=started, writer=self._writer, **lifecycle)
        row.update(name=f"run-{run_id[:8]}" if run.name_at is None else run.name, status=str(Status.RUNNING))
        row.update(run.origin)
        row.update(run.status)
        row.update(begun_at=run.begun_at, name_at=run.name_at, status_at=run.status_at)
        row.update(last_seen=max(run.seen, started), health=merged(None, run.health))
        return row

    def _update(self, run: _Run, row: Mapping[str, Any]) -> dict[str, Any]:
        """What of a row changes. Only what the records say is written: what somebody else changes meanwhile stays."""
        update: dict[str, Any] = {}
        if run.begun_at is not None:
            run.begun_before = row["begun_at"] is not None and run.begun_at < row["begun_at"]
            if not run.begun_before:
                update.update(run.origin, writer=self._writer, begun_at=run.begun_at)
            # A run that goes on keeps its first start, whichever comes first.
            if row["begun_at"] is None or run.started < row["started"]:
                update["started"] = run.started
        if run.name_at is not None and run.name_at >= (row["name_at"] or run.name_at):
            update.update(name=run.name, name_at=run.name_at)
        if run.status_at is not None and run.status_at >= (row["status_at"] or run.status_at):
            update.update({"guessed": None} | run.status, status_at=run.status_at)
        if run.health:
            update["health"] = merged(row["health"], run.health)
        if run.seen > (row["last_seen"] or 0):
            update["last_seen"] = run.seen
        return update

    def _experiment_of(
        self,
        run: _Run,
        known: Mapping[str, Mapping[str, Any]],
        experiments: _Experiments,
        connection: Connection,
    ) -> str:
        if run.experiment is not None:
            return experiments.id_of(run.experiment, run.seen)
        parent = run.origin.get("parent")
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


def create_experiment(connection: Connection, name: str, moment: int, identity: str | None = None) -> str:
    """A new experiment's id: the one that is given and free, else from its name, so that stores agree, or at random
    where that is taken."""
    table = schema.experiments
    for attempt in range(1000) if identity is None else ():
        identity = experiment_id(name, attempt)
        if connection.execute(select(table.c.id).where(table.c.id == identity)).first() is None:
            break
    row = {"id": identity, "name": name, "lifecycle": "active", "created": moment, "updated": moment}
    connection.execute(insert(table), row)
    return str(identity)
