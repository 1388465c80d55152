"""A copy of a store that is itself a store, made while others write; and the check that every byte is as it was stored.

The database is copied as of one moment, then the files: what a run of that moment has was stored before its record was.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select

from autotrack.core.addresses import DATABASE
from autotrack.core.artifact_paths import TEMPORARY
from autotrack.core.errors import NotFoundError, StoreError, UsageError
from autotrack.core.guard import attempt
from autotrack.core.private import make_private

from . import schema
from .engines.sqlite import copy_database
from .store import Store

BLOCK = 1 << 20
#: How often the database is copied again because files of its runs were replaced meanwhile.
ROUNDS = 3

Progress = Callable[[int], object]


@dataclass(frozen=True, slots=True)
class BackedUp:
    """What a backup holds. ``changed`` are artifacts (run and path) that are not what their record says: they were
    replaced while they were copied, or have been damaged before."""

    folder: Path
    runs: int
    files: int
    bytes: int
    changed: tuple[str, ...] = ()


def back_up(store: Store, folder: Path, progress: Progress = lambda size: None) -> BackedUp:
    """Copies a store into a folder that is not there yet (UsageError). ``progress`` is told of bytes as they are
    copied.

    The folder appears when it is whole: killed in between, only a ``.partial`` folder is left. StoreError where the
    disk does not do its part.
    """
    database = store.database
    if database is None:
        raise UsageError(f"{store.uri} is copied by its own tools: see docs/postgresql.md")
    if folder.exists():
        raise UsageError(f"{folder} is there already; name a folder that is to be made")
    partial = folder.with_name(f"{folder.name}.{secrets.token_hex(4)}.partial")
    try:
        make_private(partial)
        for turn in range(ROUNDS):
            with store.reading():  # what journals hold is brought in
                copy_database(database, partial / DATABASE)
            files, size = 0, 0
            for part in ("artifacts", "objects"):
                for path in _files(store.root / part):
                    target = partial / part / path.relative_to(store.root / part)
                    size += _copied(path, target, progress)
                    files += 1
            with closing(Store.open(partial)) as copy:
                changed = tuple(problem.what for problem in problems(copy))
                with copy.reading() as connection:
                    runs = connection.execute(select(func.count()).select_from(schema.runs)).scalar_one()
            if not changed or turn + 1 == ROUNDS:
                break
        make_private(folder.parent)
        partial.rename(folder)
    except OSError as error:
        raise StoreError(
            f"could not back up {store.root} to {folder} ({error}); what was copied is in {partial}"
        ) from error
    return BackedUp(folder, runs, files, size, changed)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is not as it was stored: ``what`` names it, ``why`` says what was found."""

    what: str
    why: str


def problems(store: Store, progress: Progress = lambda size: None) -> Iterator[Problem]:
    """Reads every artifact and every object again, where everybody reads them, and compares its sha256 with what was
    recorded."""
    runs, artifacts = schema.runs, schema.artifacts
    with store.reading() as connection:
        query = select(runs.c.id, runs.c.artifact_uri, artifacts.c.path, artifacts.c.size, artifacts.c.sha256)
        rows = connection.execute(query.join(runs, runs.c.n == artifacts.c.run)).all()
    # Files of a database that is everybody's are with those who wrote them until somebody says where else.
    is_shared = store.database is not None or store.artifact_root is not None
    for run, uri, path, size, sha256 in rows:
        folder = (uri or "").removeprefix("artifacts/")
        if not folder or "://" in folder:
            continue  # files elsewhere are looked after there
        found, error = attempt(_sha256, store, folder, path, progress)
        if isinstance(error, NotFoundError) and not is_shared:
            continue  # on the machine that wrote it
        if error is not None:
            yield Problem(f"{run} {path}", "it is not there" if isinstance(error, NotFoundError) else str(error))
        elif found != (size, sha256):
            yield Problem(
                f"{run} {path}", f"its {size:,} bytes are not those that were stored (sha256 {sha256[:12]}...)"
            )
    for digest, content in store.objects.read_again():
        if content is None:
            yield Problem(f"object {digest}", "its bytes are not those that were stored")
        progress(len(content or b""))
    with store.reading() as connection:
        from .upkeep.integrity import findings

        yield from (Problem("the database", finding) for finding in findings(connection))


def _sha256(store: Store, folder: str, path: str, progress: Progress) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    with store.artifacts.open(folder, path) as stream:
        while block := stream.read(BLOCK):
            digest.update(block)
            size += len(block)
            progress(len(block))
    return size, digest.hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    """Regular files under a folder; links are not followed, and what is being written is left out."""
    for place, _, names in os.walk(folder):
        for name in sorted(names):
            if not name.startswith((TEMPORARY, ".")):
                yield Path(place, name)


def _copied(path: Path, target: Path, progress: Progress) -> int:
    """Copies a file unless it is there and the same; answers its size. One that is gone meanwhile is passed over."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return 0
    with os.fdopen(descriptor, "rb", buffering=0) as source:
        info = os.fstat(descriptor)
        if not stat.S_ISREG(info.st_mode):
            return 0
        make_private(target.parent)
        partial = target.with_name(f"{TEMPORARY}{secrets.token_hex(8)}")
        out = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(out, "wb", buffering=0) as copy:
            while block := source.read(BLOCK):
                copy.write(block)
                progress(len(block))
            os.fsync(out)
        os.utime(partial, ns=(info.st_atime_ns, info.st_mtime_ns))
        partial.rename(target)
        return info.st_size
