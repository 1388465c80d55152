"""``autotrack artifacts list`` and ``get``: files of runs, here or on a server."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path, PurePosixPath

import click

from autotrack.core.artifact_paths import check_artifact_path
from autotrack.core.entities import ArtifactRecord, RunRecord
from autotrack.core.errors import ArtifactError, NotFoundError, UsageError
from autotrack.core.sink import Sink

from .commands import Group, State, json_option
from .documents import print_json
from .progress import file_progress
from .screen import Cell, Column, Screen
from .stores import open_store
from .words import plural, size

_BLOCK = 1 << 20


@click.group(
    "artifacts",
    cls=Group,
    examples=(
        ("autotrack artifacts list 3f9a", "the files of run 3f9a"),
        ("autotrack artifacts get 3f9a plots/confusion.png", "one of them, into this folder"),
    ),
)
def artifacts() -> None:
    """Files of runs: plots, tables, logs, models."""


@artifacts.command("list", examples=(("autotrack artifacts list 3f9a plots", "what is below plots"),))
@click.argument("run")
@click.argument("path", default="")
@json_option
@click.pass_obj
def list_(state: State, run: str, path: str, as_json: bool) -> None:
    """The files of RUN, or those at or below PATH, with their sizes and sha256."""
    with closing(open_store(state)) as sink:
        found = _below(sink.run(run), path)
    if as_json:
        print_json([{"path": each.path, "size": each.size, "sha256": each.sha256} for each in found])
        return
    rows: list[list[Cell | str]] = [[each.path, size(each.size), (each.sha256 or "")[:16]] for each in found]
    Screen().table([Column("path"), Column("size", right=True), Column("sha256")], rows)


@artifacts.command(
    "get",
    examples=(
        ("autotrack artifacts get 3f9a model", "a folder with all that is in it"),
        ("autotrack artifacts get 3f9a train.log -o /tmp", "into another folder"),
    ),
)
@click.argument("run")
@click.argument("path", default="")
@click.option("-o", "--output", default=".", metavar="FOLDER", help="Where to put them. [default: here]")
@click.option("--force", is_flag=True, help="Replace files that are there.")
@json_option
@click.pass_obj
def get(state: State, run: str, path: str, output: str, force: bool, as_json: bool) -> None:
    """Fetches the file PATH of RUN, or all files below it, and compares their sha256 with the run's record."""
    folder = Path(output)
    with closing(open_store(state)) as sink:
        record = sink.run(run)
        found = _below(record, path)
        above = PurePosixPath(path).parent
        for each in found:
            check_artifact_path(each.path)  # of an archive, or a server: it is not to lead out of the folder
        targets = {each.path: folder / Path(each.path).relative_to(above) for each in found}
        taken = [str(target) for target in targets.values() if target.exists()]
        if taken and not force:
            raise UsageError(f"{taken[0]} is there already; --force replaces it, -o puts it elsewhere")
        with file_progress() as told:
            for each in found:
                _fetch(sink, record, each, targets[each.path], told)
    if as_json:
        print_json([{"path": each.path, "file": str(targets[each.path]), "sha256": each.sha256} for each in found])
        return
    total = sum(each.size for each in found)
    first = targets[found[0].path] if len(found) == 1 else folder / PurePosixPath(path).name
    click.echo(f"{plural(len(found), 'file')}, {size(total)}: {first}")


def _below(run: RunRecord, path: str) -> list[ArtifactRecord]:
    """The files at a path of a run, or below it (NotFoundError)."""
    path = path.strip("/")
    found = [each for each in run.artifacts if path in ("", each.path) or each.path.startswith(f"{path}/")]
    if not found:
        some = ", ".join(sorted({each.path.split("/")[0] for each in run.artifacts})[:6]) or "no files at all"
        raise NotFoundError(f"run {run.id[:8]} has nothing at {path!r}; it has {some}")
    return sorted(found, key=lambda each: each.path)


def _fetch(
    sink: Sink, run: RunRecord, record: ArtifactRecord, target: Path, told: Callable[[str, int, int], None]
) -> None:
    """Writes a file under another name, which it keeps until its sha256 is seen to be right (ArtifactError)."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.{os.getpid()}.part")
    digest, done = hashlib.sha256(), 0
    try:
        with sink.artifacts.open(run.files, record.path) as source, partial.open("wb") as copy:
            while block := source.read(_BLOCK):
                digest.update(block)
                copy.write(block)
                done += len(block)
                told(record.path, done, record.size)
        if record.sha256 is not None and digest.hexdigest() != record.sha256:
            raise ArtifactError(
                f"{record.path} is not what was logged: its sha256 differs; the store's copy was changed"
            )
        shutil.move(partial, target)
    finally:
        partial.unlink(missing_ok=True)
