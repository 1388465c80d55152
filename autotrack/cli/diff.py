"""``autotrack diff``: why two runs differ."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import click

from autotrack.core.errors import UsageError

from .commands import Command, State, json_option
from .documents import print_json
from .screen import Cell, Screen
from .stores import open_store

if TYPE_CHECKING:
    from autotrack.answers.difference import Diff, Line

_STYLES = {
    "title": "bold",
    "section": "bold",
    "added": "green",
    "removed": "red",
    "place": "cyan",
    "context": "dim",
    "note": "dim",
}


@click.command(
    "diff",
    cls=Command,
    examples=(
        ("autotrack diff 3f9a 81cc", "all that differs between two runs, most telling first"),
        ("autotrack diff 3f9a 81cc --only code,data", "only what differs in the code and the data"),
        ("autotrack diff 3f9a 81cc --json --exit-code", "for programs: exit code 1 where they differ"),
    ),
)
@click.argument("a")
@click.argument("b")
@click.option("--only", metavar="SECTIONS", help="Only these, with commas between: code,data,params,...")
@click.option("--full", is_flag=True, help="Cut nothing.")
@click.option("--exit-code", is_flag=True, help="Exit with 1 where the runs differ, as git does.")
@json_option
@click.pass_context
def diff(ctx: click.Context, a: str, b: str, only: str | None, full: bool, exit_code: bool, as_json: bool) -> None:
    """Why runs A and B differ: code, data, arguments, params, seeds, environment, hardware; then what came out.

    A and B are ids or the beginnings of ids. Only what differs is shown, what explains most first.
    """
    from autotrack.answers.diff import compare_runs

    state = ctx.ensure_object(State)
    wanted = _sections(only)
    with closing(open_store(state)) as sink:
        found = compare_runs(sink, sink.run(a), sink.run(b))
    if wanted:
        found = found.only(wanted)
    if as_json:
        print_json(found.document())
    else:
        print_diff(Screen(), found, full=full)
    if exit_code and found:
        ctx.exit(1)


def print_diff(screen: Screen, found: Diff, *, full: bool) -> None:
    """Draws the page: removed lines red, added ones green. In a pipe nothing is cut."""
    for line in found.lines(full=full or not screen.terminal):
        print_line(screen, line)


def print_line(screen: Screen, line: Line) -> None:
    """Prints one line in the style of its kind."""
    if line.kind == "fact":
        name = line.text[2:].split("  ")[0]
        screen.line("  ", Cell(name, "yellow"), line.text[2 + len(name) :])
    else:
        screen.line(Cell(line.text, _STYLES.get(line.kind, "")))


def _sections(only: str | None) -> list[str]:
    from autotrack.answers.difference import ORDER

    names = [name.strip() for name in (only or "").split(",") if name.strip()]
    for name in names:
        if name not in ORDER:
            raise UsageError(f"--only {name!r} is no section of a diff; there are {', '.join(ORDER)}")
    return names
