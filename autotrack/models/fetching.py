"""A run's model whose files are on another machine, as a folder on this one."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from autotrack.core.artifact_paths import check_artifact_path
from autotrack.core.entities import ArtifactRecord, RunRecord
from autotrack.core.errors import ArtifactError, NotFoundError
from autotrack.core.imported import is_imported
from autotrack.core.private import TEMPORARY, Ours

if TYPE_CHECKING:
    from autotrack.core.sink import Sink

    from .loading import Located

_BLOCK = 1 << 20


def fetched(sink: Sink, record: RunRecord, path: str, place: Path) -> Located:
    """The folder of a run's model (NotFoundError, ArtifactError).

    ``place`` is this machine's folder for the store. Files that this user has written there, and that are what the
    store says, are taken from there, and are the user's own; what comes from the store is somebody's, and a copy that
    is to be discarded.
    """
    from .loading import Located

    files = [file for file in record.artifacts if file.path.startswith(f"{path}/")]
    digests = [model.digest for model in record.models if model.path == path]
    digest = digests[-1] or None if digests else None
    if not files:
        models = ", ".join(model.path for model in record.models) or "none"
        raise NotFoundError(f"run {record.id} has no model {path!r}; its models: {models}")
    here = place.joinpath("artifacts", *check_artifact_path(record.files), *check_artifact_path(path))
    if _is_whole(here, files, len(path) + 1) and not is_imported(place, record.id):
        return Located(here, True, digest)
    folder = Path(tempfile.mkdtemp(prefix=TEMPORARY))
    try:
        for file in files:
            _fetch(sink, record, file, folder.joinpath(*check_artifact_path(file.path[len(path) + 1 :])))
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return Located(folder, False, digest, fetched=True)


def _is_whole(here: Path, files: Sequence[ArtifactRecord], start: int) -> bool:
    """True where this user has all these files here, as they are in the store, and no other ones beside them."""
    try:
        if hasattr(os, "getuid") and here.stat().st_uid != os.getuid():
            return False
        wanted = {file.path[start:]: file.sha256 for file in files}
        found = {path.relative_to(here).as_posix() for path in here.rglob("*") if not path.is_dir()}
        return found == set(wanted) and all(_digest(here / name) == sha256 for name, sha256 in wanted.items())
    except OSError:
        return False


def _digest(path: Path) -> str:
    with open(Ours(path), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fetch(sink: Sink, record: RunRecord, file: ArtifactRecord, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    digest = hashlib.sha256()
    descriptor = os.open(Ours(target), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as copy, sink.artifacts.open(record.files, file.path) as source:
        while block := source.read(_BLOCK):
            copy.write(block)
            digest.update(block)
    if digest.hexdigest() != file.sha256:
        raise ArtifactError(
            f"the artifact {file.path!r} of run {record.id[:8]} is not what was kept: its bytes have changed"
        )
