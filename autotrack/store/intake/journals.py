"""Takes journals into a database (``core.journal.delivery`` reads them).

A journal is removed only when its writer is dead, everything in it is committed, and the commit is on the disk.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from autotrack.core.addresses import marks
from autotrack.core.entities import Delivery
from autotrack.core.errors import StoreError
from autotrack.core.journal.delivery import Pass, journals_in, only_deliverer, remove_journal, total
from autotrack.core.journal.named_files import Progress

from ..engines.dialect import is_of_engine
from ..engines.sqlite import sync_wal
from .batches import Intake

Named = Callable[[Pass, Path, float | None, Progress | None], tuple[Delivery, set[Path]]]


class Ingest:
    """Delivers journals into one database."""

    def __init__(self, intake: Intake, uri: str, database: Path | None, named: Named | None = None) -> None:
        """``uri`` is the store's; ``database`` its file, None where it is a server's. ``named`` brings what journals
        name to where the store keeps it, and says of which journals that was all."""
        self._intake = intake
        self._uri = uri
        self._database = database
        self._named = named

    def deliver(
        self, folder: Path, deadline: float | None = None, uri: str | None = None, progress: Progress | None = None
    ) -> Delivery:
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
            one = Pass(self._intake, ours, deadline=deadline, ends_pass=is_everybodys)
            found = Delivery()
            try:
                one.take(journals)
            finally:
                if self._named is None:
                    self._remove(one.done)
            if self._named is not None:
                found, whole = self._named(one, folder, deadline, progress)
                self._remove([path for path in one.done if path in whole])
            if one.delivery.kept:
                raise StoreError("; ".join(one.delivery.kept[:3]))
            return total(one.delivery, found)

    def _remove(self, done: Sequence[Path]) -> None:
        """Removes journals whose every record is committed, once the commits are on the disk."""
        if done and self._database is not None:
            sync_wal(self._database)
        for path in done:
            remove_journal(path)


def is_everybodys(error: Exception) -> bool:
    """True where the same would come of each journal: the database takes nothing."""
    return isinstance(error, StoreError) and is_of_engine(error)
