"""Brings a folder's journals, and what they name, to a server: all of it, each once, whoever else does so."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from autotrack.core.addresses import marks
from autotrack.core.entities import Delivery
from autotrack.core.errors import AccessError, UnavailableError
from autotrack.core.journal.bringing import bring_named
from autotrack.core.journal.delivery import Pass, journals_in, only_deliverer, remove_journal, total
from autotrack.core.journal.named_files import NamedFiles, Progress
from autotrack.core.journal.sent import read_sent, write_sent

from .artifacts import RemoteArtifacts
from .intake import RemoteIntake
from .objects import RemoteObjects

LOCK = "delivering.lock"
#: Seconds until a journal that was refused is tried again, and at most.
PATIENCE, MOST_PATIENCE = 10.0, 600.0


@dataclass(frozen=True, slots=True)
class _Refused:
    again: float
    patience: float
    why: str


class Receiving:
    """A server as what takes files and contents (``core.journal.named_files.Receiver``)."""

    def __init__(self, objects: RemoteObjects, artifacts: RemoteArtifacts) -> None:
        self.missing = objects.missing
        self.put_object = objects.put_object
        self.put_artifact = artifacts.put_artifact


class Shipping:
    """Delivers to one server. ``place`` is this machine's folder for it."""

    def __init__(
        self, uri: str, place: Path, intake: RemoteIntake, objects: RemoteObjects, artifacts: RemoteArtifacts
    ) -> None:
        self._uri = uri
        self._place = place
        self._intake = intake
        self._receiver = Receiving(objects, artifacts)
        self._refused: dict[Path, _Refused] = {}

    def deliver(self, folder: Path, deadline: float | None, progress: Progress | None = None) -> Delivery:
        """One pass over a folder (see ``core.sink.Sink.deliver``). UnavailableError, AccessError where the server takes
        nothing; a journal that it refuses is kept, and named."""
        journals = journals_in(folder)
        if not journals:
            return Delivery()
        with only_deliverer(folder / LOCK) as mine:
            if not mine:
                return Delivery(busy=True)
            waiting, kept = self._due(journals, patient=deadline is None)
            self._intake.deadline = deadline
            one = Pass(self._intake, marks(self._uri, folder), deadline=deadline, ends_pass=_is_everybodys)
            try:
                one.take(waiting)
            finally:
                self._intake.deadline = None
                self._note(one)
            files = NamedFiles(self._receiver, _places(folder, self._place), progress)
            named, whole = bring_named(one, files, deadline=deadline, ends_pass=_is_everybodys)
            for path in one.done:
                if path in whole:
                    remove_journal(path)
            return total(total(one.delivery, kept), named)

    def _due(self, journals: Sequence[Path], *, patient: bool) -> tuple[list[Path], Delivery]:
        """The journals to be tried now, and what is said of those that were refused a moment ago."""
        now, due, kept = time.monotonic(), [], Delivery()
        self._refused = {path: each for path, each in self._refused.items() if path in set(journals)}
        for path in journals:
            refused = self._refused.get(path)
            if refused is None or patient or now >= refused.again:
                due.append(path)
            else:
                kept = total(kept, Delivery(left=1, kept=(refused.why,)))
        return due, kept

    def _note(self, one: Pass) -> None:
        """Writes down what the server has, and which journals it would not take."""
        for path, cursor in one.reached.items():
            sent = read_sent(path)
            if sent.records != cursor and path.exists():
                sent.records = cursor
                with suppress(OSError):
                    write_sent(path, sent)
        for path in one.read:
            self._refused.pop(path, None)
        for path, error in one.refused.items():
            before = self._refused.get(path)
            patience = PATIENCE if before is None else min(MOST_PATIENCE, 2 * before.patience)
            why = f"the journal {path} was refused ({error}); it is kept"
            self._refused[path] = _Refused(time.monotonic() + patience, patience, why)


def _places(folder: Path, own: Path) -> Iterable[Path]:
    """Where what a journal names may be: beside its folder, and in this machine's folder for the server."""
    return (folder.absolute().parent, own)


def _is_everybodys(error: Exception) -> bool:
    """True where the same would come of each journal: the server is away, or does not let us in."""
    return isinstance(error, UnavailableError | AccessError)
