"""``autotrack bisect``: which of all that differs between two runs is why a metric is another."""

from __future__ import annotations

from contextlib import closing

import click

from .commands import Command, State, json_option, pairs
from .documents import print_json
from .screen import Cell, Screen
from .stores import find_place, no_store, open_place

_STYLES = {"title": "bold", "section": "bold", "removed": "red", "note": "dim"}


@click.command(
    "bisect",
    cls=Command,
    examples=(
        (
            "autotrack bisect 3f9a 81cc",
            "why 81cc came out otherwise: the metric that matters most of those that differ",
        ),
        ("autotrack bisect 3f9a 81cc --metric val_loss", "why its val_loss did"),
        ("autotrack bisect 3f9a 81cc --env local", "with the packages that are installed here"),
        ("autotrack bisect 3f9a 81cc --first", "of a training that takes long: the first cause is enough"),
    ),
)
@click.argument("a")
@click.argument("b")
@click.option("--metric", metavar="KEY", help="The metric to explain. [default: the most telling one that differs]")
@click.option(
    "--env",
    type=click.Choice(["auto", "local", "venv"]),
    default="auto",
    show_default=True,
    help="The packages: those here if they are the same, else an environment that is built; local: those here.",
)
@click.option("--data", "moved", multiple=True, metavar="OLD=NEW", help="A file or folder that lies elsewhere now.")
@click.option(
    "--tolerance",
    type=click.FloatRange(0, 1),
    default=1e-9,
    show_default=True,
    help="Of numbers, relative to their size.",
)
@click.option(
    "--overwrite",
    is_flag=True,
    help="Let the program write over files of yours that it wrote the first time, outside the fresh folder.",
)
@click.option("--first", is_flag=True, help="End with the first cause; whether there are others is not looked into.")
@json_option
@click.pass_context
def bisect(
    ctx: click.Context, a: str, b: str, metric: str | None, env: str, moved: tuple[str, ...], tolerance: float,
    overwrite: bool, first: bool, as_json: bool,
) -> None:  # fmt: skip
    """Run A again with one difference to B swapped at a time, until its metric is that of B: the cause.

    Differences are arguments, files of data, files of code (and the places in them), variables, threads, where random
    generators began, and packages. Where no single one explains it, the few that do together are looked for. Exit code
    0: found; 1: not explained; 3: A cannot be made again; 130: interrupted, with what was found up to then. Runs that
    are made on the way are children of a run of the search; a second start takes what an earlier one has made.
    """
    from autotrack.core.errors import NotFoundError
    from autotrack.core.runs.trackers import tracker_at
    from autotrack.core.terminating import termination_as_interrupt
    from autotrack.rebuilding.bisecting import Options, bisect_in

    from .progress import stages

    state: State = ctx.obj
    place = find_place(state)
    if not place.exists:
        raise NotFoundError(no_store(place))
    with closing(open_place(place)) as sink, stages() as shown, termination_as_interrupt():
        tracker_at(place.uri).recorder.captures = False  # the session of this command is nobody's training
        options = Options(metric, env, pairs(moved, "--data"), tolerance, first, overwrite)
        found = bisect_in(sink, place.uri, sink.run(a), sink.run(b), options, shown)
    if as_json:
        print_json(found.document())
        ctx.exit(found.kind.exit_code)
    screen = Screen()
    for line in found.lines():
        style = ("bold green" if found else "bold yellow") if line.kind == "title" else _STYLES.get(line.kind, "")
        screen.line(Cell(line.text, style))
    ctx.exit(found.kind.exit_code)
