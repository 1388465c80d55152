"""Takes batches of a writer's records into a database: each exactly once, whoever brings them, however often.

A batch and the writer's cursor are stored in one transaction, so a record is in the store if and only if the cursor is
past it. See ``autotrack.core.sink.Intake``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Engine, and_, bindparam, or_, select, update

from autotrack.core.entities import Delivery, Status
from autotrack.core.errors import OutOfStepError, UsageError
from autotrack.core.journal.lastwords import LastWord
from autotrack.core.journal.reader import Batch as Records
from autotrack.core.journal.reader import Cursor
from autotrack.core.journal.slots import whole_runs
from autotrack.core.keys import INT64, is_run_id, printable

from .. import schema
from ..engines.dialect import begin_read, fetch_kept, for_update, run_kept, transact, upsert
from ..series.points import SLOT
from .health import MAX_REASONS, merged, note_losses
from .silence import SIGN_OF_LIFE
from .storing import Stored, Unfit, store_apart, store_together

#: Signals by which somebody ends a program on purpose; any other death is a crash.
ENDED_ON_PURPOSE = frozenset({"SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT"})

#: What is noted on a run that goes on after all.
TAKEN_BACK = "the program was taken for dead and was heard of again: the run went on"
#: And on one that ended because nothing was heard of its machine.
NOT_HEARD_OF = "nothing was heard of the program for too long: it was taken for dead"
#: Writers of which it is remembered when they were heard of.
MOST_HEARD = 10_000

_WRITERS = schema.writers
_STANDING = ("events", "points", "damaged", "refused", "clock", "state", "last_seen")
_THIS = _WRITERS.c.writer == bindparam("this", type_=_WRITERS.c.writer.type)
_READ = for_update(select(*(_WRITERS.c[name] for name in _STANDING)).where(_THIS))
_WHERE_IT_IS = select(_WRITERS.c.events, _WRITERS.c.points, _WRITERS.c.last_seen).where(_THIS)
_MOVE = update(_WRITERS).where(_THIS).values({name: bindparam(f"to_{name}") for name in _STANDING})


class Intake:
    """Takes batches into one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        #: When writers were heard of, as the store had it when their cursors were asked for.
        self._heard: dict[str, int] = {}

    def cursor(self, writer: str) -> Cursor:
        """How far a writer's records are in the store."""
        with begin_read(self._engine) as connection:
            row = connection.execute(_WHERE_IT_IS, {"this": writer}).first()
        if row is None:
            return Cursor()
        if len(self._heard) >= MOST_HEARD:
            self._heard.clear()
        self._heard[writer] = row.last_seen or 0
        return Cursor(row.events, row.points)

    def writer_seen(self, writer: str, cursor: Cursor, host: str | None, heartbeat: int) -> None:
        """Notes now and then of a writer that has nothing new to say, whose cursor was just asked for, that it
        lives."""
        heard = self._heard.get(writer)
        if heard is not None and heartbeat - heard >= SIGN_OF_LIFE * 1e9:
            self.apply(writer, cursor, Records([], [], cursor, 0, False), host=host, seen=heartbeat)

    def apply(
        self, writer: str, cursor: Cursor, batch: Records, *, host: str | None = None, seen: int | None = None
    ) -> Delivery:
        """Stores a batch that begins at ``cursor`` (see ``autotrack.core.sink.Intake``)."""
        points = batch.points[0][1] if len(batch.points) == 1 else b"".join(data for _, data in batch.points)
        _check(writer, batch, points)
        try:
            return self._apply(writer, cursor, batch, points, host, seen, store_together)
        except Unfit:
            return self._apply(writer, cursor, batch, points, host, seen, store_apart)

    def _apply(
        self,
        writer: str,
        cursor: Cursor,
        batch: Records,
        points: bytes,
        host: str | None,
        seen: int | None,
        store: Callable[..., Stored],
    ) -> Delivery:
        seen = _not_in_the_future(seen)

        def work(connection: Connection) -> Delivery:
            rows = fetch_kept(connection, _READ, {"this": writer})
            if not rows:
                fresh = {"writer": writer, "events": 0, "points": 0, "damaged": 0, "state": "live", "refused": 0}
                row = {**fresh, "host": _kept(host), "last_seen": None, "clock": 0}
                connection.execute(upsert(_WRITERS, keep=True), row)
                rows = fetch_kept(connection, _READ, {"this": writer})
            stored = Cursor(*rows[0][:2])
            damaged, refused, clock, state, last_seen = rows[0][2:]
            if stored != cursor:
                if stored == batch.cursor:
                    return Delivery()
                raise OutOfStepError(
                    f"a batch of {writer} begins at event byte {cursor.events} and point {cursor.points}, the store "
                    f"has its records up to {stored.events} and {stored.points}: send them from there",
                    stored.events,
                    stored.points,
                )
            alive = stored != batch.cursor or seen > (last_seen or 0)
            if alive and state == "done":
                _take_back(connection, writer)
            taken = store(connection, writer, batch.events, points, clock or 0)
            lost, left_out = taken.lost_points + batch.damaged, len(taken.refused)
            damaged, refused = damaged + lost, (refused or 0) + left_out
            # When it was heard of is this machine's time: the writer's clock may be hours behind.
            heard = max(last_seen or 0, time.time_ns() if alive else seen)
            after = (damaged, refused, taken.clock, "live" if alive else state, heard)
            values = zip(_STANDING, (batch.cursor.events, batch.cursor.points, *after), strict=True)
            run_kept(connection, _MOVE, [{"this": writer} | {f"to_{name}": value for name, value in values}])
            # Said again where runs are new: what was lost before them may be theirs.
            if lost or left_out or (taken.new_runs and (damaged or refused)):
                note_losses(connection, writer, damaged, refused, taken.refused)
            reasons = tuple(dict.fromkeys(taken.refused))[:MAX_REASONS]
            return Delivery(taken.points, taken.events, lost, refused=left_out, reasons=reasons)

        return transact(self._engine, work, idempotent=True)

    def end_writer(
        self, writer: str, *, seen: int | None = None, word: LastWord | None = None, exit_code: int | None = None
    ) -> None:
        """Ends the runs that a dead writer left running (see ``autotrack.core.sink.Intake``)."""
        self._end(writer, _not_in_the_future(seen), word, exit_code, None)

    def end_silent(self, writer: str, before: int) -> None:
        """Ends the runs of a writer that was not heard of since ``before`` (ns): a guess, which ``apply`` takes
        back."""
        self._end(writer, 0, None, None, before)

    def _end(
        self, writer: str, seen: int, word: LastWord | None, exit_code: int | None, silent_since: int | None
    ) -> None:
        runs, writers = schema.runs, schema.writers
        running = runs.c.status == str(Status.RUNNING)
        if exit_code is not None or word is not None:  # what was only likely at the end of the program is known now
            running = or_(running, and_(runs.c.status == str(Status.FINISHED), runs.c.guessed))
        names = "n last_seen started ended health".split()
        left = select(*(runs.c[name] for name in names)).where(runs.c.writer == writer, running).order_by(runs.c.id)
        status, error = Status.CRASHED, None
        if exit_code is not None:  # it ended by itself and left its runs to us
            status = Status.FAILED if exit_code else Status.FINISHED
            error = f"the program ended with exit code {exit_code}" if exit_code else None
        elif word is not None:
            status = Status.KILLED if word.signal in ENDED_ON_PURPOSE else Status.CRASHED
            error = "\n".join(part for part in (f"ended by {word.signal}", word.traceback) if part)

        def work(connection: Connection) -> None:
            # The writer first, as in ``apply``, then its runs.
            this = writers.c.writer == writer
            before = connection.execute(for_update(select(writers.c.last_seen).where(this))).scalar() or 0
            heard = max(before, seen)
            if silent_since is not None and heard >= silent_since:
                return  # it was, meanwhile
            for row in connection.execute(for_update(left)).all():
                last = row.ended or max(row.last_seen or 0, row.started, seen if silent_since is None else heard)
                values: dict[str, Any] = {
                    "status": str(status),
                    "ended": last,
                    "last_seen": max(row.last_seen or 0, last),
                    "error": _kept(error),
                    "exit_code": exit_code,
                    "guessed": (exit_code is None and word is None) or None,
                }
                if silent_since is not None and NOT_HEARD_OF not in (row.health or ""):
                    values["health"] = merged(row.health, [{"notes": [NOT_HEARD_OF]}])
                connection.execute(update(runs).where(runs.c.n == row.n).values(values))
            connection.execute(update(writers).where(this).values(state="done", last_seen=heard))

        transact(self._engine, work, idempotent=True)


def _take_back(connection: Connection, writer: str) -> None:
    """Lets runs go on that ended because their writer, of which there is news now, was taken for dead."""
    runs = schema.runs
    crashed = (runs.c.writer == writer, runs.c.status == str(Status.CRASHED), runs.c.guessed)
    guessed = select(runs.c.n, runs.c.health).where(*crashed).order_by(runs.c.id)
    for row in connection.execute(for_update(guessed)).all():
        values: dict[str, Any] = {"status": str(Status.RUNNING), "ended": None, "guessed": None}
        if TAKEN_BACK not in (row.health or ""):  # said once, however often it happens
            values["health"] = merged(row.health, [{"notes": [TAKEN_BACK]}])
        connection.execute(update(runs).where(runs.c.n == row.n).values(values))


def _check(writer: str, batch: Records, points: bytes) -> None:
    """UsageError where a batch says nonsense of itself: whoever sends it can send it right."""
    if not is_run_id(writer):
        raise UsageError(f"{printable(writer[:64])!r} is no writer's id, which has 32 hexadecimal digits")
    for number in (batch.cursor.events, batch.cursor.points, batch.damaged):
        if not 0 <= number < INT64:
            raise UsageError(f"a batch of {writer} says that it ends at {batch.cursor} with {batch.damaged} damaged")
    if len(points) % SLOT.size:
        raise UsageError(f"{len(points)} bytes are no whole number of points of {SLOT.size} bytes")
    if points and next(whole_runs(points), None) != (0, len(points) // SLOT.size):
        raise UsageError(f"points of {writer} were damaged on their way here: read them and send them again")


def _kept(text: str | None) -> str | None:
    return None if text is None else printable(text)


def _not_in_the_future(seen: int | None) -> int:
    """A heartbeat as it is believed: a file that was copied, or a clock that was set back, may say anything."""
    now = time.time_ns()
    return now if seen is None else min(seen, now)
