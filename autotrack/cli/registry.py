"""``autotrack models register``, ``alias`` and ``delete``, and how registered models are listed and shown."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import click

from autotrack.core.errors import AutotrackError, UsageError
from autotrack.core.registered import AliasMove, ModelVersion, RegisteredModel, Registry
from autotrack.core.session import user_name

from .commands import Command, State, json_option, pairs
from .documents import print_json
from .model_page import looked_into, model_document, model_uri, print_model
from .production import PREFIX, print_production, production_documents
from .screen import Cell, Column, Screen
from .stores import find_place, no_store, open_place, open_store
from .words import age, iso, plural

#: Moves of aliases that are shown to a person; ``--json`` has them all.
_MOVES = 10


@click.command(
    "register",
    cls=Command,
    examples=(
        ("autotrack models register 3f9a churn", "the model of run 3f9a is the next version of churn"),
        ("autotrack models register runs:/3f9a/ridge churn --alias champion", "and what models:/churn@champion loads"),
        ("autotrack models register churn/3 churn-eu", "a version of one model as a version of another"),
        ("autotrack models register ./model churn -t team=risk", "a folder, with a tag"),
    ),
)
@click.argument("uri", metavar="MODEL")
@click.argument("name")
@click.option("--alias", metavar="ALIAS", help="Have this alias stand for the new version.")
@click.option("-t", "--tag", "tags", multiple=True, metavar="KEY=VALUE", help="A tag of the version; may be repeated.")
@click.option("--description", metavar="TEXT", help="What there is to know about the version.")
@json_option
@click.pass_obj
def register(
    state: State, uri: str, name: str, alias: str | None, tags: tuple[str, ...], description: str | None, as_json: bool
) -> None:
    """Make MODEL the next version of the registered model NAME, which is made where it is not there yet.

    MODEL is a folder, runs:/RUN/PATH, RUN/PATH, RUN for its model, or NAME/VERSION.
    """
    from autotrack.models.registering import register as make

    chosen = pairs(tags, "--tag")
    source = model_uri(state, uri)
    with closing(open_place(find_place(state))) as sink:
        root = find_place(state).location.root
        version = make(sink, root, source, name, alias=alias, tags=chosen, description=description, user=user_name())
    if as_json:
        print_json(version_document(version))
        return
    named = f", alias {alias}" if alias else ""
    screen = Screen()
    screen.line(f"registered {version.name} version {version.version}{named}, from {version.source}")
    screen.note(f"load it with autotrack.load_model({_uri(version)!r})")


@click.command(
    "alias",
    cls=Command,
    examples=(
        ("autotrack models alias churn champion 3", "models:/churn@champion loads version 3 from now on"),
        ("autotrack models alias churn champion --delete", "nothing is called champion any more"),
    ),
)
@click.argument("name")
@click.argument("alias")
@click.argument("version", type=click.IntRange(min=1), required=False)
@click.option("--delete", "deleted", is_flag=True, help="Take the alias away.")
@json_option
@click.pass_obj
def alias(state: State, name: str, alias: str, version: int | None, deleted: bool, as_json: bool) -> None:
    """Have ALIAS stand for VERSION of the registered model NAME, or take it away."""
    if (version is None) != deleted:
        raise click.UsageError("give the version that the alias stands for, or --delete.")
    with closing(open_store(state)) as sink:
        before = sink.registry.get(name).aliases.get(alias)
        if version is not None:
            sink.registry.set_alias(name, alias, version, user=user_name())
        elif before is None:
            raise UsageError(f"{name} has no alias {alias!r}; `autotrack models show {name}` lists those that it has")
        else:
            sink.registry.delete_alias(name, alias, user=user_name())
    if as_json:
        print_json({"name": name, "alias": alias, "version": version, "before": before})
    elif version is None:
        click.echo(f"{name}@{alias} is no more; it was version {before}")
    else:
        was = f"; it was version {before}" if before not in (None, version) else ""
        click.echo(f"{name}@{alias} is version {version}{was}")


@click.command(
    "delete",
    cls=Command,
    examples=(
        ("autotrack models delete churn --version 2", "one version; its number is not used again"),
        ("autotrack models delete churn --yes", "the name with all versions, without asking"),
    ),
)
@click.argument("name")
@click.option("--version", type=click.IntRange(min=1), help="Only this version.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@click.pass_obj
def delete(state: State, name: str, version: int | None, yes: bool, as_json: bool) -> None:
    """Delete the registered model NAME with all its versions, or one version, for good.

    The files stay with the runs that made them.
    """
    with closing(open_store(state)) as sink:
        registry = sink.registry
        model = registry.get(name)
        count = len(versions_of(registry, name)) if version is None else 1
        aliases = [each for each, number in model.aliases.items() if version in (None, number)]
        if version is not None:
            registry.version(name, version)
        what = f"{name} version {version}" if version is not None else f"{name} with {plural(count, 'version')}"
        also = f" ({', '.join(aliases)} would stand for nothing)" if aliases else ""
        if not yes:
            if not (sys.stdin.isatty() and sys.stdout.isatty()):
                raise click.UsageError(f"this deletes {what} for good{also}; add --yes to do it.")
            if not click.confirm(f"Delete {what} for good{also}?", default=False):
                raise click.exceptions.Exit(1)
        if version is None:
            registry.delete(name)
        else:
            registry.delete_version(name, version)
    if as_json:
        print_json({"name": name, "version": version, "versions": count, "aliases": aliases})
    else:
        click.echo(f"deleted {what}")


def list_registered(state: State, limit: int, as_json: bool) -> None:
    """Prints the registered models, by name."""
    place = find_place(state)
    found: list[RegisteredModel] = []
    if place.exists:
        with closing(open_place(place)) as sink:
            found = sink.registry.search(max_results=limit)
    if as_json:
        print_json([registered_document(model) for model in found])
        return
    if not found:
        nothing = f"no registered models at {place.shown}; `autotrack models register MODEL NAME` makes one"
        click.echo(nothing if place.exists else no_store(place), err=True)
        return
    now = time.time_ns()
    columns = [Column("name"), Column("newest", right=True), Column("aliases"), Column("description", shrink=True)]
    rows: list[list[Cell | str]] = [
        [
            Cell(model.name, "bold"),
            str(max((version.version for version in model.latest), default="")),
            ", ".join(f"{alias} {number}" for alias, number in model.aliases.items()),
            model.description or "",
            Cell(age(model.updated, now), "dim"),
        ]
        for model in found
    ]
    screen = Screen()
    screen.table([*columns, Column("changed", right=True)], rows)
    screen.note("more with `autotrack models show NAME`")


def show_registered(state: State, name: str, as_json: bool) -> None:
    """Prints a registered model: versions, what production says of them, how aliases moved, what the newest takes."""
    with closing(open_store(state)) as sink:
        model, moves = sink.registry.get(name), sink.registry.alias_moves(name)
        versions = versions_of(sink.registry, name)
        production = production_documents(sink, versions)
    newest, trouble = None, None
    if versions:
        try:
            with looked_into(state, _uri(versions[0])) as looked:
                newest = model_document(*looked)
        except AutotrackError as error:
            trouble = str(error)
    if as_json:
        document = registered_document(model)
        document["versions"] = [version_document(version) for version in versions]
        document["alias_moves"] = [
            {
                "alias": move.alias,
                "version": move.version,
                "user": move.user,
                "moved": iso(move.moved),
                "moved_ns": move.moved,
            }
            for move in moves
        ]
        document["production"] = production
        document["newest"] = newest
        document["newest_error"] = trouble
        print_json(document)
        return
    screen = Screen()
    screen.line(Cell(model.name, "bold"))
    if model.description:
        screen.line("  ", model.description)
    _print_pairs(screen, "tags", model)
    _print_versions(screen, versions)
    print_production(screen, production)
    _print_moves(screen, moves)
    if newest is not None:
        screen.heading(f"version {versions[0].version}")
        print_model(screen, newest)
    elif trouble is not None:
        screen.heading(f"version {versions[0].version}")
        screen.line("  ", Cell(trouble, "yellow"))


def versions_of(registry: Registry, name: str) -> list[ModelVersion]:
    """All versions of a model, the highest number first."""
    quoted = name.replace("'", "''")
    return registry.versions(f"name = '{quoted}'", order_by=["version_number DESC"])


def registered_document(model: RegisteredModel) -> dict[str, Any]:
    """A registered model for programs, without its versions."""
    return {
        "name": model.name,
        "description": model.description,
        "user": model.user,
        "created": iso(model.created),
        "created_ns": model.created,
        "updated": iso(model.updated),
        "updated_ns": model.updated,
        "tags": dict(model.tags),
        "aliases": dict(model.aliases),
        "latest": {version.stage: version.version for version in model.latest},
    }


def version_document(version: ModelVersion) -> dict[str, Any]:
    """A version for programs."""
    return {
        "uri": _uri(version),
        "name": version.name,
        "version": version.version,
        "aliases": list(version.aliases),
        "stage": version.stage,
        "status": version.status,
        "source": version.source,
        "artifact_uri": version.artifact_uri,
        "run": version.run,
        "digest": version.digest,
        "description": version.description,
        "user": version.user,
        "created": iso(version.created),
        "created_ns": version.created,
        "updated": iso(version.updated),
        "updated_ns": version.updated,
        "tags": dict(version.tags),
    }


def _uri(version: ModelVersion) -> str:
    return f"models:/{version.name}/{version.version}"


def _print_pairs(screen: Screen, title: str, model: RegisteredModel) -> None:
    if model.tags:
        screen.line(f"  {title:<10}", ", ".join(f"{key}={value}" for key, value in sorted(model.tags.items())))


def _print_versions(screen: Screen, versions: Sequence[ModelVersion]) -> None:
    screen.heading("versions")
    if not versions:
        screen.line("  none any more")
        return
    now = time.time_ns()
    staged = any(version.stage != "None" for version in versions)
    columns = [Column("version", right=True), Column("aliases")]
    columns += [Column("stage")] if staged else []
    columns += [Column("from", shrink=True), Column("digest"), Column("by"), Column("registered"), Column("")]
    rows: list[list[Cell | str]] = []
    for version in versions:
        row: list[Cell | str] = [Cell(str(version.version), "bold"), Cell(", ".join(version.aliases), "cyan")]
        row += [version.stage] if staged else []
        row += [version.source, (version.digest or "")[:12], version.user or "", Cell(age(version.created, now), "dim")]
        tags = [f"{key}={value}" for key, value in sorted(version.tags.items()) if not key.startswith(PREFIX)]
        rows.append([*row, ", ".join([*([version.description] if version.description else []), *tags])])
    screen.table(columns, rows, indent=2)


def _print_moves(screen: Screen, moves: Sequence[AliasMove]) -> None:
    if not moves:
        return
    now = time.time_ns()
    screen.heading("how aliases moved")
    shown = moves[:_MOVES] if screen.terminal else moves
    rows: list[list[Cell | str]] = [
        [
            Cell(move.alias, "cyan"),
            "taken away" if move.version is None else f"to version {move.version}",
            f"by {move.user}" if move.user else "",
            Cell(age(move.moved, now), "dim"),
        ]
        for move in shown
    ]
    screen.table([Column("") for _ in range(4)], rows, indent=2)
    if len(shown) < len(moves):
        screen.note(f"  and {len(moves) - len(shown)} more (--json lists all)")
