"""``autotrack experiments``: list, create, rename, delete and restore."""

from __future__ import annotations

import time
from contextlib import closing

import click

from .commands import Group, State, json_option, pairs
from .documents import experiment_document, print_json
from .screen import Cell, Column, Screen
from .stores import find_place, open_place, open_store, tell_no_store
from .words import age


@click.group(
    "experiments",
    cls=Group,
    examples=(
        ("autotrack experiments list", "their names and how many runs each has"),
        ("autotrack experiments rename default churn", "the runs stay where they are"),
    ),
)
def experiments() -> None:
    """List, create, rename, delete and restore experiments."""


@experiments.command(
    "list",
    examples=(
        ("autotrack experiments list", "those in use"),
        ("autotrack experiments list --deleted", "those that were deleted"),
        ("autotrack experiments list --json | jq -r '.[].name'", "for programs"),
    ),
)
@click.option("--deleted", is_flag=True, help="Show the deleted experiments instead.")
@json_option
@click.pass_obj
def list_experiments(state: State, deleted: bool, as_json: bool) -> None:
    """The experiments, with the number of their runs."""
    place = find_place(state)
    if not place.exists:
        tell_no_store(place, as_json)
        return
    with closing(open_place(place)) as sink:
        found = sink.experiments("deleted" if deleted else "active")
    if as_json:
        print_json([experiment_document(each) for each in found])
        return
    if not found:
        click.echo(f"no {'deleted ' if deleted else ''}experiments at {place.shown}", err=True)
        return
    now = time.time_ns()
    rows: list[list[Cell | str]] = [
        [
            Cell(each.id, "cyan"),
            each.name,
            "" if each.run_count is None else f"{each.run_count:,}",
            Cell(age(each.created, now), "dim"),
        ]
        for each in found
    ]
    Screen().table([Column("id"), Column("name", shrink=True), Column("runs", right=True), Column("created")], rows)


@experiments.command(
    "create",
    examples=(
        ("autotrack experiments create churn", "a new experiment"),
        ("autotrack experiments create churn -t team=risk", "with a tag"),
    ),
)
@click.argument("name")
@click.option("-t", "--tag", "tags", multiple=True, metavar="KEY=VALUE", help="A tag; may be repeated.")
@json_option
@click.pass_obj
def create(state: State, name: str, tags: tuple[str, ...], as_json: bool) -> None:
    """Create an experiment. (One that a run names is created by itself.)"""
    chosen = pairs(tags, "--tag")
    with closing(open_place(find_place(state))) as sink:
        made = sink.create_experiment(name, chosen)
    if as_json:
        print_json(experiment_document(made))
    else:
        Screen().line(f"created experiment {made.name} ({made.id})")


@experiments.command("rename", examples=(("autotrack experiments rename default churn", "by name or id"),))
@click.argument("experiment")
@click.argument("new_name")
@click.pass_obj
def rename(state: State, experiment: str, new_name: str) -> None:
    """Give an experiment another name; its runs stay with it."""
    with closing(open_store(state)) as sink:
        sink.rename_experiment(experiment, new_name)
    Screen().line(f"renamed experiment {experiment} to {new_name}")


@experiments.command("delete", examples=(("autotrack experiments delete churn", "with its runs; it can be restored"),))
@click.argument("experiment")
@click.pass_obj
def delete(state: State, experiment: str) -> None:
    """Delete an experiment with its runs, until it is restored or `autotrack gc --yes` frees the space."""
    with closing(open_store(state)) as sink:
        sink.delete_experiment(experiment)
    screen = Screen()
    screen.line(f"deleted experiment {experiment}")
    screen.note(f"back with `autotrack experiments restore {experiment}`")


@experiments.command("restore", examples=(("autotrack experiments restore churn", "as it was before it was deleted"),))
@click.argument("experiment")
@click.pass_obj
def restore(state: State, experiment: str) -> None:
    """Restore a deleted experiment."""
    with closing(open_store(state)) as sink:
        sink.restore_experiment(experiment)
    Screen().line(f"restored experiment {experiment}")
