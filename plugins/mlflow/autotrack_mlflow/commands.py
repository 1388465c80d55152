"""``autotrack import mlflow``; and where it and ``autotrack export`` are added."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import click

from autotrack.plugin import store_at

from .exporting import export
from .opening import open_source
from .taking import Progress, Taken, Taking

_SHOWN = 10


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
    cli.get_command(click.Context(cli), "import").command("mlflow", examples=taking)(take)


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
    store, _ = store_at(state.store)
    with closing(store), closing(open_source(source, artifacts)) as opened, _progress() as progress:
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


@contextmanager
def _progress() -> Iterator[Progress]:
    """Draws a bar on a terminal's standard error; nothing anywhere else."""
    if not sys.stderr.isatty():
        yield Progress()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[read]}"))
    with Bar(*columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True) as bar:
        yield _Shown(bar)


class _Shown(Progress):
    """A bar an experiment, with the points and bytes so far."""

    def __init__(self, bar: Any) -> None:
        self._bar = bar
        self._task: Any = None
        self._bytes = 0

    def experiment(self, name: str, runs: int | None) -> None:
        if self._task is not None:
            self._bar.remove_task(self._task)
        self._task = self._bar.add_task(name[:40], total=runs, read="")

    def run(self, taken: Taken) -> None:
        self._bar.advance(self._task)
        self._show(f"{taken.points:,} points, {self._bytes:,} bytes")

    def bytes(self, count: int) -> None:
        self._bytes += count

    def _show(self, text: str) -> None:
        self._bar.update(self._task, read=text)
