"""Removes for good what was deleted softly, and what was left lying: shown first, with the bytes that it frees."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, delete, exists, select

from autotrack.core.artifact_paths import TEMPORARY, UPLOADS
from autotrack.core.objects import Objects

from . import schema
from .dialect import transact
from .experiments import DELETED
from .reachable import forget_sessions, unreachable

#: A temporary file this old belongs to no upload that is still going on.
ABANDONED_SECONDS = 3600
#: An object this old that nothing refers to is not waiting in anybody's journal.
UNREFERENCED_SECONDS = 24 * 3600
#: Parts of a file that nobody has gone on sending for so long are given up.
UNFINISHED_SECONDS = 7 * 24 * 3600
MANY = 500


@dataclass(frozen=True, slots=True)
class GarbagePlan:
    """What is or was removed: run ids, experiment ids, files and empty folders, and the bytes of the files."""

    runs: tuple[str, ...] = ()
    experiments: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    folders: tuple[Path, ...] = ()
    bytes: int = 0


def plan(connection: Connection, root: Path, *, objects: bool) -> GarbagePlan:
    """What can go: deleted runs with their artifacts, emptied deleted experiments, content that nothing refers to
    (``objects``: all that could refer to it is in the database), abandoned temporary files, empty folders. Only files
    inside the store's own ``artifacts`` and ``objects`` folders are ever touched."""
    runs, experiments = schema.runs, schema.experiments
    deleted = connection.execute(select(runs.c.id, runs.c.artifact_uri).where(runs.c.lifecycle == DELETED)).all()
    kept = exists().where(runs.c.experiment_id == experiments.c.id, runs.c.lifecycle != DELETED)
    empty = select(experiments.c.id).where(experiments.c.lifecycle == DELETED, ~kept)
    artifacts = root / "artifacts"
    files: dict[Path, int] = {}
    for row in deleted:
        folder = _inside(root, row.artifact_uri)
        if folder is not None:
            files.update(_files(folder))
    old = time.time() - ABANDONED_SECONDS
    for path, size in _files(artifacts):
        if (path.name.startswith(TEMPORARY) and path.lstat().st_mtime < old) or (
            artifacts / UPLOADS in path.parents and path.lstat().st_mtime < time.time() - UNFINISHED_SECONDS
        ):
            files[path] = size
    if objects:
        files.update(unreachable(connection, Objects(root / "objects"), time.time() - UNREFERENCED_SECONDS))
    return GarbagePlan(
        runs=tuple(row.id for row in deleted),
        experiments=tuple(connection.execute(empty).scalars()),
        files=tuple(sorted(files)),
        folders=tuple(_emptied(artifacts, files.keys(), old)),
        bytes=sum(files.values()),
    )


def collect(engine: Engine, root: Path, planned: GarbagePlan, *, objects: bool) -> GarbagePlan:
    """Removes what was planned and is still garbage; answers what was really removed.

    Files go first: killed in between, the rows are still there and the next plan shows them again.
    """
    with engine.connect() as connection:
        now = plan(connection, root, objects=objects)
    runs = tuple(run for run in planned.runs if run in set(now.runs))
    files, freed = [], 0
    contents, old = root / "objects", time.time() - UNREFERENCED_SECONDS
    for path in (path for path in planned.files if path in set(now.files)):
        try:
            info = path.lstat()
            if contents in path.parents and info.st_mtime >= old:
                continue  # somebody has put it again since
            size = _size(info)
            path.unlink()
        except FileNotFoundError:
            continue
        files.append(path)
        freed += size
    folders = []
    for path in planned.folders:
        try:
            path.rmdir()
        except OSError:  # something was put there since
            continue
        folders.append(path)

    def work(connection: Connection) -> tuple[str, ...]:
        for start in range(0, len(runs), MANY):
            _forget(connection, runs[start : start + MANY])
        table = schema.experiments
        has_runs = exists().where(schema.runs.c.experiment_id == table.c.id)
        gone = (table.c.id.in_(planned.experiments), table.c.lifecycle == DELETED, ~has_runs)
        emptied = tuple(connection.execute(select(table.c.id).where(*gone)).scalars())
        connection.execute(delete(table).where(*gone))
        return emptied

    experiments = transact(engine, work, idempotent=True)
    return GarbagePlan(runs, experiments, tuple(files), tuple(folders), freed)


def _forget(connection: Connection, run_ids: tuple[str, ...]) -> None:
    runs, series, chunks = schema.runs, schema.series, schema.chunks
    gone = select(runs.c.n).where(runs.c.id.in_(run_ids), runs.c.lifecycle == DELETED)
    connection.execute(delete(chunks).where(chunks.c.series.in_(select(series.c.id).where(series.c.run.in_(gone)))))
    links = schema.writer_series
    connection.execute(delete(links).where(links.c.run.in_(gone)))
    sessions = connection.execute(select(runs.c.session).where(runs.c.n.in_(gone)).distinct()).scalars().all()
    connection.execute(delete(runs).where(runs.c.id.in_(run_ids), runs.c.lifecycle == DELETED))
    forget_sessions(connection, [session for session in sessions if session])


def _inside(root: Path, uri: str | None) -> Path | None:
    """A run's artifact folder, if it is a real folder strictly inside the store's. ``uri`` is relative to ``root``."""
    if not uri or "://" in uri:
        return None
    base, folder = Path(os.path.normpath(root / "artifacts")), Path(os.path.normpath(root / uri))
    if base not in folder.parents or not folder.is_dir():
        return None
    # No link on the way may lead out of the store.
    return folder if folder.resolve() == base.resolve() / folder.relative_to(base) else None


def _files(folder: Path) -> Iterator[tuple[Path, int]]:
    """Files under a folder with their sizes; links are files and are not followed."""
    for place, folders, names in os.walk(folder):
        links = [name for name in folders if Path(place, name).is_symlink()]
        for name in (*names, *links):
            path = Path(place, name)
            try:
                info = path.lstat()
            except FileNotFoundError:
                continue
            yield path, _size(info)


def _size(info: os.stat_result) -> int:
    return info.st_size if stat.S_ISREG(info.st_mode) else 0


def _emptied(artifacts: Path, files: Iterable[Path], old: float) -> list[Path]:
    """Folders that hold nothing once ``files`` are gone, deepest first."""
    going = set(files)
    empty: list[Path] = []
    for place, folders, names in os.walk(artifacts, topdown=False):
        here = Path(place)
        if here == artifacts:
            continue
        inside = [here / name for name in (*folders, *names)]
        # A folder that is empty and new may be somebody's who is about to write into it.
        if (inside or here.lstat().st_mtime < old) and all(path in going for path in inside):
            going.add(here)
            empty.append(here)
    return empty
