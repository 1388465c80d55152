"""``autotrack runs export`` and ``import``: runs as one file."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .commands import Command, State, json_option
from .documents import print_json
from .screen import Screen
from .stores import find_place, open_place, open_store
from .words import plural, size

if TYPE_CHECKING:
    from autotrack.core.entities import RunRecord

#: Bytes from which on a person wants to see that something happens.
_LONG = 64 << 20
#: Bytes of a file that is shown in the report.
_LARGEST_SHOWN = 1_000_000


@click.command(
    "export",
    cls=Command,
    examples=(
        ("autotrack runs export 3f9a -o best.zip", "one run with all that it takes to rebuild it anywhere"),
        ("autotrack runs export 3f9a 81cc -o two.atrun --replace", "two runs, over a file that is there"),
    ),
)
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The file to write."
)
@click.option("--replace", is_flag=True, help="Replace the file where it is there already.")
@click.option(
    "--inputs-up-to",
    type=click.FloatRange(0),
    default=100.0,
    show_default=True,
    metavar="MB",
    help="Files that were read go by value, smaller ones first, up to so many MB; others by fingerprint.",
)
@click.option(
    "--bare", is_flag=True, help="What was recorded, and nothing else: no files of the commit, no inputs, no report."
)
@json_option
@click.pass_obj
def export_runs(
    state: State, runs: tuple[str, ...], output: Path, replace: bool, inputs_up_to: float, bare: bool, as_json: bool
) -> None:
    """Write runs to one file that `autotrack runs import` takes in and `autotrack rebuild` rebuilds anywhere, ids kept.

    In it: what was recorded, artifacts and models, the files of the commit, the files that were read, and report.html,
    a page that opens without a network. Files that look like secrets go by their fingerprint only.
    """
    from autotrack.answers.archive.packing import pack
    from autotrack.rebuilding.capsules import carry

    place = find_place(state)
    with closing(open_store(state)) as sink, _progress("packing") as progress:
        records = [sink.run(run) for run in dict.fromkeys(runs)]
        report, missing = (None, "") if bare else _report(place.uri, records)
        done = pack(
            sink,
            records,
            output,
            replace=replace,
            carry=None if bare else partial(carry, sink, largest_inputs=int(inputs_up_to * 1e6)),
            report=report,
            progress=progress,
        )
    if as_json:
        left = [gap.document() for gap in done.left]
        print_json(
            {
                "path": str(done.path),
                "bytes": done.size,
                "runs": list(done.runs),
                "carried": list(done.carried),
                "left": left,
            }
        )
        return
    click.echo(f"wrote {plural(len(done.runs), 'run')} to {done.path} ({size(done.size)})")
    for said in (*(f"not in it: {gap.what}" for gap in done.left), missing):
        if said:
            click.echo(said, err=True)
    Screen().note(f"elsewhere: `autotrack rebuild {done.path.name}`, or `autotrack runs import {done.path.name}`")


def _report(uri: str, runs: Sequence[RunRecord]) -> tuple[bytes | None, str]:
    """The page that goes into the file; or why there is none."""
    from autotrack.core.errors import UsageError

    from .report import MOST, report_page

    if len(runs) > MOST:
        return None, f"there is no report in it: it would compare {MOST} runs at most"
    try:
        page, _, _ = report_page(uri, [(run.id, run.name) for run in runs], None, _LARGEST_SHOWN)
    except UsageError as error:
        return None, str(error)
    return page.encode(), ""


@click.command(
    "import",
    cls=Command,
    examples=(
        ("autotrack runs import best.atrun", "into the store in force here"),
        ("autotrack --store /shared/runs runs import best.atrun", "into another one, which is made if need be"),
    ),
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@json_option
@click.pass_obj
def import_runs(state: State, file: Path, as_json: bool) -> None:
    """Take in the runs of FILE. Those that are here already are left alone; a file that is not sound is refused."""
    from autotrack.answers.archive.unpacking import unpack

    with closing(open_place(find_place(state))) as sink, _progress("checking") as progress:
        done = unpack(sink, file, progress=progress)
    if as_json:
        print_json(
            {
                "runs": list(done.runs),
                "there": list(done.there),
                "artifacts": done.artifacts,
                "objects": done.objects,
            }
        )
        return
    if done.runs:
        click.echo(f"took in {plural(len(done.runs), 'run')} with {plural(done.artifacts, 'artifact')}")
    if done.there:
        some = ", ".join(run[:8] for run in done.there[:5]) + (", ..." if len(done.there) > 5 else "")
        click.echo(f"{plural(len(done.there), 'run')} left alone: here already ({some})")


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Draws a bar on a terminal's standard error where there is much to do; nothing anywhere else."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True, disable=False)
    task = None

    def progress(done: int, total: int) -> None:
        nonlocal task
        if total < _LONG:
            return
        if task is None:
            bar.start()
            task = bar.add_task(what, total=total)
        bar.update(task, completed=done)

    try:
        yield progress
    finally:
        if task is not None:
            bar.stop()
