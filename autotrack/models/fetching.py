"""A model whose files are on another machine or in an object store, as a folder on this one."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from autotrack.core.artifact_paths import check_artifact_path
from autotrack.core.cache import Cache
from autotrack.core.entities import ArtifactRecord, RunRecord
from autotrack.core.errors import ArtifactError, NotFoundError
from autotrack.core.imported import is_imported
from autotrack.core.private import TEMPORARY, Ours

from .located import Located

if TYPE_CHECKING:
    from autotrack.core.sink import Artifacts, Sink

_BLOCK = 1 << 20
#: What is more, or deeper, than any model's folder is.
MOST_FILES, DEEPEST = 100_000, 50


def fetched(sink: Sink, record: RunRecord, path: str, place: Path) -> Located:
    """The folder of a run's model (NotFoundError, ArtifactError).

    ``place`` is this machine's folder for the store. Files that this user has written there, and that are what the
    store says, are taken from there, and are the user's own; what comes from the store is somebody's, and a copy that
    is to be discarded.
    """
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
            _fetch(sink, record, file, place, folder.joinpath(*check_artifact_path(file.path[len(path) + 1 :])))
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


def fetched_folder(artifacts: Artifacts, folder: str, named: str, digest: str | None) -> Located:
    """A folder of files that no record names, as a copy that is to be discarded (NotFoundError, ArtifactError).

    Whoever loads it holds it against its manifest, and against ``digest``.
    """
    *above, name = check_artifact_path(folder)
    base, inside = ("/".join(above), name) if above else (name, "")
    copy = Path(tempfile.mkdtemp(prefix=TEMPORARY))
    try:
        count = 0
        for path in _files_below(artifacts, base, inside):
            count += 1
            if count > MOST_FILES:
                raise ArtifactError(f"{named} holds more than {MOST_FILES:,} files, which no model does")
            target = copy.joinpath(*check_artifact_path(path[len(inside) + 1 :] if inside else path))
            with _made(target) as file, artifacts.open(base, path) as source:
                shutil.copyfileobj(source, file, _BLOCK)
        if count == 0:
            raise NotFoundError(f"the files of {named} should be in {folder} among the artifacts, and are not there")
    except BaseException:
        shutil.rmtree(copy, ignore_errors=True)
        raise
    return Located(copy, False, digest, fetched=True)


def _files_below(artifacts: Artifacts, base: str, path: str, depth: int = 0) -> Iterator[str]:
    if depth > DEEPEST:
        raise ArtifactError(f"{base}/{path} is more than {DEEPEST} folders deep, which no model is")
    for entry in artifacts.list(base, path):
        if entry.is_folder:
            yield from _files_below(artifacts, base, entry.path, depth + 1)
        else:
            yield entry.path


def _made(target: Path) -> BinaryIO:
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(Ours(target), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    return os.fdopen(descriptor, "wb")


def _open(sink: Sink, record: RunRecord, file: ArtifactRecord, place: Path) -> BinaryIO:
    """The file: out of this machine's cache, where it is one of an object store (a server's client has its own)."""
    if not hasattr(sink.artifacts, "signed_url"):
        return sink.artifacts.open(record.files, file.path)
    cache = Cache(place / "cache")

    def source(start: int) -> Iterator[bytes]:
        with sink.artifacts.open(record.files, file.path) as stream:
            stream.seek(start)
            while block := stream.read(_BLOCK):
                yield block

    found = cache.open(file.sha256)
    if found is None:
        try:
            cache.fetch(file.sha256, file.size, source)
        except OSError as error:
            raise ArtifactError(
                f"could not fetch the artifact {file.path!r} into {place} ({error.strerror}); is there space?"
            ) from error
        found = cache.open(file.sha256)
    if found is None:
        raise ArtifactError(f"the artifact {file.path!r} was fetched, and is not as it came; is the disk full?")
    return found


def _fetch(sink: Sink, record: RunRecord, file: ArtifactRecord, place: Path, target: Path) -> None:
    digest = hashlib.sha256()
    with _made(target) as copy, _open(sink, record, file, place) as source:
        while block := source.read(_BLOCK):
            copy.write(block)
            digest.update(block)
    if digest.hexdigest() != file.sha256:
        raise ArtifactError(
            f"the artifact {file.path!r} of run {record.id[:8]} is not what was kept: its bytes have changed"
        )
