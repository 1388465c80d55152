"""One run of a project for each combination of values, some at a time, under a run that holds them together."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from autotrack.plugin import (
    AutotrackError,
    UsageError,
    attempt,
    clean,
    find_store,
    main_metric,
    open_sink,
    run_for_another,
)

from .running import ReusedRun, SubmittedRun, run_project

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

#: Combinations that one grid may have.
MOST = 10_000
_PAUSE = 0.05
#: How metrics begin that tell of the machine or of autotrack, and not of the training.
_ASIDE = ("system/", "autotrack.")


def combinations(parameters: Mapping[str, str]) -> list[dict[str, str]]:
    """Every combination of the values, which commas separate; a comma in one is escaped by a backslash."""
    choices = {name: _choices(value) for name, value in parameters.items()}
    count = 1
    for values in choices.values():
        count *= len(values)
    if count > MOST:
        raise UsageError(f"the grid has {count:,} combinations; {MOST:,} are allowed")
    return [dict(zip(choices, values, strict=True)) for values in itertools.product(*choices.values())]


def _choices(value: str) -> list[str]:
    return [part.replace("\0", ",") for part in value.replace("\\,", "\0").split(",")]


class Grid:
    """The runs of a grid, and how each stands."""

    def __init__(self, points: Sequence[Mapping[str, str]]) -> None:
        self.points = points
        self.started: dict[int, SubmittedRun | ReusedRun] = {}
        self.standing = ["waiting"] * len(points)
        self.took = [0.0] * len(points)
        #: What the runs came to, where they have a metric: its name, and its value by run.
        self.metric: tuple[str, Mapping[str, float]] | None = None
        self._began: dict[int, float] = {}

    @property
    def going(self) -> list[int]:
        """Those that run now."""
        return [at for at, standing in enumerate(self.standing) if standing == "RUNNING"]

    def start(self, at: int, uri: str, entry_point: str, options: Mapping[str, Any], parent: str) -> None:
        """Starts one; where it cannot be, it failed, and the others go on."""
        self._began[at] = time.monotonic()
        try:
            tags = {**options["tags"], "autotrack.grid": parent}
            choices = {**options, "tags": tags, "synchronous": False, "shown": False, "parent": parent}
            self.started[at] = run_project(uri, entry_point, self.points[at], **choices)
            self.standing[at] = "RUNNING"
        except (AutotrackError, OSError) as error:
            self.standing[at] = "FAILED"
            click.echo(f"autotrack: {_said(self.points[at])}: {error}", err=True)

    def look(self) -> None:
        """Takes note of those that have ended."""
        for at in self.going:
            self.standing[at] = self.started[at].get_status()
            self.took[at] = time.monotonic() - self._began[at]

    def weigh(self) -> None:
        """Asks the store for the metric that matters most of those that the runs have."""
        metrics = _metrics_of(started.run_id for started in self.started.values())
        presence = Counter(key for found in metrics.values() for key in found if not key.startswith(_ASIDE))
        name, _ = main_metric(presence, {})
        if name is not None:
            self.metric = name, {run: found[name] for run, found in metrics.items() if name in found}

    def lines(self) -> list[list[str]]:
        """How all stand, cell by cell; the first line has the titles."""
        name, values = self.metric or ("", {})
        titles = ["run", *(self.points[0] if self.points else ()), *([name] if name else []), "status", "seconds"]
        lines = [titles]
        for at, point in enumerate(self.points):
            run = self.started[at].run_id if at in self.started else "-"
            value = [f"{values[run]:.6g}" if run in values else ""] if name else []
            seconds = f"{self.took[at]:.1f}" if self.took[at] else ""
            lines.append([run[:8], *point.values(), *value, self.standing[at], seconds])
        return [list(map(clean, line)) for line in lines]

    def table(self) -> Table:
        """The same for a terminal."""
        from rich.table import Table
        from rich.text import Text

        titles, *lines = self.lines()
        table = Table(box=None, pad_edge=False)
        for title in titles:
            table.add_column(Text(title))
        for line in lines:
            table.add_row(*map(Text, line))
        return table

    def show(self, console: Console) -> None:
        """Prints how all stand; in a pipe nothing is cut."""
        if console.is_terminal:
            console.print(self.table())
            return
        lines = self.lines()
        rooms = [max(map(len, column)) for column in zip(*lines, strict=True)]
        for line in lines:
            click.echo("  ".join(text.ljust(room) for text, room in zip(line, rooms, strict=True)).rstrip())


def run_grid(
    uri: str, entry_point: str, points: Sequence[Mapping[str, str]], options: Mapping[str, Any], *, jobs: int
) -> int:
    """Runs all; answers 0 where all succeeded, else 1. An interrupt ends those that run and starts no more."""
    from rich.console import Console
    from rich.live import Live

    grid = Grid(points)
    named = Path(uri).resolve().name if Path(uri).exists() else uri.rstrip("/").rpartition("/")[2]
    title = options["name"] or f"{named}/{entry_point} grid"
    with run_for_another(title, options["experiment"], {**options["tags"], "autotrack.grid": "true"}) as parent:
        console = Console()
        waiting = list(range(len(points)))[::-1]
        with Live(grid.table(), console=console, refresh_per_second=4, transient=True) as live:
            try:
                while waiting or grid.going:
                    while waiting and len(grid.going) < jobs:
                        grid.start(waiting.pop(), uri, entry_point, {**options, "name": None}, parent.id)
                    grid.look()
                    live.update(grid.table())
                    time.sleep(_PAUSE)
            except KeyboardInterrupt:
                with ThreadPoolExecutor(len(grid.going) or 1) as together:  # each may take its time to end
                    list(together.map(lambda at: grid.started[at].cancel(), grid.going))
                raise
        attempt(grid.weigh)
        grid.show(console)
        click.echo(f"autotrack: they are children of run {parent.id[:8]}", err=True)
        failed = sum(standing != "FINISHED" for standing in grid.standing)
        if failed:
            click.echo(f"autotrack: {failed} of {len(points)} runs failed", err=True)
        parent.end("FAILED" if failed else "FINISHED", None, int(failed > 0))
    return int(failed > 0)


def _metrics_of(runs: Iterable[str]) -> dict[str, Mapping[str, float]]:
    """What is known of each run's metrics by now."""
    location = find_store()
    with closing(open_sink(location.uri)) as sink:
        sink.deliver(location.journal)
        return {run: sink.run(run).metrics for run in runs}


def _said(point: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in point.items())
