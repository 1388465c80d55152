"""Takes journals into a store: finds those that are for it, reads them, hands their records to the intake.

A journal is removed only when its writer is dead, everything in it is committed, and the commit is on the disk.
"""

from __future__ import annotations

import fcntl
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from autotrack.core.addresses import MARK, destination, marks
from autotrack.core.entities import Delivery
from autotrack.core.errors import JournalError, StoreError
from autotrack.core.exits import exit_path, read_exit_code
from autotrack.core.guard import attempt
from autotrack.core.journal.lastwords import last_words_path, read_last_words
from autotrack.core.journal.layout import SUFFIX
from autotrack.core.journal.lease import is_alive
from autotrack.core.journal.reader import JournalReader

from .dialect import is_of_engine
from .engines.sqlite import sync_wal
from .health import MAX_REASONS
from .intake import Intake

log = logging.getLogger("autotrack.store")


class Ingest:
    """Delivers journals into one database."""

    def __init__(self, intake: Intake, uri: str, database: Path | None) -> None:
        """``uri`` is the store's; ``database`` its file, None where it is a server's."""
        self._intake = intake
        self._uri = uri
        self._database = database

    def deliver(self, folder: Path, deadline: float | None = None, uri: str | None = None) -> Delivery:
        """Takes in the journals in ``folder`` that are for this store, or for that at ``uri`` in whose stead it takes
        them; ``busy`` where another process does so."""
        journals = journals_in(folder)
        if not journals:
            return Delivery()
        ours = marks(uri or self._uri, folder)
        # One deliverer a store, or a folder of journals for a server.
        lock = (self._database or folder).with_name("ingest.lock")
        with _ingest_lock(lock) as mine:
            if not mine:
                return Delivery(busy=True)
            total = Delivery()
            done: list[Path] = []
            kept: list[str] = []
            for path in journals:
                # Whatever is wrong with one journal, those behind it are not to wait for it.
                found, error = attempt(self._journal, path, deadline, ours)
                if found is not None:
                    total = _sum(total, found[0])
                    done += [path] if found[1] else []
                elif isinstance(error, StoreError) and is_of_engine(error):
                    self._remove(done)
                    raise error  # the same would come of each of them
                elif not os.path.lexists(path):
                    continue  # somebody removed it
                elif isinstance(error, JournalError):
                    log.warning("%s is no journal and was left where it is: %s", path, error)
                    total = replace(total, damaged=total.damaged + 1)
                else:
                    log.debug("the journal %s was not taken in", path, exc_info=error)
                    kept.append(f"could not take in the journal {path} ({type(error).__name__}: {error}); it is kept")
            self._remove(done)
            if kept:
                raise StoreError("; ".join(kept[:3]))
            return total

    def _journal(self, path: Path, deadline: float | None, ours: frozenset[str | None]) -> tuple[Delivery, bool]:
        with JournalReader(path) as reader:
            header = reader.header
            mark = header.meta.get(MARK)
            if mark not in ours:
                return Delivery(others=(destination(mark, path.parent),)), False
            # Asked before reading: what a writer that is dead now has written is all there.
            dead = not is_alive(path, header)
            heartbeat = path.stat().st_mtime_ns
            cursor = self._intake.cursor(header.writer)
            total = Delivery(journals=1)
            while True:
                if deadline is not None and time.monotonic() > deadline:
                    return replace(total, left=1), False
                batch = reader.read(cursor, final=dead)
                if batch.cursor != cursor or batch.damaged:
                    taken = self._intake.apply(header.writer, cursor, batch, host=header.host, seen=heartbeat)
                    total = _sum(total, taken)
                    cursor = batch.cursor
                if not batch.more:
                    break
        if dead:
            word, code = read_last_words(path), read_exit_code(path)
            self._intake.end_writer(header.writer, seen=heartbeat, word=word, exit_code=code)
        return total, dead

    def _remove(self, done: list[Path]) -> None:
        """Removes journals whose every record is committed, once the commits are on the disk."""
        if not done:
            return
        if self._database is not None:
            sync_wal(self._database)
        for path in done:
            path.unlink(missing_ok=True)
            last_words_path(path).unlink(missing_ok=True)
            exit_path(path).unlink(missing_ok=True)


def journals_in(folder: Path) -> list[Path]:
    """The journal files in a folder, oldest first."""
    try:
        with os.scandir(folder) as entries:
            names = [Path(entry.path) for entry in entries if entry.name.endswith(SUFFIX)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreError(f"could not list the journals in {folder} ({error})") from error
    found = []
    for path in names:
        with suppress(FileNotFoundError):  # somebody removed it
            found.append((path.lstat().st_ctime_ns, path))
    return [path for _, path in sorted(found)]


def _sum(total: Delivery, part: Delivery) -> Delivery:
    return Delivery(
        points=total.points + part.points,
        events=total.events + part.events,
        damaged=total.damaged + part.damaged,
        journals=total.journals + part.journals,
        left=total.left + part.left,
        others=total.others + part.others,
        refused=total.refused + part.refused,
        reasons=tuple(dict.fromkeys(total.reasons + part.reasons))[:MAX_REASONS],
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
