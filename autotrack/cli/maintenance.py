"""Looking after a store: ``sync``, ``gc`` and ``db upgrade``."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import click

from autotrack.core.addresses import shown
from autotrack.core.errors import NotFoundError, StoreError, UsageError

from .commands import Command, Group, State, json_option
from .documents import print_json
from .progress import file_progress
from .screen import Cell, Column, Screen
from .stores import Place, database_file, find_place, no_store, open_place
from .words import plural, size

if TYPE_CHECKING:
    from autotrack.store.upkeep.gc import GarbagePlan

#: How many names of a kind `gc` shows on a terminal.
_SHOWN = 12


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
    from autotrack.store.store import Store

    place = find_place(state)
    if not place.exists:
        raise NotFoundError(no_store(place))
    with closing(open_place(place)) as store:
        if not isinstance(store, Store):
            raise UsageError(f"cannot collect at {place.shown}: a server frees its own space; run `autotrack gc` there")
        plan = store.garbage()
        if yes:
            plan = store.collect_garbage(plan)
    if as_json:
        print_json(
            {
                "done": yes,
                "bytes": plan.bytes,
                "runs": plan.runs,
                "experiments": plan.experiments,
                "models": plan.models,
                "kept": plan.kept,
                "files": [*map(str, plan.files), *map(shown, plan.elsewhere)],
                "folders": [str(path) for path in plan.folders],
            }
        )
    else:
        _print_garbage(plan, yes)


def _print_garbage(plan: GarbagePlan, done: bool) -> None:
    screen = Screen()
    for sentence in plan.kept:
        screen.line(sentence)
    files = (*map(str, plan.files), *map(shown, plan.elsewhere))
    if not (plan.runs or plan.experiments or plan.models or files or plan.folders):
        click.echo("nothing to free")
        return
    rows: list[list[Cell | str]] = []
    for kind, names in (
        ("run", plan.runs),
        ("experiment", plan.experiments),
        ("logged model", plan.models),
        ("file", files),
        ("empty folder", plan.folders),
    ):
        some = names[:_SHOWN] if screen.terminal else names
        rows += [[kind, str(name)] for name in some]
        if len(some) < len(names):
            rows.append([kind, Cell(f"and {len(names) - len(some):,} more (--json lists all)", "dim")])
    screen.table([Column("what"), Column("name", shrink=True)], rows)
    what = ", ".join(
        plural(len(names), one)
        for one, names in (("deleted run", plan.runs), ("experiment", plan.experiments), ("file", files))
        if names
    )
    if done:
        click.echo(f"freed {size(plan.bytes)}" + (f": {what}" if what else ""))
    else:
        click.echo(
            f"would free {size(plan.bytes)}"
            + (f": {what}" if what else "")
            + "; `autotrack gc --yes` does it, for good"
        )


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

    A backup is made and verified first; killed at any moment, the database is wholly old or wholly new. A PostgreSQL
    database is upgraded in one transaction, and backed up by whoever looks after it (`pg_dump`).
    """
    from autotrack.store.engines.postgresql import is_postgresql
    from autotrack.store.schema.migrate import upgrade as migrate

    place = find_place(state)
    if is_postgresql(place.uri):
        _upgrade_server(place, as_json)
        return
    if not place.on_disk:
        raise UsageError(f"{place.shown} is not a database of this machine; upgrade it where it runs")
    path = database_file(place)
    if not path.is_file():
        raise StoreError(f"there is no database to upgrade at {path}; the first run makes one with the newest schema")
    backup = migrate(path)
    if as_json:
        print_json({"database": str(path), "upgraded": backup is not None, "backup": backup and str(backup)})
    elif backup is None:
        click.echo(f"{path} has the newest schema already")
    else:
        click.echo(f"upgraded {path}; the database as it was is {backup}")


@db.command(
    "artifacts",
    examples=(
        ("autotrack db artifacts", "where the files of the store's runs are kept"),
        ("autotrack --store postgresql://host/team db artifacts s3://team/runs", "say it, once for all machines"),
    ),
)
@click.argument("uri", required=False)
@json_option
@click.pass_obj
def artifacts(state: State, uri: str | None, as_json: bool) -> None:
    """Say where the files of runs are kept, or have it said.

    URI is a folder that every machine reaches, or, say, s3://bucket/prefix. It is written down in the database, and
    what this machine has kept of files so far is sent there; on other machines the same command without URI does so.
    """
    from autotrack.store.store import Store

    place = find_place(state)
    if not place.exists:
        raise NotFoundError(no_store(place))
    with closing(open_place(place)) as store, file_progress() as progress:
        if not isinstance(store, Store):
            raise UsageError(f"{place.shown} keeps its files itself: `autotrack server --artifacts` there says where")
        if uri is not None and not store.eager:
            raise UsageError(
                f"{place.shown} is a store of this machine: its files move by moving the folder; AUTOTRACK_ARTIFACTS "
                "says where those of a new one go"
            )
        root = store.artifact_root if uri is None else store.keep_artifacts_at(uri)
        sent = store.send_files(progress) if store.eager and root is not None else 0
    where = shown(root) if root is not None else str(store.home / "artifacts")
    if as_json:
        print_json({"artifacts": where, "everybodys": root is not None or not store.eager, "sent": sent})
        return
    click.echo(f"the files of runs in {place.shown} are kept in {where}")
    if sent:
        click.echo(f"sent {plural(sent, 'file')} there that this machine had kept")
    elif root is None and store.eager:
        click.echo("nobody else sees them: `autotrack db artifacts s3://bucket/prefix` says where everybody finds them")


def _upgrade_server(place: Place, as_json: bool) -> None:
    """The same for a PostgreSQL database, which whoever looks after it backs up."""
    from autotrack.store.engines.postgresql import postgresql_pool
    from autotrack.store.schema.migrate_postgresql import upgrade as migrate

    pool = postgresql_pool(place.uri)
    try:
        upgraded = migrate(pool)
    finally:
        pool.dispose()
    if as_json:
        print_json({"database": place.shown, "upgraded": upgraded, "backup": None})
    elif upgraded:
        click.echo(f"upgraded {place.shown}, in one transaction")
    else:
        click.echo(f"{place.shown} has the newest schema already")
