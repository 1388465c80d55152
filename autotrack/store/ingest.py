"""Takes journals into a store: each record exactly once, whoever delivers, however often, killed whenever.

A batch of records and the writer's cursor are stored in one transaction, so a record is in the store if and only if
the cursor is past it. A journal is removed only when its writer is dead, everything in it is committed, and the
commit is on the disk.
"""

from __future__ import annotations

import fcntl
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, delete, select, update

from autotrack.core.entities import Delivery, Status
from autotrack.core.errors import JournalError, StoreError
from autotrack.core.exits import exit_path, read_exit_code
from autotrack.core.journal.lastwords import last_words_path, read_last_words
from autotrack.core.journal.layout import Header
from autotrack.core.journal.lease import is_alive
from autotrack.core.journal.reader import Cursor, JournalReader

from . import schema
from .apply import Batch, note_damage, series_of
from .chunks import Points
from .dialect import begin_write, sync_wal, translated, upsert
from .points import by_series

log = logging.getLogger("autotrack.store")

#: Signals by which somebody ends a program on purpose; any other death is a crash.
ENDED_ON_PURPOSE = frozenset({"SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT"})


class Ingest:
    """Delivers journals into one database."""

    def __init__(self, engine: Engine, database: Path) -> None:
        self._engine = engine
        self._database = database

    def deliver(self, folder: Path, deadline: float | None = None) -> Delivery:
        """Takes in every journal in ``folder``; ``busy`` where another process does so already."""
        journals = journals_in(folder)
        if not journals:
            return Delivery()
        with _ingest_lock(self._database.with_name("ingest.lock")) as mine:
            if not mine:
                return Delivery(busy=True)
            total = Delivery()
            done: list[Path] = []
            for path in journals:
                try:
                    part, finished = self._journal(path, deadline)
                except FileNotFoundError:
                    continue  # somebody removed it
                except JournalError as error:
                    if not path.exists():
                        continue  # somebody removed it
                    log.warning("%s is no journal and was left where it is: %s", path, error)
                    total = replace(total, damaged=total.damaged + 1)
                    continue
                except OSError as error:
                    raise StoreError(f"could not read the journal {path} ({error}); it is kept") from error
                total = _sum(total, part)
                if finished:
                    done.append(path)
            self._remove(done)
            return total

    def _journal(self, path: Path, deadline: float | None) -> tuple[Delivery, bool]:
        with JournalReader(path) as reader:
            header = reader.header
            # Asked before reading: what a writer that is dead now has written is all there.
            dead = not is_alive(path, header)
            heartbeat = path.stat().st_mtime_ns
            cursor, damaged = self._known(header)
            total = Delivery(journals=1)
            while True:
                if deadline is not None and time.monotonic() > deadline:
                    return replace(total, left=1), False
                read = reader.read(cursor, final=dead)
                if read.cursor != cursor or read.damaged:
                    with begin_write(self._engine) as connection:
                        taken = self._take(connection, header, read.events, read.points)
                        lost = taken.damaged + read.damaged
                        damaged += lost
                        self._move(connection, header, read.cursor, damaged)
                        if lost:
                            note_damage(connection, header.writer, damaged)
                    total = _sum(total, replace(taken, damaged=lost))
                    cursor = read.cursor
                if not read.more:
                    break
        if dead:
            with begin_write(self._engine) as connection:
                self._bury(connection, header, path, heartbeat)
        return total, dead

    def _known(self, header: Header) -> tuple[Cursor, int]:
        """How far the writer's journal is in the store, and how many of its records were damaged."""
        table = schema.writers
        with translated(self._engine), self._engine.connect() as connection:
            row = connection.execute(select(table).where(table.c.writer == header.writer)).first()
        return (Cursor(0, 0), 0) if row is None else (Cursor(row.events, row.points), row.damaged)

    def _move(self, connection: Connection, header: Header, cursor: Cursor, damaged: int) -> None:
        table = schema.writers
        values = {"events": cursor.events, "points": cursor.points, "damaged": damaged, "state": "live"}
        connection.execute(update(table).where(table.c.writer == header.writer).values(values))

    def _take(
        self, connection: Connection, header: Header, events: list[dict[str, Any]], raw: list[tuple[int, bytes]]
    ) -> Delivery:
        """Stores one batch; answers what it held."""
        _announce(connection, header)
        batch = Batch(header.writer)
        for record in events:
            batch.take(record)
        lost = 0
        groups = list(by_series(raw[0][1] if len(raw) == 1 else b"".join(data for _, data in raw)))
        missing = {group[0] for group in groups} - batch.series.keys()
        series = {**(series_of(connection, header.writer, missing) if missing else {}), **batch.series}
        points = 0
        for number, steps, times, bits in groups:
            named = series.get(number)
            if named is None:  # the record that named it was damaged
                lost += len(steps)
                continue
            run, key, is_int = named
            batch.add_points(run, key, Points(steps, times, bits, is_int))
            points += len(steps)
        batch.write(connection)
        return Delivery(points=points, events=len(events) - batch.refused, damaged=batch.refused + lost)

    def _bury(self, connection: Connection, header: Header, path: Path, heartbeat: int) -> None:
        """Ends the runs that a dead writer left running, at the last moment it was seen alive."""
        runs = schema.runs
        left = select(runs.c.n, runs.c.last_seen, runs.c.started).where(
            runs.c.writer == header.writer, runs.c.status == str(Status.RUNNING)
        )
        rows = connection.execute(left).all()
        if rows:
            words, code = read_last_words(path), read_exit_code(path)
            status, error = Status.CRASHED, None
            if code is not None:  # it ended by itself and left its runs to us
                status = Status.FAILED if code else Status.FINISHED
                error = f"the program ended with exit code {code}" if code else None
            elif words is not None:
                status = Status.KILLED if words.signal in ENDED_ON_PURPOSE else Status.CRASHED
                error = "\n".join(part for part in (f"ended by {words.signal}", words.traceback) if part)
            for row in rows:
                # The heartbeat touches the file; a file from the future (copied, clock set back) is not believed.
                seen = max(row.last_seen or 0, row.started, min(heartbeat, time.time_ns()))
                values = {"status": str(status), "ended": seen, "last_seen": seen, "error": error, "exit_code": code}
                connection.execute(update(runs).where(runs.c.n == row.n).values(values))
        connection.execute(delete(schema.writer_series).where(schema.writer_series.c.writer == header.writer))
        writers = schema.writers
        connection.execute(update(writers).where(writers.c.writer == header.writer).values(state="done"))

    def _remove(self, done: list[Path]) -> None:
        """Removes journals whose every record is committed, once the commits are on the disk."""
        if not done:
            return
        sync_wal(self._database)
        for path in done:
            path.unlink(missing_ok=True)
            last_words_path(path).unlink(missing_ok=True)
            exit_path(path).unlink(missing_ok=True)


def journals_in(folder: Path) -> list[Path]:
    """The journal files in a folder, oldest first."""
    try:
        with os.scandir(folder) as entries:
            found = [(entry.stat().st_ctime_ns, entry.path) for entry in entries if entry.name.endswith(".atj")]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreError(f"could not list the journals in {folder} ({error})") from error
    return [Path(path) for _, path in sorted(found)]


def _announce(connection: Connection, header: Header) -> None:
    row = {"writer": header.writer, "events": 0, "points": 0, "damaged": 0, "state": "live", "host": header.host}
    connection.execute(upsert(schema.writers, keep=True), {**row, "last_seen": None})


def _sum(total: Delivery, part: Delivery) -> Delivery:
    return Delivery(
        points=total.points + part.points,
        events=total.events + part.events,
        damaged=total.damaged + part.damaged,
        journals=total.journals + part.journals,
        left=total.left + part.left,
    )


@contextmanager
def _ingest_lock(path: Path) -> Iterator[bool]:
    """Whether this is the one deliverer of the store; the lock goes with the process, however it ends."""
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(f"could not open {path} ({error}); is the store's folder writable?") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(descriptor)
