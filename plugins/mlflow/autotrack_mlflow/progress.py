"""What a person sees while runs are taken in."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .taking import Taken


class Progress:
    """What a person sees meanwhile; this one shows nothing."""

    def experiment(self, name: str, runs: int | None) -> None: ...

    def run(self, taken: Taken) -> None: ...

    def bytes(self, count: int) -> None: ...


@contextmanager
def shown_progress() -> Iterator[Progress]:
    """Draws a bar on a terminal's standard error; nothing anywhere else."""
    if not sys.stderr.isatty():
        yield Progress()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[read]}"))
    with Bar(*columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True) as bar:
        yield _Shown(bar)


class _Shown(Progress):
    """A bar an experiment, with the points and bytes so far."""

    def __init__(self, bar: Any) -> None:
        self._bar = bar
        self._task: Any = None
        self._bytes = 0

    def experiment(self, name: str, runs: int | None) -> None:
        if self._task is not None:
            self._bar.remove_task(self._task)
        self._task = self._bar.add_task(name[:40], total=runs, read="")

    def run(self, taken: Taken) -> None:
        self._bar.advance(self._task)
        self._show(f"{taken.points:,} points, {self._bytes:,} bytes")

    def bytes(self, count: int) -> None:
        self._bytes += count

    def _show(self, text: str) -> None:
        self._bar.update(self._task, read=text)
