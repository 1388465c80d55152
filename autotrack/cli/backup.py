"""``autotrack backup`` and ``autotrack verify``: a copy of a store, and whether every byte of it is what was stored."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from autotrack.core.errors import NotFoundError, UsageError

from .commands import Command, State, json_option
from .documents import print_json
from .stores import find_place, no_store, open_folder, open_place
from .words import plural, size

if TYPE_CHECKING:
    from autotrack.store.backup import Progress
    from autotrack.store.store import Store


@click.command(
    cls=Command,
    examples=(
        ("autotrack backup /backups/2026-11-26", "a copy of this folder's store, while others go on writing to it"),
        ("autotrack --store /backups/2026-11-26 runs list", "a backup is a store: look at it, serve it, go on with it"),
    ),
)
@click.argument("folder", type=click.Path(path_type=Path))
@json_option
@click.pass_obj
def backup(state: State, folder: Path, as_json: bool) -> None:
    """Copy the store into FOLDER, which is made.

    The copy is of one moment and is itself a store; to restore it, use it. Exit code 1 where a file is not what was
    stored.
    """
    from autotrack.store.backup import back_up

    with closing(_store(state)) as store, _bar("copied") as progress:
        made = back_up(store, folder, progress)
    if as_json:
        print_json(
            {
                "folder": str(made.folder),
                "runs": made.runs,
                "files": made.files,
                "bytes": made.bytes,
                "changed": list(made.changed),
            }
        )
    else:
        what = f"{plural(made.runs, 'run')} and {plural(made.files, 'file')}"
        click.echo(f"backed up {what} ({size(made.bytes)}) to {made.folder}")
        for each in made.changed:
            click.echo(f"not what was stored: {each}; `autotrack verify` says more")
    if made.changed:
        raise click.exceptions.Exit(1)


@click.command(
    cls=Command,
    examples=(
        ("autotrack verify", "read every artifact and object again and compare its sha256"),
        ("autotrack --store /backups/2026-11-26 verify --json", "a backup, for programs"),
        ("autotrack --store postgresql://... verify", "a database, and its artifacts wherever they are kept"),
    ),
)
@json_option
@click.pass_obj
def verify(state: State, as_json: bool) -> None:
    """Read everything in the store again, and say what is not as it was stored. Exit code 1 where anything is not."""
    from autotrack.store.backup import problems

    with closing(_opened(state)) as store, _bar("read") as progress:
        found = list(problems(store, progress))
    if as_json:
        print_json({"problems": [{"what": each.what, "why": each.why} for each in found]})
    else:
        for each in found:
            click.echo(f"{each.what}: {each.why}")
        click.echo("everything is as it was stored" if not found else f"{plural(len(found), 'problem')} found")
    if found:
        raise click.exceptions.Exit(1)


def _store(state: State) -> Store:
    place = find_place(state)
    if not place.on_disk:
        raise UsageError(
            f"{place.shown} is not a store of this machine: run this where it is kept (a PostgreSQL database is backed "
            "up with pg_dump, its artifacts where they are)"
        )
    if not place.exists:
        raise NotFoundError(no_store(place))
    return open_folder(place)


def _opened(state: State) -> Store:
    """The store, of this machine or in a database server."""
    from autotrack.store.store import Store

    place = find_place(state)
    if not place.exists:
        raise NotFoundError(no_store(place))
    store = open_place(place)
    if not isinstance(store, Store):
        store.close()
        raise UsageError(f"{place.shown} is somebody else's store: run this where it is kept")
    return store


@contextmanager
def _bar(verb: str) -> Iterator[Progress]:
    """A line on a terminal with the bytes so far; nothing elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    console = Console(stderr=True)
    columns = (TextColumn(verb), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:
        task = shown.add_task(verb, total=None)
        yield lambda done: shown.advance(task, done)
