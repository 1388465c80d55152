"""Uploads in parts: what is here of a file survives the connection, the server and its worker processes.

Parts lie among the artifacts, ``uploads/<id>/<number>``, so that any worker on any host finds them. The id comes from
the file itself: who sends the same file again goes on where it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from autotrack.core.artifact_paths import UPLOADS
from autotrack.core.entities import ArtifactRecord
from autotrack.core.errors import ArtifactError, NotFoundError

MOST_PARTS = 100_000
BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Plan:
    """A file of a run that is sent in parts of ``part`` bytes."""

    run: str
    path: str
    size: int
    sha256: str
    part: int

    @property
    def id(self) -> str:
        """32 hexadecimal digits that stand for this file on its way to this run."""
        said = "\n".join((self.run, self.path, str(self.size), self.sha256, str(self.part)))
        return blake2b(said.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

    @property
    def count(self) -> int:
        """How many parts it has."""
        return -(-self.size // self.part)

    def length(self, number: int) -> int:
        """The bytes of a part."""
        return min(self.part, self.size - number * self.part)


def present(storage: Any, plan: Plan) -> list[int]:
    """The numbers of the parts that are here."""
    found = []
    for entry in storage.list(f"{UPLOADS}/{plan.id}"):
        number = int(entry.path) if entry.path.isdecimal() else plan.count
        if number < plan.count and entry.size == plan.length(number):
            found.append(number)
    return sorted(found)


def take(storage: Any, upload: str, number: int, blocks: Iterator[bytes], sha256: str | None) -> None:
    """Keeps a part (ArtifactError where it is not of that sha256)."""
    storage.put_blocks(f"{UPLOADS}/{upload}", str(number), blocks, sha256=sha256)


def join(storage: Any, plan: Plan, folder: str) -> ArtifactRecord:
    """Makes the file of its parts (ArtifactError where they are not the file)."""
    try:
        stored: ArtifactRecord = storage.put_blocks(folder, plan.path, _blocks(storage, plan), sha256=plan.sha256)
    except ArtifactError:
        forget(storage, plan)  # each part is what was sent, so all of them would have to be sent anew
        raise
    return stored


def _blocks(storage: Any, plan: Plan) -> Iterator[bytes]:
    for number in range(plan.count):
        with storage.open(f"{UPLOADS}/{plan.id}", str(number)) as stream:
            while block := stream.read(BLOCK):
                yield block


def forget(storage: Any, plan: Plan) -> None:
    """Removes the parts."""
    with suppress(NotFoundError):
        storage.delete(f"{UPLOADS}/{plan.id}")
