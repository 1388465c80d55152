"""One run of a project for each combination of values, some at a time, under a run that holds them together."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import click

from autotrack.plugin import AutotrackError, UsageError, run_for_another

from .running import ReusedRun, SubmittedRun, run_project

if TYPE_CHECKING:
    from rich.table import Table

#: Combinations that one grid may have.
MOST = 10_000
_PAUSE = 0.05


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

    def table(self) -> Table:
        """How all stand, as a table."""
        from rich.table import Table

        table = Table(box=None, pad_edge=False)
        for title in ("run", *(self.points[0] if self.points else ()), "status", "seconds"):
            table.add_column(title)
        for at, point in enumerate(self.points):
            run = self.started[at].run_id[:8] if at in self.started else "-"
            seconds = f"{self.took[at]:.1f}" if self.took[at] else ""
            table.add_row(run, *point.values(), self.standing[at], seconds)
        return table


def run_grid(
    uri: str, entry_point: str, points: Sequence[Mapping[str, str]], options: Mapping[str, Any], *, jobs: int
) -> int:
    """Runs all; answers 0 where all succeeded, else 1. An interrupt ends those that run and starts no more."""
    from rich.console import Console
    from rich.live import Live

    grid = Grid(points)
    title = options["name"] or f"{uri.rpartition('/')[2] or uri}/{entry_point} grid"
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
        console.print(grid.table())
        failed = sum(standing != "FINISHED" for standing in grid.standing)
        if failed:
            click.echo(f"autotrack: {failed} of {len(points)} runs failed", err=True)
        parent.end("FAILED" if failed else "FINISHED", None, int(failed > 0))
    return int(failed > 0)


def _said(point: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in point.items())
