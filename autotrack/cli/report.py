"""``autotrack report``: runs, or runs compared, as one HTML file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

import click

from autotrack.core.errors import NotFoundError, UsageError

from .commands import Command, State
from .stores import find_place, no_store, open_place

#: Runs that stand beside each other (server/v1/beside.py).
MOST = 50


@click.command(
    cls=Command,
    examples=(
        ("autotrack report 3f9a", "a run: results, curves, files, code, environment, data, as report.html"),
        ("autotrack report 3f9a 81cc -o why.html", "two runs, and how they differ"),
        ("autotrack report 3f9a --files 20", "with files of up to 20 MB"),
    ),
)
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), default=Path("report.html"), show_default=True
)
@click.option("--title", help="What it is called. [default: the names of the runs]")
@click.option(
    "--files",
    "megabytes",
    type=click.FloatRange(0),
    default=1.0,
    show_default=True,
    help="MB up to which files are in it.",
)
@click.pass_obj
def report(state: State, runs: tuple[str, ...], output: Path, title: str | None, megabytes: float) -> None:
    """Writes RUN, or several compared, into one HTML file that opens anywhere: no server, no network.

    RUNs are ids or the beginnings of ids; the others are compared with the first. It is the pages of `autotrack ui`
    as they are now, and cannot be changed in them.
    """
    place = find_place(state)
    if not place.exists:
        raise NotFoundError(no_store(place))
    with closing(open_place(place)) as sink:
        found = list({run.id: run.name for run in map(sink.run, runs)}.items())
    if len(found) > MOST:
        raise UsageError(f"a report compares {MOST} runs at most, not {len(found)}")
    text, title, left = report_page(place.uri, found, title, int(megabytes * 1_000_000))
    _write(output, text)
    click.echo(f"{output}: {title}, {output.stat().st_size / 1e6:.1f} MB")
    large = {where: size for where, size in left.items() if size}
    if large:
        click.echo(
            f"{len(large)} files ({sum(large.values()) / 1e6:,.1f} MB) are not in it, being larger than --files allows "
            "or too many",
            err=True,
        )


def report_page(
    uri: str, runs: Sequence[tuple[str, str]], title: str | None, largest: int
) -> tuple[str, str, Mapping[str, int]]:
    """The page of runs (ids and names), its title, and files of more than ``largest`` bytes, which are not in it, with
    their sizes (UsageError where the packages of the server are not installed)."""
    try:
        from autotrack.server.report.asking import asking
        from autotrack.server.report.document import page
        from autotrack.server.report.holding import hold
    except ImportError as error:
        raise UsageError(f"a report needs more packages ({error}): pip install 'autotrack[server]'") from None
    with closing(asking(uri)) as store:
        held = hold(store, [run for run, _ in runs], largest=largest)
    names = [name or run[:8] for run, name in runs]
    title = title or " and ".join(names) if len(names) < 3 else f"{names[0]}, {names[1]} and {len(names) - 2} more"
    return page(title, held.document() | {"title": title}), title, held.left


def _write(path: Path, text: str) -> None:
    """The file is there whole, or as it was."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
