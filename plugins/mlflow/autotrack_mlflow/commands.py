"""``autotrack import mlflow``; and where it and ``autotrack export`` are added."""

from __future__ import annotations

import json
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

import click

from .exporting import export

if TYPE_CHECKING:
    from .taking import Taken


def add_commands(cli: Any) -> None:
    """Adds the commands to the command line."""
    exporting = (
        ("autotrack export --to mlflow mlruns", "every run, into a folder that MLflow opens"),
        ("autotrack export --to mlflow http://host:5000 -e churn", "one experiment, to a server"),
    )
    cli.command("export", examples=exporting)(export)
    taking = (
        ("autotrack import mlflow mlruns", "a folder, with its artifacts, models and registry"),
        ("autotrack import mlflow sqlite:///mlflow.db", "a database; artifacts beside it come along"),
        ("autotrack import mlflow http://host:5000 -e churn", "one experiment of a server"),
        ("autotrack import mlflow mlruns", "again: what came since is added, nothing comes twice"),
    )
    cli.extend("import", lambda imports: imports.command("mlflow", examples=taking)(take))


@click.argument("source", metavar="SOURCE")
@click.option("-e", "--experiment", "experiments", multiple=True, metavar="NAME", help="Only this experiment (or id).")
@click.option("--artifacts", metavar="FOLDER|URI", help="Where files lie that SOURCE does not hold itself.")
@click.option("--recheck", is_flag=True, help="Compare points and files also of runs that seem unchanged.")
@click.option("--dry-run", is_flag=True, help="Say what would be taken, and take nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead.")
@click.pass_obj
def take(
    state: Any,
    source: str,
    experiments: tuple[str, ...],
    artifacts: str | None,
    recheck: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Take in what MLflow holds at SOURCE: a folder mlruns, sqlite:///FILE, postgresql://..., http(s)://...

    Ids are kept. Interrupted or done again, it goes on: what is here already is left alone. Exit code 1: something
    could not be taken; it is listed.
    """
    from autotrack.plugin import store_at

    from .opening import open_source
    from .progress import shown_progress
    from .taking import Taking

    store, _ = store_at(state.store)
    with closing(store), closing(open_source(source, artifacts)) as opened, shown_progress() as progress:
        taking = Taking(opened, store, only=experiments, dry=dry_run, recheck=recheck, progress=progress)
        taken = taking.go()
    if as_json:
        click.echo(json.dumps({"source": opened.shown, "dry_run": dry_run, **taken.document()}, indent=2))
    else:
        _tell(taken, dry=dry_run)
    if taken.left_out:
        sys.exit(1)


def _tell(taken: Taken, *, dry: bool) -> None:
    verb = "would take in" if dry else "took in"
    if taken.new:
        click.echo(
            f"{verb} {_plural(taken.new, 'run')} of {_plural(taken.experiments, 'experiment')}: "
            f"{_plural(taken.points, 'point')}, {_plural(taken.datasets, 'data set')}, "
            f"{_plural(taken.artifacts, 'file')} ({taken.bytes:,} bytes)"
        )
    if taken.registered_models:
        click.echo(f"{verb} {_plural(taken.registered_models, 'registered model')}")
    if taken.more:
        click.echo(f"{'would add' if dry else 'added'} to {_plural(taken.more, 'run')} that had gone on")
    if taken.same:
        click.echo(f"{_plural(taken.same, 'run')} left alone: here already, with nothing new")
    whys: dict[str, list[str]] = {}
    for what, why in taken.left_out:
        whys.setdefault(why, []).append(what)
    for why, things in list(whys.items()):
        more = f" and {len(things) - 3} more" if len(things) > 3 else ""
        click.echo(f"not taken: {', '.join(things[:3])}{more}: {why}", err=True)


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
