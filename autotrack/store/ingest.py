"""Takes journals into a database (``core.journal.delivery`` reads them).

A journal is removed only when its writer is dead, everything in it is committed, and the commit is on the disk.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from autotrack.core.addresses import marks
from autotrack.core.entities import Delivery
from autotrack.core.errors import StoreError
from autotrack.core.journal.delivery import Pass, journals_in, only_deliverer, remove_journal

from .dialect import is_of_engine
from .engines.sqlite import sync_wal
from .intake import Intake


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
        with only_deliverer(lock) as mine:
            if not mine:
                return Delivery(busy=True)
            one = Pass(self._intake, ours, deadline=deadline, ends_pass=_is_everybodys)
            try:
                one.take(journals)
            finally:
                self._remove(one.done)
            if one.delivery.kept:
                raise StoreError("; ".join(one.delivery.kept[:3]))
            return one.delivery

    def _remove(self, done: Sequence[Path]) -> None:
        """Removes journals whose every record is committed, once the commits are on the disk."""
        if done and self._database is not None:
            sync_wal(self._database)
        for path in done:
            remove_journal(path)


def _is_everybodys(error: Exception) -> bool:
    """True where the same would come of each journal: the database takes nothing."""
    return isinstance(error, StoreError) and is_of_engine(error)
