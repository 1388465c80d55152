"""Writes of others than journals: requests that come together are stored together, each whole or not at all.

A writer's journal is shipped in batches; a request that wants to be answered with "it is stored" cannot wait for one.
So one thread stores whatever has come while it stored the last: with one client that is a transaction a request, with
a hundred it is a transaction for a hundred. Nothing is acknowledged before its transaction is.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from operator import itemgetter

from sqlalchemy import Connection, select

from autotrack.core.errors import NotFoundError, UsageError
from autotrack.core.guard import attempt
from autotrack.core.journal.records import Record, checked

from .. import schema
from ..engines.dialect import among_pairs_bound, fetch_kept, whole
from ..series.points import Points
from .apply import Batch
from .run_rows import KnownRuns
from .storing import UNFIT

#: Requests that are stored in one transaction at most, and the points that they have together.
MOST_CHANGES = 256
MOST_POINTS = 200_000


@dataclass(frozen=True, slots=True)
class RunState:
    """How a run stands at the moment at which something is written to it."""

    number: int
    id: str
    name: str
    experiment_id: str
    status: str
    lifecycle: str
    started: int
    ended: int | None


_RUNS, _TEXTS = schema.runs, schema.params
#: ``RunState`` of a row as ``KnownRuns`` has it.
_STATE = itemgetter("n", "id", "name", "experiment_id", "status", "lifecycle", "started", "ended")
_PARAMS = (
    select(_RUNS.c.id, _TEXTS.c.key, _TEXTS.c.value)
    .join(_RUNS, _RUNS.c.n == _TEXTS.c.run)
    .where(among_pairs_bound(_TEXTS.c.run, _TEXTS.c.key, bound="pairs"))
)


class Standing:
    """What the store holds of the runs that are written to, as a transaction's earlier changes leave it."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.known = KnownRuns(connection)
        self._runs: dict[str, RunState | None] = {}
        self._params: dict[tuple[str, str], str] = {}

    def run(self, run_id: str) -> RunState:
        """A run, deleted or not (NotFoundError)."""
        if run_id not in self._runs:
            self.look_up([run_id], ())
        found = self._runs[run_id]
        if found is None:
            raise NotFoundError(f"there is no run {run_id[:64]!r}")
        return found

    def param(self, run_id: str, key: str) -> str | None:
        """The value of a param that the change has named in ``needs``."""
        return self._params.get((run_id, key))

    def look_up(self, run_ids: Collection[str], params: Iterable[tuple[str, str]]) -> None:
        """Reads runs and params, a statement each."""
        self.known.look_up(run_ids)
        for run_id in run_ids:
            row = self.known.rows.get(run_id)
            self._runs[run_id] = None if row is None else RunState(*_STATE(row))
        numbered = [(run.number, key) for run_id, key in params if (run := self._runs.get(run_id)) is not None]
        if numbered:
            rows = fetch_kept(self.connection, _PARAMS, {"pairs": numbered})
            self._params.update({(row[0], row[1]): row[2] for row in rows})

    def take(self, records: Iterable[Record]) -> None:
        """Notes what is going to be written, for the checks of the changes behind it in the transaction."""
        for record in records:
            run = self._runs.get(record["r"])
            match record["k"]:
                case "params":
                    self._params.update({(record["r"], key): value for key, value in record["params"].items()})
                case "rename" if run is not None:
                    self._runs[run.id] = replace(run, name=record["name"])
                case "run_end" if run is not None:
                    self._runs[run.id] = replace(run, status=record["status"], ended=record["ended"])


@dataclass(frozen=True, slots=True)
class Change:
    """What one request says of one run.

    ``prepare`` raises what keeps the change out, before anything is written, and answers its records, of the journal's
    grammar (``core.journal.records``; UsageError otherwise); ``needs`` are the params that it asks ``Standing`` for.
    ``points`` are a metric's key and its points. ``also`` writes what else belongs to it, in the same transaction, once
    the run has its number. ``distinct``: points that are stored already are not stored again, and the latest value is
    that of the largest step, then time, then value, as MLflow has it.
    """

    run: str
    prepare: Callable[[Standing], Sequence[Record]]
    points: Sequence[tuple[str, Points]] = ()
    needs: Collection[str] = ()
    also: Callable[[Connection, int], None] | None = None
    distinct: bool = False

    @property
    def weight(self) -> int:
        """How many points it brings."""
        return sum(len(points) for _, points in self.points)


@dataclass(slots=True)
class _Waiting:
    change: Change
    done: Future[None] = field(default_factory=Future)


class DirectWrites:
    """Stores changes; one for each process that serves requests.

    ``writing`` makes the transaction. The thread starts with the first change and goes on until ``close``.
    """

    def __init__(self, writing: Callable[[], AbstractContextManager[Connection]]) -> None:
        self._writing = writing
        self._queue: deque[_Waiting] = deque()
        self._news = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    def submit(self, change: Change) -> Future[None]:
        """Has a change stored; the future is done once it is, or has the error that kept it out."""
        waiting = _Waiting(change)
        with self._news:
            if self._closed:
                raise UsageError("this store is being closed: nothing more is written to it")
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="autotrack-writes", daemon=True)
                self._thread.start()
            self._queue.append(waiting)
            self._news.notify()
        return waiting.done

    def write(self, change: Change) -> None:
        """The same, waited for."""
        self.submit(change).result()

    def close(self) -> None:
        """Stores what waits, and ends the thread."""
        with self._news:
            self._closed = True
            self._news.notify()
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        while (some := self._next()) is not None:
            _, error = attempt(self._store, some)
            if error is not None and len(some) > 1 and isinstance(error.__cause__ or error, UNFIT):
                for waiting in some:  # which of them it was, a transaction each will tell
                    if not waiting.done.done():
                        _settle([waiting], attempt(self._store, [waiting])[1])
            else:
                _settle(some, error)

    def _next(self) -> list[_Waiting] | None:
        with self._news:
            while not self._queue:
                if self._closed:
                    return None
                self._news.wait()
            some = [self._queue.popleft()]
            points = some[0].change.weight
            while self._queue and len(some) < MOST_CHANGES:
                points += self._queue[0].change.weight
                if points > MOST_POINTS:
                    break
                some.append(self._queue.popleft())
            return some

    @whole
    def _store(self, some: Sequence[_Waiting]) -> None:
        """One transaction; a change that its own check keeps out has its error at once, and is not in it."""
        some = [each for each in some if not each.done.done()]
        with self._writing() as connection:
            standing = Standing(connection)
            standing.look_up(
                {each.change.run for each in some},
                [(each.change.run, key) for each in some for key in each.change.needs],
            )
            # Each has its own half: points of those that want each stored once, and of those that do not.
            batches: dict[bool, tuple[Batch, list[tuple[str, str, Points]]]] = {}
            extras: list[tuple[Change, Batch]] = []
            for waiting in some:
                change = waiting.change
                records, error = attempt(_prepared, change, standing)
                if records is None:
                    waiting.done.set_exception(error)
                    continue
                standing.take(records)
                batch, points = batches.setdefault(change.distinct, (Batch(None, distinct=change.distinct), []))
                for record in records:
                    batch.take(record)
                for key, new in change.points:
                    batch.touch(change.run, int(max(new.times)))
                    points.append((change.run, key, new))
                if change.also is not None:
                    batch.touch(change.run, 0)
                    extras.append((change, batch))
            for batch, points in batches.values():
                batch.write(connection, points, standing.known)
            for change, batch in extras:
                if change.also is not None:
                    change.also(connection, batch.number(change.run))


def _prepared(change: Change, standing: Standing) -> Sequence[Record]:
    return [checked(record) for record in change.prepare(standing)]


def _settle(some: Iterable[_Waiting], error: Exception | None) -> None:
    for waiting in some:
        if waiting.done.done():
            continue
        if error is None:
            waiting.done.set_result(None)
        else:
            waiting.done.set_exception(error)
