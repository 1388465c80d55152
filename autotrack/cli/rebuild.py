"""``autotrack rebuild``: run it again from what was captured, and see whether the same comes out."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click

from .commands import Command, State, json_option, pairs
from .documents import print_json
from .screen import Cell, Screen
from .stores import find_place, no_store, open_place

_STYLES = {"title": "bold", "section": "bold", "removed": "red", "note": "dim"}
_COLOURS = {
    "IDENTICAL": "bold green",
    "IDENTICAL IN PART": "bold green",
    "WITHIN TOLERANCE": "bold green",
    "DIFFERENT": "bold red",
    "CANNOT REBUILD": "bold yellow",
}
_STAGES = {
    "code": "putting the code into a fresh folder",
    "environment": "preparing the environment",
    "data": "checking the files that it read",
    "run": "running it again",
    "compare": "comparing what came out",
}


@click.command(
    "rebuild",
    cls=Command,
    examples=(
        ("autotrack rebuild 3f9a", "the run whose id begins with 3f9a, from its code, data, seeds and arguments"),
        ("autotrack rebuild models:/churn@champion", "the run that made the model behind an alias"),
        ("autotrack rebuild model.skops", "the run that made this very file, known by its content"),
        ("autotrack rebuild run.zip", "the run that `autotrack runs export` wrote, on any machine"),
        ("autotrack rebuild 3f9a --data /old/train.csv=/new/train.csv", "where a file lies elsewhere by now"),
        ("autotrack rebuild 3f9a --env local", "with the packages that are installed here, whatever they are"),
    ),
)
@click.argument("run")
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
    default=1e-6,
    show_default=True,
    help="Of numbers, relative to their size.",
)
@click.option("--leave-out", multiple=True, metavar="NAME", help="A metric or column that tells a time: not compared.")
@click.option("--keep", is_flag=True, help="Leave the fresh folder there, to look into.")
@click.option(
    "--overwrite",
    is_flag=True,
    help="Let the program write over files of yours that it wrote the first time, outside the fresh folder.",
)
@click.option("--full", is_flag=True, help="Cut nothing.")
@json_option
@click.pass_context
def rebuild(
    ctx: click.Context,
    run: str,
    env: str,
    moved: tuple[str, ...],
    tolerance: float,
    leave_out: tuple[str, ...],
    keep: bool,
    overwrite: bool,
    full: bool,
    as_json: bool,
) -> None:
    """Run RUN again from what was captured of it, in a fresh folder, and say whether the same came out.

    The verdict is IDENTICAL, IDENTICAL IN PART (with what could not be compared), WITHIN TOLERANCE, DIFFERENT (with
    what parts first) or CANNOT REBUILD (with what is missing). Exit code 0: the same; 1: different; 3: it could not be
    rebuilt. The new run stays in the store.
    """
    from autotrack.answers.steps import REUSED_TAG
    from autotrack.core.terminating import termination_as_interrupt
    from autotrack.rebuilding.capsules import is_archive
    from autotrack.rebuilding.verifying import Options, find_run, first_of, rebuild_in

    from .progress import stages

    state: State = ctx.obj
    place = find_place(state)
    if not place.exists and not is_archive(Path(run)):
        from autotrack.core.errors import NotFoundError

        raise NotFoundError(no_store(place))
    with closing(open_place(place)) as sink:
        meant = find_run(sink, run, Path.cwd())
        record = first_of(sink, meant)
        if record.id != meant.id:
            stands = "stands for" if REUSED_TAG in meant.tags else "is itself a rebuild of"
            click.echo(f"{meant.id[:8]} {stands} {record.id[:8]}, which is rebuilt", err=True)
        with stages() as shown, termination_as_interrupt():
            verdict = rebuild_in(
                sink, place.uri, record, Options(env, pairs(moved, "--data"), tolerance, keep, overwrite, leave_out),
                lambda stage: shown(f"{record.name}: {_STAGES[stage]}"),
            )  # fmt: skip
    if as_json:
        print_json(verdict.document())
        ctx.exit(verdict.kind.exit_code)
    screen = Screen()
    for line in verdict.lines(full=full or not screen.terminal):
        style = _COLOURS[str(verdict.kind)] if line.kind == "title" else _STYLES.get(line.kind, "")
        screen.line(Cell(line.text, style))
    if verdict.folder:
        screen.note(f"the fresh folder: {verdict.folder}")
    ctx.exit(verdict.kind.exit_code)
