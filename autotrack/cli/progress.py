"""What is shown on standard error while somebody waits: bars on a terminal; of stages also a line each in a log."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from autotrack.core.terminal import clean

#: Bytes from which on a person wants to see that something happens.
LONG = 16 << 20


@contextmanager
def stages() -> Iterator[Callable[[str], None]]:
    """What is told of the stage that long work is in, and shows it with a spinner and the time that it takes. Where
    there is no terminal it writes each down as it begins: a log is all that there is to see of it."""
    if not sys.stderr.isatty():
        yield lambda text: click.echo(clean(text), err=True)
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda text: bar.update(task, description=escape(text))


@contextmanager
def file_progress() -> Iterator[Callable[[str, int, int], None]]:
    """What is told of files on their way (name, bytes done, bytes in all) and draws a bar for each large one."""
    if not sys.stderr.isatty():
        yield lambda name, done, total: None
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    tasks: dict[str, TaskID] = {}

    def told(name: str, done: int, total: int) -> None:
        if total < LONG:
            return
        if name not in tasks:
            bar.start()
            tasks[name] = bar.add_task(escape(name[-60:]), total=total)
        bar.update(tasks[name], completed=done)
        if done >= total:
            bar.remove_task(tasks.pop(name))

    try:
        yield told
    finally:
        bar.stop()
