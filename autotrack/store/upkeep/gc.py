"""Removes for good what was deleted softly, and what was left lying: shown first, with the bytes that it frees."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, delete, exists, or_, select

from autotrack.core.artifact_paths import TEMPORARY, UPLOADS
from autotrack.core.objects import Objects

from .. import schema
from ..engines.dialect import among, transact
from ..experiments import DELETED
from ..registry.needed import MODELS, needed
from ..schema import model_tables as schema_models
from .gc_elsewhere import Elsewhere, folders_of
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
    """What is or was removed: ids of runs, experiments and logged models, files and empty folders, and the bytes of the
    files. ``elsewhere`` are addresses of files in no folder of this machine. ``kept`` says what was deleted and stays,
    and why: a sentence each."""

    runs: tuple[str, ...] = ()
    experiments: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    folders: tuple[Path, ...] = ()
    bytes: int = 0
    kept: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()


def plan(connection: Connection, root: Path, *, objects: bool, elsewhere: Elsewhere | None = None) -> GarbagePlan:
    """What can go: deleted runs and logged models with their artifacts, emptied deleted experiments, content that
    nothing refers to (``objects``: all that could refer to it is in the database), abandoned temporary files, empty
    folders; nothing that a registered version stands on. Only files inside the store's own ``artifacts`` and
    ``objects`` folders are ever touched, and folders of such runs and models ``elsewhere``."""
    runs, experiments, logged = schema.runs, schema.experiments, schema_models.logged_models
    deleted = connection.execute(select(runs.c.id, runs.c.artifact_uri).where(runs.c.lifecycle == DELETED)).all()
    gone = or_(logged.c.lifecycle == DELETED, experiments.c.lifecycle == DELETED)
    joined = select(logged.c.id, logged.c.experiment_id).join(experiments, experiments.c.id == logged.c.experiment_id)
    unlogged = connection.execute(joined.where(gone)).all()
    stands = needed(connection)
    kept = [_kept("run", row.id, stands.runs[row.id]) for row in deleted if row.id in stands.runs]
    kept += [_kept("logged model", row.id, stands.models[row.id]) for row in unlogged if row.id in stands.models]
    deleted = [row for row in deleted if row.id not in stands.runs]
    unlogged = [row for row in unlogged if row.id not in stands.models]
    artifacts = root / "artifacts"
    files: dict[Path, int] = {}
    places = [row.artifact_uri for row in deleted]
    for place in (*places, *(f"artifacts/{row.experiment_id}/{MODELS}/{row.id}" for row in unlogged)):
        folder = _inside(root, place)
        if folder is not None:
            files.update(_files(folder))
    theirs: dict[str, int] = {}
    if elsewhere is not None:
        theirs = elsewhere.files(folders_of(_pairs(deleted), _pairs(unlogged)).values())
        theirs |= {elsewhere.address(path): size for path, size in _abandoned(elsewhere).items()}
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
        experiments=_emptied_experiments(connection, {row.id for row in deleted}, {row.id for row in unlogged}),
        models=tuple(row.id for row in unlogged),
        files=tuple(sorted(files)),
        folders=tuple(_emptied(artifacts, files.keys(), old)),
        bytes=sum(files.values()) + sum(theirs.values()),
        kept=tuple(kept),
        elsewhere=tuple(sorted(theirs)),
    )


def _abandoned(elsewhere: Elsewhere) -> dict[str, int]:
    now = time.time()
    return elsewhere.abandoned(now - ABANDONED_SECONDS, now - UNFINISHED_SECONDS)


def _pairs(rows: Sequence[Any]) -> Iterator[tuple[str, str]]:
    """Ids with places, or with experiments, as they were asked for."""
    return ((row[0], row[1]) for row in rows)


def _kept(what: str, one: str, versions: Sequence[str]) -> str:
    return f"the {what} {one} is deleted and stays for {', '.join(versions)} of the registry"


def _emptied_experiments(connection: Connection, runs: Collection[str], models: Collection[str]) -> tuple[str, ...]:
    """Deleted experiments of which nothing is left once these runs and logged models are gone."""
    table = schema.experiments
    found = list(connection.execute(select(table.c.id).where(table.c.lifecycle == DELETED)).scalars())
    full: set[str] = set()
    for things, going in ((schema.runs, runs), (schema_models.logged_models, models)):
        rows = connection.execute(select(things.c.experiment_id, things.c.id).where(things.c.experiment_id.in_(found)))
        full.update(experiment for experiment, one in rows if one not in going)
    return tuple(experiment for experiment in found if experiment not in full)


def collect(
    engine: Engine, root: Path, planned: GarbagePlan, *, objects: bool, elsewhere: Elsewhere | None = None
) -> GarbagePlan:
    """Removes what was planned and is still garbage; answers what was really removed.

    Files go first: killed in between, the rows are still there and the next plan shows them again.
    """
    with engine.connect() as connection:
        now = plan(connection, root, objects=objects, elsewhere=elsewhere)
        places = _places(connection, [*planned.runs, *planned.models]) if elsewhere is not None else {}
    still = {*now.runs, *now.models}
    runs = tuple(run for run in planned.runs if run in still)
    models = tuple(model for model in planned.models if model in still)
    garbage = set(now.files)
    files, freed = [], 0
    contents, old = root / "objects", time.time() - UNREFERENCED_SECONDS
    for path in (path for path in planned.files if path in garbage):
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
    theirs: tuple[str, ...] = ()
    if elsewhere is not None:
        freed += elsewhere.remove(places[one] for one in (*runs, *models) if one in places)
        theirs = tuple(address for address in planned.elsewhere if address in set(now.elsewhere))
        left = {path: size for path, size in _abandoned(elsewhere).items() if elsewhere.address(path) in set(theirs)}
        elsewhere.clear(left)
        freed += sum(left.values())
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
        table, logged = schema.experiments, schema_models.logged_models
        for start in range(0, len(models), MANY):
            connection.execute(delete(logged).where(logged.c.id.in_(models[start : start + MANY])))
        has_runs = exists().where(schema.runs.c.experiment_id == table.c.id)
        has_models = exists().where(logged.c.experiment_id == table.c.id)
        gone = (table.c.id.in_(planned.experiments), table.c.lifecycle == DELETED, ~has_runs, ~has_models)
        emptied = tuple(connection.execute(select(table.c.id).where(*gone)).scalars())
        connection.execute(delete(table).where(*gone))
        return emptied

    experiments = transact(engine, work, idempotent=True)
    return GarbagePlan(runs, experiments, models, tuple(files), tuple(folders), freed, now.kept, theirs)


def _places(connection: Connection, ids: Sequence[str]) -> dict[str, str]:
    runs, logged = schema.runs, schema_models.logged_models
    deleted = connection.execute(select(runs.c.id, runs.c.artifact_uri).where(among(runs.c.id, ids))).all()
    models = connection.execute(select(logged.c.id, logged.c.experiment_id).where(among(logged.c.id, ids))).all()
    return folders_of(_pairs(deleted), _pairs(models))


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
