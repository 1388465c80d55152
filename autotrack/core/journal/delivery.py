"""One pass over the journals of a folder: those that are for a store are read and handed to it, each record once.

Whoever brings journals to a store does it so: the local one, and the client of a remote one. A journal may go once its
writer is dead and the store has all of it: ``Pass.done`` names those; whoever asked for the pass removes them.
"""

from __future__ import annotations

import fcntl
import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..addresses import MARK, destination
from ..entities import Delivery
from ..errors import JournalError, OutOfStepError, StoreError, TooLargeError
from ..exits import exit_path, read_exit_code
from ..guard import attempt
from ..private import Ours
from .lastwords import last_words_path, read_last_words
from .layout import SUFFIX, Header
from .lease import is_alive
from .reader import MAX_BYTES, Cursor, JournalReader

if TYPE_CHECKING:
    from ..sink import Intake

#: How many different reasons of refusals a delivery quotes.
MAX_REASONS = 20
#: A batch is not made smaller than this for a store that finds it too large.
SMALLEST_BATCH = 64 * 1024
#: How often a store may ask for another beginning of a batch before its journal waits for the next pass.
MOST_CORRECTIONS = 5

log = logging.getLogger("autotrack.journal")


class Pass:
    """One pass, with what it brought (``delivery``) and the journals that may go (``done``).

    ``ours`` are the marks of the store's journals. ``ends_pass`` says of an error whether the same would come of every
    journal: it is raised then. Any other costs its journal alone, which is named in ``Delivery.kept``.
    """

    def __init__(
        self,
        intake: Intake,
        ours: frozenset[str | None],
        *,
        deadline: float | None = None,
        ends_pass: Callable[[Exception], bool],
    ) -> None:
        self.delivery = Delivery()
        self.done: list[Path] = []
        #: Journals of this store that were read without trouble, and whether their writers are dead.
        self.read: dict[Path, bool] = {}
        #: How far the store is with each journal.
        self.reached: dict[Path, Cursor] = {}
        #: Journals that the store would not take, each with its error.
        self.refused: dict[Path, Exception] = {}
        self._intake = intake
        self._ours = ours
        self._deadline = deadline
        self._ends_pass = ends_pass

    def take(self, journals: Iterable[Path]) -> None:
        """Reads journals and hands over their records. Raises what ends the pass: the rest is for the next one."""
        for path in journals:
            # Whatever is wrong with one journal, those behind it are not to wait for it.
            found, error = attempt(self._journal, path)
            if found is not None:
                self.delivery = total(self.delivery, found)
            elif error is not None and self._ends_pass(error):
                raise error
            elif not os.path.lexists(path):
                continue  # somebody removed it
            elif isinstance(error, JournalError):
                log.warning("%s is no journal and was left where it is: %s", path, error)
                self.delivery = replace(self.delivery, damaged=self.delivery.damaged + 1)
            elif error is not None:
                log.debug("the journal %s was not taken in", path, exc_info=error)
                self.refused[path] = error
                why = f"could not take in the journal {path} ({type(error).__name__}: {error}); it is kept"
                self.delivery = total(self.delivery, Delivery(left=1, kept=(why,)))

    def _journal(self, path: Path) -> Delivery:
        with JournalReader(path) as reader:
            header = reader.header
            mark = header.meta.get(MARK)
            if mark not in self._ours:
                return Delivery(others=(destination(mark, path.parent),))
            # Asked before reading: what a writer that is dead now has written is all there.
            dead = not is_alive(path, header)
            heartbeat = path.stat().st_mtime_ns
            found, whole = self._records(reader, header, dead, heartbeat)
        if not whole:
            return found
        if dead:
            word, code = read_last_words(path), read_exit_code(path)
            self._intake.end_writer(header.writer, seen=heartbeat, word=word, exit_code=code)
            self.done.append(path)
        self.read[path] = dead
        return found

    def _records(self, reader: JournalReader, header: Header, dead: bool, heartbeat: int) -> tuple[Delivery, bool]:
        """What a journal brought, and whether all of it was read."""
        cursor = self.reached[reader.path] = self._intake.cursor(header.writer)
        found = Delivery(journals=1)
        size, corrections = MAX_BYTES, 0
        while True:
            if self._deadline is not None and time.monotonic() > self._deadline:
                return replace(found, left=1), False
            batch = reader.read(cursor, final=dead, max_bytes=size)
            try:
                if batch.cursor != cursor or batch.damaged:
                    taken = self._intake.apply(header.writer, cursor, batch, host=header.host, seen=heartbeat)
                    found = total(found, taken)
                    cursor = self.reached[reader.path] = batch.cursor
                elif not batch.more and not dead:
                    self._intake_seen(header, heartbeat, cursor)
            except OutOfStepError as error:  # somebody else has brought some of it, or the store was restored
                corrections += 1
                if corrections > MOST_CORRECTIONS:
                    raise
                cursor = Cursor(error.events, error.points)
                continue
            except TooLargeError:
                if size <= SMALLEST_BATCH or (len(batch.events) <= 1 and not batch.points):
                    raise
                size //= 4
                continue
            if not batch.more:
                return found, True

    def _intake_seen(self, header: Header, heartbeat: int, cursor: Cursor) -> None:
        """Tells a store that cares that the writer lives, though it has nothing new to say."""
        seen = getattr(self._intake, "writer_seen", None)
        if seen is not None:
            seen(header.writer, cursor, header.host, heartbeat)


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


def remove_journal(path: Path) -> None:
    """Removes a journal with what lies beside it."""
    from .sent import sent_path

    path.unlink(missing_ok=True)
    for beside in (last_words_path(path), exit_path(path), sent_path(path)):
        beside.unlink(missing_ok=True)


def total(one: Delivery, other: Delivery) -> Delivery:
    """Two deliveries as one."""
    return Delivery(
        points=one.points + other.points,
        events=one.events + other.events,
        damaged=one.damaged + other.damaged,
        journals=one.journals + other.journals,
        left=one.left + other.left,
        busy=one.busy or other.busy,
        others=one.others + other.others,
        refused=one.refused + other.refused,
        reasons=tuple(dict.fromkeys(one.reasons + other.reasons))[:MAX_REASONS],
        artifacts=one.artifacts + other.artifacts,
        objects=one.objects + other.objects,
        gone=one.gone + other.gone,
        kept=one.kept + other.kept,
    )


@contextmanager
def only_deliverer(path: Path) -> Iterator[bool]:
    """Whether this is the one that delivers under this lock; it goes with the process, however it ends."""
    try:
        descriptor = os.open(Ours(path), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(f"could not open {path} ({error}); is the folder writable?") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(descriptor)
