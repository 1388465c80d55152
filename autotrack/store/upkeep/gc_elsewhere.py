"""The part of the clean-up whose files are in no folder of this machine: artifacts in an object store."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autotrack.core.artifact_paths import UPLOADS, check_artifact_path
from autotrack.core.entities import Entry
from autotrack.core.errors import ArtifactError, NotFoundError
from autotrack.core.keys import is_run_id

from ..registry.needed import MODELS

if TYPE_CHECKING:
    from autotrack.core.sink import Artifacts

_ARTIFACTS = "artifacts/"


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Where a store's artifacts are, and how they are reached."""

    root: str
    artifacts: Artifacts

    def files(self, folders: Iterable[str]) -> dict[str, int]:
        """Addresses and sizes of the files in these folders (ArtifactError where the place does not answer)."""
        base = self.root.rstrip("/")
        return {
            f"{base}/{folder}/{entry.path}": entry.size
            for folder in folders
            for entry in _below(self.artifacts, folder)
        }

    def abandoned(self, parts: float, uploads: float) -> dict[str, int]:
        """Paths and sizes of what nobody goes on storing: temporary files written before ``parts`` (seconds since the
        epoch), and parts of uploads from before ``uploads``."""
        found: Callable[[], Iterator[tuple[str, int, float]]] | None = getattr(self.artifacts, "leavings", None)
        return {
            path: size
            for path, size, written in (found() if found is not None else ())
            if written < (uploads if path.startswith(f"{UPLOADS}/") else parts)
        }

    def clear(self, paths: Iterable[str]) -> None:
        """Removes such files (ArtifactError)."""
        remove: Callable[[str], None] | None = getattr(self.artifacts, "remove_leaving", None)
        if remove is None:
            return
        for path in paths:
            with suppress(NotFoundError):
                remove(path)

    def address(self, path: str) -> str:
        """The address of a path."""
        return f"{self.root.rstrip('/')}/{path}"

    def remove(self, folders: Iterable[str]) -> int:
        """Removes these folders; answers the bytes freed (ArtifactError)."""
        freed = 0
        for folder in folders:
            with suppress(NotFoundError):
                freed += self.artifacts.delete(folder)
        return freed


def folders_of(runs: Iterable[tuple[str, str | None]], models: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Run and model ids with their folders among the artifacts. ``runs``: ids and what their records say of the place,
    which counts only where it is a folder of that run; ``models``: ids and their experiments."""
    found = {}
    for run, place in runs:
        segments = _segments((place or "").removeprefix(_ARTIFACTS))
        if (place or "").startswith(_ARTIFACTS) and is_run_id(run) and len(segments) == 2 and segments[1] == run:
            found[run] = "/".join(segments)
    for model, experiment in models:
        segments = _segments(f"{experiment}/{MODELS}/{model}")
        if len(segments) == 3:
            found[model] = "/".join(segments)
    return found


def _segments(place: str) -> Sequence[str]:
    try:
        return check_artifact_path(place)
    except ArtifactError:
        return ()


def _below(artifacts: Artifacts, folder: str, path: str = "") -> Iterator[Entry]:
    for entry in artifacts.list(folder, path):
        if entry.is_folder:
            yield from _below(artifacts, folder, entry.path)
        else:
            yield entry
