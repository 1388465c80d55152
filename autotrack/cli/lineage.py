"""``autotrack lineage``: what something was made from, and what was made from it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click

from .commands import Command, State
from .documents import print_json
from .screen import Cell, Screen
from .stores import open_store

_STYLES = {"title": "bold", "note": "dim", "run": "cyan", "model": "green", "data": "yellow", "code": "magenta"}


@click.command(
    "lineage",
    cls=Command,
    examples=(
        (
            "autotrack lineage data/train.csv",
            "which runs have read or written this file as it is now, and what came of it",
        ),
        ("autotrack lineage 3f9a", "all that went into a run, and all that came of it"),
        ("autotrack lineage runs:/3f9a/model", "what made this model, and who has used it"),
        ("autotrack lineage X --depth 1", "the runs that used the table X, and no further"),
        ("autotrack lineage train.py", "the runs that this very text has made, alone or as part of a commit"),
    ),
)
@click.argument("what")
@click.option(
    "--depth",
    type=click.IntRange(min=0, max=1000),
    default=3,
    show_default=True,
    help="Runs to follow in each direction.",
)
@click.option("--full", is_flag=True, help="Cut nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead: nodes and edges.")
@click.pass_obj
def lineage(state: State, what: str, depth: int, full: bool, as_json: bool) -> None:
    """What WHAT was made from (above it), and what was made from it (below it), across runs.

    WHAT is a file or its sha256, a table's name or digest, a run's id, a model (runs:/RUN/PATH) or a model's folder, or
    a file of code. Runs that rebuild or bisect made of others are left out, but for --full.
    Files are known by their content: a copy under another name is the same file, a changed one is another.
    """
    from autotrack.answers.lineage import trace
    from autotrack.answers.subjects import find

    with closing(open_store(state)) as sink:
        found = trace(sink, find(sink, what, Path.cwd()), depth=depth, again=full)
    if as_json:
        print_json(found.document())
        return
    screen = Screen()
    here = f" {Path.cwd()}/"
    for line in found.lines(full=full or not screen.terminal):
        screen.line(Cell(line.text.replace(here, " "), _STYLES.get(line.kind, "")))
