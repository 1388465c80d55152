"""Where files of runs go whose records are in a database: from the machines that wrote them to the place for all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from autotrack.core.addresses import shown
from autotrack.core.cache import digest_of
from autotrack.core.entities import ArtifactRecord
from autotrack.core.errors import ArtifactError, NotFoundError, UnavailableError
from autotrack.core.journal.named_files import Place, Progress
from autotrack.core.keys import is_run_id
from autotrack.core.objects import Objects
from autotrack.core.private import Ours

from .local import BLOCK

if TYPE_CHECKING:
    from autotrack.core.sink import Artifacts, Contents


class Sending:
    """The place of a store's artifacts as what takes files (``core.journal.named_files.Receiver``).

    ``folder_of`` answers the folder of a run's files there (NotFoundError).
    """

    def __init__(
        self, root: str, artifacts: Artifacts, objects: Contents, own: Path, folder_of: Callable[[str], str]
    ) -> None:
        self._root = root
        self._artifacts = artifacts
        self._objects = objects
        self._own = Objects(own)
        self._folder_of = folder_of
        self._sent: set[tuple[str, ArtifactRecord]] = set()

    def missing(self, digests: Sequence[str]) -> set[str]:
        """Contents that came with journals of another machine: this machine's own are shared as they are."""
        return {digest for digest in digests if not self._own.has(digest)}

    def put_object(self, digest: str, content: bytes) -> None:
        self._objects.put(content)

    def put_artifact(
        self,
        run: str,
        record: ArtifactRecord,
        file: BinaryIO,
        *,
        deadline: float | None = None,
        progress: Progress | None = None,
    ) -> bool:
        """Puts a file there. ArtifactError where it is another by now, UnavailableError where the place takes none."""
        if (run, record) in self._sent:  # by an earlier pass, which did not come to the end of its journal
            return True
        folder = self._folder_of(run)
        size = os.fstat(file.fileno()).st_size
        if size != record.size or digest_of(file) != record.sha256:
            raise ArtifactError(f"the artifact {record.path!r} is not what was kept: its bytes have changed")
        try:
            self._artifacts.put_blocks(folder, record.path, _blocks(file, record, progress), sha256=record.sha256)
        except ArtifactError as error:
            raise UnavailableError(f"{shown(self._root)} took no file: {error}") from error
        self._sent.add((run, record))
        return True

    def put_all(self, root: Path, records_of: Callable[[str], Sequence[ArtifactRecord]], progress: Progress) -> int:
        """Puts there what this machine keeps under ``root`` of files that records name; answers how many files."""
        place, count = Place(root), 0
        for run in sorted({path.name for path in (root / "artifacts").glob("*/*") if is_run_id(path.name)}):
            try:
                records = records_of(run)
            except NotFoundError:  # of a run that was deleted for good
                continue
            for record in records:
                file = place.open(run, record.path)
                if file is None:
                    continue
                with file:
                    try:
                        count += self.put_artifact(run, record, file, progress=progress)
                    except UnavailableError:
                        raise
                    except ArtifactError:  # another file by now: this is not what the record names
                        continue
        return count


def keeps_files(root: Path) -> bool:
    """True where this machine keeps files of runs under ``root``."""
    try:
        with os.scandir(Ours(root / "artifacts")) as entries:
            return any(not entry.name.startswith(".") for entry in entries)
    except OSError:
        return False


def _blocks(file: BinaryIO, record: ArtifactRecord, progress: Progress | None) -> Iterator[bytes]:
    done = 0
    while block := file.read(BLOCK):
        yield block
        done += len(block)
        if progress is not None:
            progress(record.path, done, record.size)
