"""The database of a store: everything that is written to it and read from it, on any engine."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection
from sqlalchemy import Engine as Pool

from autotrack.core.entities import (
    Columns,
    Delivery,
    Experiment,
    FileRecord,
    ForeignExperiment,
    MetricSummary,
    RunRecord,
    SessionRecord,
)
from autotrack.core.errors import FilterError, NotFoundError, StoreError, UsageError
from autotrack.core.journal.lastwords import LastWord
from autotrack.core.journal.reader import Batch, Cursor
from autotrack.core.keys import printable

from . import experiments as lives
from . import schema
from .engines.dialect import TooExpensive, begin_read, begin_write, time_limit, transact
from .filters import parse_filter, parse_order
from .intake.batches import Intake
from .registry.logged_models import StoredLoggedModels
from .registry.names import StoredRegistry
from .search import origins, queries
from .upkeep import integrity

P = ParamSpec("P")
T = TypeVar("T")

#: How long a search may take before it is refused as too expensive.
SEARCH_SECONDS = 2.0


class Database:
    """One database. Threads may share it; a forked child gets its own connections.

    ``connect`` makes a pool of connections to it; ``refusal`` is the error for writing to it, None where one may.
    """

    def __init__(self, connect: Callable[[], Pool], refusal: Callable[[], StoreError] | None = None) -> None:
        self._connect = connect
        self._refusal = refusal
        #: Named models, and those that runs have logged (``core.registered``).
        self.registry = StoredRegistry(self.reading, self.writing)
        self.logged_models = StoredLoggedModels(self.reading, self.writing)
        self._open()

    @property
    def writable(self) -> bool:
        """False where it may only be read."""
        return self._refusal is None

    def _open(self) -> None:
        self._pid = os.getpid()
        self._engine = self._connect()
        self._intake = Intake(self._engine)

    # Taking in.

    def cursor(self, writer: str) -> Cursor:
        """How far a writer's records are in the store (see ``core.sink.Intake``, as for the next two)."""
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

    # Reading.

    def run(self, run_id: str) -> RunRecord:
        """The run with that id or unique prefix (NotFoundError, AmbiguousError)."""
        with self.reading() as connection:
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
        with self.reading() as connection:
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
        with self.reading() as connection:
            number = queries.number_of(connection, run_id)
            # What no store can keep is not there, and no engine is asked for it.
            found = queries.history(connection, number, key) if key == printable(key) else None
            if found is None:
                raise NotFoundError(
                    f"run {run_id} has no metric {key[:80]!r}{_instead(key, queries.summaries(connection, number))}"
                )
        return found

    def metric_summaries(self, run_id: str) -> list[MetricSummary]:
        """What is known of each metric of a run without its points, by key."""
        with self.reading() as connection:
            return queries.summaries(connection, queries.number_of(connection, run_id))

    def experiments(self, lifecycle: str = "active") -> list[Experiment]:
        """The experiments, newest first, with how many active runs each has."""
        with self.reading() as connection:
            return lives.listed(connection, lifecycle)

    # Where things come from.

    def session(self, session_id: str) -> SessionRecord:
        """One execution of a program (NotFoundError)."""
        with self.reading() as connection:
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
        with self.reading() as connection:
            return origins.files(connection, sessions=sessions, contents=contents, path=path)

    def console(self, session_id: str) -> list[tuple[int, str, str]]:
        """What a session printed: (place in the output, ``stdout`` or ``stderr``, text), in order."""
        with self.reading() as connection:
            return origins.console(connection, session_id)

    def runs_with(
        self, *, sessions: Sequence[str] = (), datasets: Sequence[str] = (), contents: Sequence[str] = ()
    ) -> list[RunRecord]:
        """Runs, newest first, of those sessions, with a data set of those digests, or an artifact of those contents."""
        with self.reading() as connection:
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

    def adopt_experiment(self, experiment: ForeignExperiment) -> str:
        """The id of the experiment of that name, made where there is none (see ``core.runs.foreign.Receiver``)."""
        return self._change(lives.adopt, experiment)

    def mark_deleted(self, run_ids: Sequence[str]) -> None:
        """Deletes those runs softly, and no others."""
        self._change(lives.mark_deleted, run_ids)

    def _change(self, function: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        self._check_writable()
        self._catch_up()
        return self.write(lambda connection: function(connection, *args, **kwargs))

    # Connections.

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one state of the database, with all that is known (StoreError)."""
        self._catch_up()
        with self._reading() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction to write in (StoreError; UnavailableError where the same may work in a moment). A function that
        writes in one such transaction is done again by ``dialect.whole`` where others came in between."""
        self._check_writable()
        self._after_fork()
        with begin_write(self._engine) as connection:
            yield connection

    def write(self, work: Callable[[Connection], T], *, idempotent: bool = False) -> T:
        """What ``work`` answers, done in a transaction, and again where another one came in between.

        ``idempotent``: done twice is done once.
        """
        self._check_writable()
        self._after_fork()
        return transact(self._engine, work, idempotent=idempotent)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        self._after_fork()
        with begin_read(self._engine) as connection:
            yield connection

    def _catch_up(self) -> None:
        """Brings in what waits elsewhere, for stores that have such a place."""

    def _after_fork(self) -> None:
        """In a forked child: lets go of the parent's connections without touching them, and makes new ones."""
        if self._pid != os.getpid():
            self._engine.dispose(close=False)
            self._open()

    def _check_writable(self) -> None:
        if self._refusal is not None:
            raise self._refusal()

    def check(self) -> list[str]:
        """What is wrong with the database: one sentence a finding, none where it is sound."""
        with self._reading() as connection:
            return integrity.findings(connection)

    def close(self) -> None:
        """Lets go of the database; it is opened again if it is used again."""
        self._engine.dispose()


def _instead(key: str, there: Sequence[MetricSummary]) -> str:
    """What a run has that somebody asked for another metric: what is spelled alike, else the first few."""
    if not there:
        return "; it has none"
    names = [each.key for each in there]
    from difflib import get_close_matches

    shown = get_close_matches(key[:80], names[:2000], 3) or names[:5]
    return f"; it has {', '.join(shown)}{'' if len(shown) == len(names) else ', ...'}"
