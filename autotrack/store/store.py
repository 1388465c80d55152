"""The local store: a folder with a database, journals and artifacts.

autotrack.db  schema.lock  ingest.lock  journal/  artifacts/  objects/
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection

from autotrack.core.addresses import DATABASE, located
from autotrack.core.config import spare_folder
from autotrack.core.entities import Columns, Delivery, Experiment, FileRecord, MetricSummary, RunRecord, SessionRecord
from autotrack.core.errors import FilterError, NotFoundError, StoreError, UsageError
from autotrack.core.guard import warn
from autotrack.core.journal.lastwords import LastWord
from autotrack.core.journal.reader import Batch, Cursor
from autotrack.core.objects import Objects
from autotrack.core.private import make_own, make_private

from . import experiments as lives
from . import integrity, migrate, origins, queries, schema
from .artifacts import LocalArtifacts
from .dialect import TooExpensive, begin_write, sqlite_engine, time_limit, translated
from .filters import parse_filter, parse_order
from .gc import GarbagePlan, collect, plan
from .ingest import Ingest
from .intake import Intake
from .logged_models import StoredLoggedModels
from .reachable import shares_objects
from .registry import StoredRegistry

if TYPE_CHECKING:
    from .remote_artifacts import FsspecArtifacts

log = logging.getLogger("autotrack.store")
P = ParamSpec("P")
T = TypeVar("T")

#: How long a search may take before it is refused as too expensive.
SEARCH_SECONDS = 2.0
#: How long a reader waits for another process that is delivering the journals just now.
PATIENCE = 1.0


class Store:
    """A sink that is a folder on this machine. Threads may share it; a forked child gets its own connections."""

    eager = False

    def __init__(self, root: Path, database: Path, writable: bool) -> None:
        self.root = root
        self.database = database
        self.writable = writable
        self.objects = Objects(root / "objects")
        self.uri = str(root) if database == root / DATABASE else f"sqlite:///{database}"
        #: Named models, and those that runs have logged (``core.registered``).
        self.registry = StoredRegistry(self.reading, self.writing)
        self.logged_models = StoredLoggedModels(self.reading, self.writing)
        self._connect()

    def _connect(self) -> None:
        self._pid = os.getpid()
        self._engine = sqlite_engine(self.database, read_only=not self.writable)
        self._intake = Intake(self._engine)
        self._ingest = Ingest(self._intake, self.database)

    @classmethod
    def open(cls, where: Path | str) -> Store:
        """The store in a folder, made if it is not there yet, or of one database file (``sqlite:///path`` or *.db).

        Raises StoreError where it cannot be made or read, SchemaVersionError where another version is needed.
        """
        root, database = located(where)
        try:
            for folder in (root, root / "journal", root / "artifacts"):
                make_private(folder)
            ignore = root / ".gitignore"
            if database == root / DATABASE and not ignore.exists():
                ignore.write_text("*\n", encoding="utf-8")
        except OSError as error:
            if not database.exists():
                raise StoreError(
                    f"could not make a store in {root} ({error}); choose a folder you may write to"
                ) from error
        writable = migrate.prepare(database) and os.access(database, os.W_OK) and os.access(database.parent, os.W_OK)
        return cls(root, database, writable)

    @property
    def artifacts(self) -> LocalArtifacts | FsspecArtifacts:
        """The files of its runs: those of a run are in the folder ``<experiment>/<run>``."""
        return LocalArtifacts(self.root / "artifacts")

    # Delivering.

    def deliver(self, folder: Path, *, deadline: float | None = None) -> Delivery:
        """Takes in the journals under ``folder`` (see ``Sink.deliver``)."""
        self._check_writable()
        self._after_fork()
        return self._ingest.deliver(folder, deadline)

    def cursor(self, writer: str) -> Cursor:
        """How far a writer's records are in the store (see ``Intake``, as for the next two)."""
        self._after_fork()
        return self._intake.cursor(writer)

    def apply(
        self, writer: str, cursor: Cursor, batch: Batch, *, host: str | None = None, seen: int | None = None
    ) -> Delivery:
        """Stores a batch of a writer's records that begins at ``cursor``, once however often it is sent."""
        self._check_writable()
        self._after_fork()
        return self._intake.apply(writer, cursor, batch, host=host, seen=seen)

    def end_writer(
        self, writer: str, *, seen: int | None = None, word: LastWord | None = None, exit_code: int | None = None
    ) -> None:
        """Ends the runs that a dead writer left running."""
        self._check_writable()
        self._after_fork()
        self._intake.end_writer(writer, seen=seen, word=word, exit_code=exit_code)

    def _refresh(self) -> None:
        """Brings in what the journals hold, so that a reader sees everything; reading goes on where that fails."""
        self._after_fork()
        if not self.writable:
            return
        until = time.monotonic() + PATIENCE
        try:
            while self.deliver(self.root / "journal").busy and time.monotonic() < until:
                time.sleep(0.02)
        except StoreError as error:
            warn(f"new records could not be brought into the store and are kept: {error}")

    # Reading.

    def run(self, run_id: str) -> RunRecord:
        """The run with that id or unique prefix (NotFoundError, AmbiguousError)."""
        self._refresh()
        with self._reading() as connection:
            found = queries.load(connection, [queries.number_of(connection, run_id)])
        return found[0]

    def runs(
        self,
        filter: str = "",
        *,
        experiments: Sequence[str] | None = None,
        order_by: Sequence[str] = (),
        max_results: int = 1000,
        offset: int = 0,
        lifecycle: str = "active",
        children_of: str | None = None,
        mlflow: bool = False,
    ) -> list[RunRecord]:
        """Runs that match, newest first unless ordered (FilterError); ``experiments`` are names or ids.

        ``mlflow`` accepts only MLflow's search language. Raises FilterError also where the search takes too long.
        """
        if max_results < 0 or offset < 0:
            raise UsageError(f"max_results and offset are 0 or more, not {max_results} and {offset}")
        limits = (min(max_results, 2**62), min(offset, 2**62))
        node = parse_filter(filter, mlflow=mlflow)
        orders = parse_order([order_by] if isinstance(order_by, str) else order_by, mlflow=mlflow)
        self._refresh()
        with self._reading() as connection:
            where = self._where(connection, experiments, lifecycle, children_of)
            try:
                with time_limit(connection, SEARCH_SECONDS):
                    numbers = queries.matching(connection, node, orders, where, *limits)
            except TooExpensive as error:
                raise FilterError(str(error), filter, 0) from error
            return queries.load(connection, numbers)

    def _where(
        self, connection: Connection, names: Sequence[str] | None, lifecycle: str, children_of: str | None
    ) -> list[queries.Condition]:
        runs = schema.runs
        where: list[queries.Condition] = []
        if lives.checked(lifecycle) != "all":
            where.append(runs.c.lifecycle == lifecycle)
        if names is not None:
            wanted = [names] if isinstance(names, str) else names
            where.append(runs.c.experiment_id.in_([lives.id_of(connection, name) for name in wanted]))
        if children_of is not None:
            parent = queries.load(connection, [queries.number_of(connection, children_of)])[0]
            where.append(runs.c.parent == parent.id)
        return where

    def metric_history(self, run_id: str, key: str) -> Columns:
        """All points of one metric (NotFoundError where the run has no such metric)."""
        self._refresh()
        with self._reading() as connection:
            found = queries.history(connection, queries.number_of(connection, run_id), key)
        if found is None:
            raise NotFoundError(f"run {run_id} has no metric {key[:80]!r}")
        return found

    def metric_summaries(self, run_id: str) -> list[MetricSummary]:
        """What is known of each metric of a run without its points, by key."""
        self._refresh()
        with self._reading() as connection:
            return queries.summaries(connection, queries.number_of(connection, run_id))

    def experiments(self, lifecycle: str = "active") -> list[Experiment]:
        """The experiments, newest first, with how many active runs each has."""
        self._refresh()
        with self._reading() as connection:
            return lives.listed(connection, lifecycle)

    # Where things come from.

    def session(self, session_id: str) -> SessionRecord:
        """One execution of a program (NotFoundError)."""
        self._refresh()
        with self._reading() as connection:
            found = origins.sessions(connection, [session_id])
        if not found:
            raise NotFoundError(
                f"no session {session_id[:64]!r} is known; its first record was lost or is not here yet"
            )
        return found[0]

    def files(
        self,
        *,
        sessions: Sequence[str] | None = None,
        contents: Sequence[str] | None = None,
        path: str | None = None,
    ) -> list[FileRecord]:
        """Files that sessions read or wrote: of those sessions, with those contents (sha256), of that path."""
        self._refresh()
        with self._reading() as connection:
            return origins.files(connection, sessions=sessions, contents=contents, path=path)

    def console(self, session_id: str) -> list[tuple[int, str, str]]:
        """What a session printed: (place in the output, ``stdout`` or ``stderr``, text), in order."""
        self._refresh()
        with self._reading() as connection:
            return origins.console(connection, session_id)

    def runs_with(
        self, *, sessions: Sequence[str] = (), datasets: Sequence[str] = (), contents: Sequence[str] = ()
    ) -> list[RunRecord]:
        """Runs, newest first, of those sessions, with a data set of those digests, or an artifact of those contents."""
        self._refresh()
        with self._reading() as connection:
            numbers = origins.users_of(connection, sessions=sessions, datasets=datasets, contents=contents)
            return queries.load(connection, numbers)

    # Changing.

    def create_experiment(self, name: str, tags: dict[str, str] | None = None) -> Experiment:
        """A new experiment (UsageError where the name is taken)."""
        identity = self._change(lives.create, name, tags)
        return next(found for found in self.experiments("all") if found.id == identity)

    def rename_experiment(self, name_or_id: str, new_name: str) -> None:
        """Gives an experiment another name."""
        self._change(lives.rename, name_or_id, new_name)

    def delete_experiment(self, name_or_id: str) -> None:
        """Deletes an experiment softly, with its runs."""
        self._change(lives.delete, name_or_id)

    def restore_experiment(self, name_or_id: str) -> None:
        """Brings back a deleted experiment with the runs that went with it."""
        self._change(lives.restore, name_or_id)

    def delete_runs(self, run_ids: Iterable[str]) -> int:
        """Deletes runs softly, with their children; answers how many."""
        return self._change(lives.delete_runs, list(run_ids))

    def restore_runs(self, run_ids: Iterable[str]) -> int:
        """Brings deleted runs back, with the children that went with them; answers how many."""
        return self._change(lives.restore_runs, list(run_ids))

    def _change(self, function: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        self._check_writable()
        self._refresh()
        with begin_write(self._engine) as connection:
            return function(connection, *args, **kwargs)

    # Keeping house.

    def garbage(self) -> GarbagePlan:
        """What ``collect_garbage`` would remove, and the bytes that this frees."""
        self._refresh()
        objects = self._knows_references()
        with self._reading() as connection:
            return plan(connection, self.root, objects=objects)

    def collect_garbage(self, planned: GarbagePlan | None = None) -> GarbagePlan:
        """Removes what ``garbage`` showed for good; answers what was really removed."""
        planned = self.garbage() if planned is None else planned
        self._check_writable()
        return collect(self._engine, self.root, planned, objects=self._knows_references())

    def _knows_references(self) -> bool:
        """True where everything that refers to this store's objects is in the database: what has gone to the spare
        folder, too, which nobody else brings in by himself."""
        if not self.writable:
            return False
        spare = spare_folder()
        try:
            folders = [self.root / "journal"]
            if spare.exists():
                make_own(spare)
                folders.append(spare / "journal")
            deliveries = [self.deliver(folder) for folder in folders]
            return not any(each.busy or each.left or each.damaged for each in deliveries) and not shares_objects(
                self.database
            )
        except (StoreError, OSError) as error:
            log.debug("objects are not collected: %s", error)
            return False

    def check(self) -> list[str]:
        """What is wrong with the database: one sentence a finding, none where it is sound."""
        with self._reading() as connection:
            return integrity.findings(connection)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        self._after_fork()
        with translated(self._engine), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection to read with, what journals hold brought in first (StoreError)."""
        self._refresh()
        with self._reading() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction to write in (StoreError)."""
        self._check_writable()
        self._after_fork()
        with begin_write(self._engine) as connection:
            yield connection

    def _after_fork(self) -> None:
        """In a forked child: lets go of the parent's connections without touching them, and makes new ones."""
        if self._pid != os.getpid():
            self._engine.dispose(close=False)
            self._connect()

    def _check_writable(self) -> None:
        if not self.writable:
            if os.access(self.database, os.W_OK) and os.access(self.database.parent, os.W_OK):
                raise migrate.refuse_writing(self.database)
            raise StoreError(f"{self.database} may only be read by you; ask its owner, or use another store")

    def close(self) -> None:
        """Lets go of the database; the store opens it again if it is used again."""
        self._engine.dispose()
