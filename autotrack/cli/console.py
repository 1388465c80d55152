"""``autotrack runs console``: what the program of a run printed."""

from __future__ import annotations

import re
from contextlib import closing

import click

from autotrack.core.terminal import clean

from .commands import Command, State, json_option
from .documents import print_json
from .runs import newest
from .stores import open_store

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@click.command(
    "console",
    cls=Command,
    examples=(
        ("autotrack runs console 3f9a", "what the run's program printed"),
        ("autotrack runs console --stream stderr | tail", "the newest run's last errors"),
    ),
)
@click.argument("run", required=False)
@click.option("--stream", type=click.Choice(["stdout", "stderr"]), help="Only this. [default: both, in order]")
@json_option
@click.pass_obj
def console(state: State, run: str | None, stream: str | None, as_json: bool) -> None:
    """What the program that made RUN printed, its other runs included; without RUN, the newest run's.

    Secrets in it are masked, and of a long output only the beginning and the end are kept.
    """
    with closing(open_store(state)) as sink:
        record = sink.run(run) if run else newest(sink)
        pieces = sink.console(record.session) if record.session else []
    pieces = [piece for piece in pieces if stream in (None, piece[1])]
    if as_json:
        print_json([{"at": at, "stream": name, "text": text} for at, name, text in pieces])
        return
    if not pieces:
        click.echo(f"nothing that the program of run {record.id[:8]} printed was kept", err=True)
    for _, name, text in pieces:
        click.echo(_harmless(text), nl=False, err=name == "stderr" and stream is None)


def _harmless(text: str) -> str:
    """The text without colours, other control characters spelled out: it may come from somebody else's run."""
    return "".join(part if part in "\n\t" else clean(part) for part in re.split(r"([\n\t])", _COLOUR.sub("", text)))
