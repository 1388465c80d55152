"""Everything that is known of one run, its session's part included: what answers are made from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from autotrack.core.entities import FileRecord, RunRecord, SessionRecord
from autotrack.core.errors import ArtifactError, NotFoundError
from autotrack.core.gaps import Gap

if TYPE_CHECKING:
    from autotrack.core.sink import Contents, Sink

#: The kernel stamps files with a clock that may be this far behind (nanoseconds).
CLOCK_LAG = 20_000_000
#: A file of this name says that its folder is a model.
_MODEL = "/MLmodel"
#: Objects beyond this are not taken apart: nobody reads such a diff on a screen.
LARGEST = 64 << 20


@dataclass(frozen=True, slots=True)
class Story:
    """One run with the session that it was made in and the files that the session opened."""

    run: RunRecord
    session: SessionRecord | None
    files: tuple[FileRecord, ...]
    objects: Contents

    def part(self, name: str) -> Mapping[str, Any] | None:
        """What the collector of that name found; None where it found nothing."""
        found = self.session.parts.get(name) if self.session is not None else None
        return found if isinstance(found, Mapping) else None

    def content(self, digest: object) -> bytes | None:
        """The object with that sha256; None where it is not kept, has changed, or is no sha256."""
        if not isinstance(digest, str):
            return None
        try:
            content = self.objects.get(digest)
        except (NotFoundError, ArtifactError, OSError):
            return None
        return content if len(content) <= LARGEST else None

    def document(self, digest: object) -> Mapping[str, Any] | None:
        """The object with that sha256 as a JSON document; None where it is none."""
        content = self.content(digest)
        if content is None:
            return None
        try:
            found = json.loads(content)
        except (ValueError, RecursionError):
            return None
        return found if isinstance(found, Mapping) else None

    def read(self) -> list[FileRecord]:
        """Files that were opened for reading before the run ended, with each content they had; a model is one."""
        ended = self.run.ended
        return models_as_one(
            [file for file in self.files if file.role == "read" and (ended is None or file.first <= ended)]
        )

    def written(self) -> list[FileRecord]:
        """Files that were written after the run started."""
        return [file for file in self.files if is_written_since(file, self.run.started)]

    def gaps(self) -> list[Gap]:
        """What is not known of this run, each hole once, with the way to close it."""
        return list(dict.fromkeys(self._gaps()))

    def _gaps(self) -> Iterator[Gap]:
        if self.session is None:
            yield Gap(
                "session",
                "nothing is known of the program that made this run: its session was not recorded",
                "record with a current autotrack",
            )
            return
        for name, part in self.session.parts.items():
            said = part.get("gaps")
            for gap in said if isinstance(said, Sequence) and not isinstance(said, str) else ():
                if isinstance(gap, Mapping):
                    yield Gap(str(gap.get("part") or name), str(gap.get("what") or ""), str(gap.get("close") or ""))
        for data in self.run.datasets:
            if data.partial:
                yield Gap("data", f"{data.name} ({data.context}): {data.partial}")
        for file in self.files:
            if file.partial and file.role == "read":
                yield Gap("files", f"{file.path}: {file.partial}")


def is_written_since(file: FileRecord, moment: int) -> bool:
    """True for a file that was written, and was still changed after a moment (nanoseconds since the epoch).

    When it was opened is known to a second or so only, for names are taken together; when it was changed, well.
    """
    return file.role == "written" and max(file.first, (file.mtime or 0) + CLOCK_LAG) >= moment


def models_as_one(files: Sequence[FileRecord]) -> list[FileRecord]:
    """The files, those of a model's folder as one of the folder's name: its content is that of the largest of them."""
    folders = {file.path.removesuffix(_MODEL) for file in files if file.path.endswith(_MODEL)}
    found: list[FileRecord] = []
    below: dict[str, list[FileRecord]] = {}
    for file in files:
        folder = next((folder for folder in _above(file.path) if folder in folders), None) if folders else None
        if folder is None:
            found.append(file)
        else:
            below.setdefault(folder, []).append(file)
    for folder, inside in below.items():
        largest = max(inside, key=lambda file: (file.size or 0, file.path))
        found.append(replace(largest, path=folder, size=sum(file.size or 0 for file in inside)))
    return found


def _above(path: str) -> Iterator[str]:
    while path := path.rpartition("/")[0]:
        yield path


def tell(sink: Sink, run: RunRecord) -> Story:
    """The story of a run. What is not known of its session is simply not in it."""
    session = None
    files: list[FileRecord] = []
    if run.session is not None:
        try:
            session = sink.session(run.session)
        except NotFoundError:
            session = None
        files = sink.files(sessions=[run.session])
    return Story(run, session, tuple(files), sink.objects)
