"""Looking after a store: ``sync``, ``gc`` and ``db upgrade``."""

from __future__ import annotations

from pathlib import Path

import click

from autotrack.core.entities import Delivery
from autotrack.core.errors import AutotrackError, StoreError, UsageError

from .commands import Command, Group, State
from .documents import delivery_document, print_json
from .runs import json_option
from .screen import Cell, Column, Screen
from .stores import find_place, no_store, open_place, open_store
from .words import plural, size


@click.command(
    "sync",
    cls=Command,
    examples=(
        ("autotrack sync", "what this machine's training processes have written so far"),
        ("autotrack sync /tmp/autotrack-1000/journal", "from a folder that autotrack fell back to"),
        ("autotrack sync --json", "for programs"),
    ),
)
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@json_option
@click.pass_obj
def sync(state: State, folder: Path | None, as_json: bool) -> None:
    """Deliver journals to the store now: those of this store, or those in FOLDER.

    Reading commands do this by themselves; it is for a store that was away, and for FOLDER. The exit code is 1 where
    something could not be delivered.
    """
    place = find_place(state)
    if folder is not None:
        if not folder.is_dir():
            raise UsageError(f"cannot deliver from {folder}: there is no such folder")
        if not any(folder.glob("*.atj")) and (folder / "journal").is_dir():
            folder = folder / "journal"
    elif not place.exists:
        raise AutotrackError(no_store(place))
    sink = open_place(place)
    delivery = sink.deliver(folder or place.location.journal)
    sink.close()
    if as_json:
        print_json(delivery_document(delivery))
    else:
        for line in delivery_lines(delivery, place.uri):
            click.echo(line)
    if delivery.left or delivery.busy:
        raise click.exceptions.Exit(1)


def delivery_lines(delivery: Delivery, uri: str) -> list[str]:
    """What a delivery did, in sentences."""
    if delivery.busy:
        return ["another process is delivering right now; nothing was done here"]
    if not delivery.points and not delivery.events:
        lines = [f"nothing new for {uri}"]
    else:
        lines = [
            f"delivered {plural(delivery.points, 'metric point')} and {plural(delivery.events, 'event')} "
            f"from {plural(delivery.journals, 'journal')} to {uri}"
        ]
    if delivery.damaged:
        lines.append(f"{plural(delivery.damaged, 'record')} could not be read: the file is damaged; the runs say so")
    if delivery.left:
        lines.append(f"{plural(delivery.left, 'journal')} could not be delivered; try again, or see `autotrack doctor`")
    return lines


@click.command(
    "gc",
    cls=Command,
    examples=(
        ("autotrack gc", "what would go, and how many bytes; nothing is changed"),
        ("autotrack gc --yes", "do it"),
    ),
)
@click.option("--yes", is_flag=True, help="Really free the space.")
@json_option
@click.pass_obj
def gc(state: State, yes: bool, as_json: bool) -> None:
    """Free the space of deleted runs and of files that no run owns.

    Without --yes it only says what would go. What it has freed cannot be restored.
    """
    from .collecting import collect

    place = find_place(state)
    if not place.on_disk:
        raise UsageError(f"cannot collect at {place.uri}: a server frees its own space; run `autotrack gc` there")
    sink = open_store(state)
    waste = collect(sink, do=yes)
    sink.close()
    if as_json:
        print_json({"done": yes, "bytes": waste.bytes, "items": [item.document() for item in waste.items]})
        return
    screen = Screen()
    if not waste.items:
        click.echo("nothing to free")
        return
    rows = [
        [item.kind, Cell(item.name), size(item.bytes)] for item in waste.items[: None if not screen.terminal else 40]
    ]
    screen.table([Column("what"), Column("name", shrink=True), Column("bytes", right=True)], rows)
    if yes:
        click.echo(f"freed {size(waste.bytes)}")
    else:
        click.echo(f"would free {size(waste.bytes)}; `autotrack gc --yes` does it, and then it cannot be restored")


@click.group("db", cls=Group, examples=(("autotrack db upgrade", "bring the database to this version's schema"),))
def db() -> None:
    """Look after the database of the store."""


@db.command(
    "upgrade",
    examples=(
        ("autotrack db upgrade", "makes a backup first, verifies it, and says where it is"),
        ("autotrack --store sqlite:////data/autotrack.db db upgrade", "another database"),
    ),
)
@json_option
@click.pass_obj
def upgrade(state: State, as_json: bool) -> None:
    """Bring the database to the schema of this version of autotrack.

    A backup is made and verified first; killed at any moment, the database is wholly old or wholly new.
    """
    from autotrack.store.migrate import upgrade as migrate

    place = find_place(state)
    path = database_file(place.uri, place.location.root, on_disk=place.on_disk)
    if not path.is_file():
        raise StoreError(f"there is no database to upgrade at {path}; the first run makes one with the newest schema")
    backup = migrate(path)
    if as_json:
        print_json({"database": str(path), "upgraded": backup is not None, "backup": backup and str(backup)})
    elif backup is None:
        click.echo(f"{path} has the newest schema already")
    else:
        click.echo(f"upgraded {path}; the database as it was is {backup}")


def database_file(uri: str, root: Path, *, on_disk: bool) -> Path:
    """The SQLite file of a store (UsageError for a store that has none)."""
    if not on_disk:
        raise UsageError(f"{uri} is not a database of this machine; upgrade it where it runs")
    if uri.startswith("sqlite:///"):
        return Path(uri.removeprefix("sqlite:///")).expanduser().absolute()
    return root / "autotrack.db"
