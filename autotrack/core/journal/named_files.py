"""The files and contents that a journal's records name, brought to a store on another machine.

Points never wait for them: records go first, and what they name comes behind. How far a journal was looked through
stands beside it (``sent``), so that a process that dies in between costs a second look and nothing else.
"""

from __future__ import annotations

import logging
import os
import re
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from ..artifact_paths import check_artifact_path
from ..entities import ArtifactRecord, Delivery
from ..errors import ArtifactError, NotFoundError, TooLargeError, UsageError
from ..guard import attempt
from ..keys import is_run_id
from ..objects import Objects
from ..private import Ours
from .delivery import total
from .reader import Cursor, JournalReader
from .sent import NO_POINTS, read_sent, write_sent

#: Bytes of events that are looked through at a time.
MOST_EVENTS = 1 << 20
#: Kinds of records that refer to contents by their sha256. What files a program read is known by sha256 alone.
_REFERRING = frozenset({"run_start", "dataset", "part"})
_DIGEST = re.compile(r"\b[0-9a-f]{64}\b")

log = logging.getLogger("autotrack.journal")

#: Is told of each file that goes: its name, bytes of it that are there, bytes in all.
Progress = Callable[[str, int, int], None]


class Receiver(Protocol):
    """What takes files and contents: a server."""

    def missing(self, digests: Sequence[str]) -> set[str]:
        """Which of these contents it does not have."""

    def put_object(self, digest: str, content: bytes) -> None:
        """Takes a content."""

    def put_artifact(
        self,
        run: str,
        record: ArtifactRecord,
        file: BinaryIO,
        *,
        deadline: float | None = None,
        progress: Progress | None = None,
    ) -> bool:
        """Takes a file of a run; False where the deadline (``time.monotonic()``) came first: it goes on where it was
        the next time. ArtifactError where the file is not what ``record`` says, UsageError where it is refused."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a machine keeps what waits for a store: ``objects/`` and ``artifacts/<folder>/<run>/``."""

    root: Path

    def content(self, digest: str) -> bytes | None:
        """A content that is kept here; None where it is not, or not as it was."""
        return attempt(Objects(self.root / "objects").get, digest)[0]

    def has(self, digest: str) -> bool:
        return Objects(self.root / "objects").has(digest)

    def open(self, run: str, path: str) -> BinaryIO | None:
        """A file of a run, open for reading; None where it is not here. Links are not followed."""
        segments = check_artifact_path(path)
        for folder in self._folders(run):
            file = folder.joinpath(*segments)
            if any(place.is_symlink() for place in (file, *file.parents) if folder in place.parents):
                continue
            with suppress(OSError):
                descriptor = os.open(Ours(file), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
                if stat.S_ISREG(os.fstat(descriptor).st_mode):
                    return os.fdopen(descriptor, "rb")
                os.close(descriptor)
        return None

    def _folders(self, run: str) -> Iterator[Path]:
        """A run's folder, whatever experiment's folder it is in: its journal need not say so."""
        if is_run_id(run):
            with suppress(OSError), os.scandir(self.root / "artifacts") as entries:
                yield from (folder for entry in entries if (folder := Path(entry.path, run)).is_dir())


class NamedFiles:
    """Brings what journals name to a receiver. ``places`` are looked into in their order."""

    def __init__(self, receiver: Receiver, places: Iterable[Path], progress: Progress | None = None) -> None:
        self._receiver = receiver
        self._places = [Place(root) for root in dict.fromkeys(places)]
        self._progress = progress

    def bring(self, journal: Path, *, dead: bool, deadline: float | None = None) -> tuple[Delivery, bool]:
        """Brings what a journal names; answers what went, and whether that was all. ``dead``: its writer is."""
        sent, found = read_sent(journal), Delivery()
        before = (sent.named, sent.waiting)
        with JournalReader(journal) as reader:
            while True:
                batch = reader.read(Cursor(sent.named, NO_POINTS), final=dead, max_bytes=MOST_EVENTS)
                brought, sent.waiting = self._contents(batch.events, sent.waiting, dead and not batch.more)
                whole, files = self._files(batch.events, deadline)
                found = total(total(found, brought), files)
                if whole:
                    sent.named = batch.cursor.events
                late = not whole or (deadline is not None and time.monotonic() > deadline)
                if (sent.named, sent.waiting) != before:
                    write_sent(journal, sent)
                    before = (sent.named, sent.waiting)
                if late or not batch.more:
                    return found, whole and not batch.more

    def _contents(
        self, events: Sequence[Mapping[str, Any]], waiting: Sequence[str], last: bool
    ) -> tuple[Delivery, tuple[str, ...]]:
        """Contents that are named here or were named before; also those that are not here yet."""
        named = dict.fromkeys(waiting)
        for event in events:
            if event.get("k") in _REFERRING:
                named.update(dict.fromkeys(_digests(event)))
        here = [digest for digest in named if any(place.has(digest) for place in self._places)]
        brought = gone = 0
        for digest in sorted(self._receiver.missing(here)) if here else ():
            contents = (place.content(digest) for place in self._places)
            content = next((content for content in contents if content is not None), None)
            try:
                if content is None:
                    raise NotFoundError(f"the content {digest} is not as it was kept")
                self._receiver.put_object(digest, content)
                brought += 1
            except (NotFoundError, UsageError, TooLargeError) as error:
                log.debug("the content %s was not sent", digest, exc_info=error)
                gone += 1
        # A sha256 that is no content's (of a file that was only read) is asked for until its writer is dead.
        left = () if last else tuple(digest for digest in named if digest not in set(here))
        return Delivery(objects=brought, gone=gone), left

    def _files(self, events: Sequence[Mapping[str, Any]], deadline: float | None) -> tuple[bool, Delivery]:
        """Files that are named here, each as it was named last; whether all of them went."""
        named = {(record.get("r"), record.get("path")): record for record in events if record.get("k") == "artifact"}
        found = Delivery()
        for (run, _), record in named.items():
            wanted, _ = attempt(_artifact, record)
            if wanted is None:
                continue  # the store has refused this record, too
            if deadline is not None and time.monotonic() > deadline:
                return False, found
            part, whole = self._file(str(run), wanted, deadline)
            found = total(found, part)
            if not whole:
                return False, found
        return True, found

    def _file(self, run: str, record: ArtifactRecord, deadline: float | None) -> tuple[Delivery, bool]:
        for place in self._places:
            file = place.open(run, record.path)
            if file is None:
                continue
            with file:
                try:
                    whole = self._receiver.put_artifact(run, record, file, deadline=deadline, progress=self._progress)
                except (NotFoundError, ArtifactError, UsageError, TooLargeError) as error:
                    # Written anew since (a later record says what it is now), or of a run that the store refused.
                    log.debug("the artifact %s of run %s was not sent", record.path, run, exc_info=error)
                    return Delivery(gone=1), True
                return Delivery(artifacts=int(whole)), whole
        log.debug("the artifact %s of run %s is not here any more", record.path, run)
        return Delivery(gone=1), True


def _artifact(record: Mapping[str, Any]) -> ArtifactRecord:
    path, size, sha256 = record["path"], record["size"], record["sha256"]
    check_artifact_path(path)
    if not is_run_id(record["r"]) or not isinstance(size, int) or not _DIGEST.fullmatch(sha256):
        raise UsageError("a record of an artifact that makes no sense")
    return ArtifactRecord(path, size, sha256)


def _digests(value: Any) -> Iterator[str]:
    """Every sha256 in a record."""
    if isinstance(value, str):
        if len(value) >= 64:
            yield from _DIGEST.findall(value)
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _digests(key)
            yield from _digests(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _digests(inner)
