"""A workflow in the terminal: its steps, one a line, each with what it took from which other."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .documents import print_json
from .listing import elapsed, status_cell
from .screen import Cell, Column, Screen
from .words import duration, short_ids

if TYPE_CHECKING:
    from autotrack.answers.steps import Step
    from autotrack.core.entities import RunRecord
    from autotrack.core.sink import Sink

#: Things taken from one step that are named.
_FEW = 3


def show_workflow(sink: Sink, run: RunRecord, *, as_json: bool) -> None:
    """Prints the workflow that a run is, or is a step of."""
    from autotrack.answers.steps import workflow_of

    found = workflow_of(sink, run)
    if as_json:
        print_json(found.document())
        return
    screen = Screen()
    now = time.time_ns()
    screen.line(Cell(found.run.name, "bold"), "  ", status_cell(found.run), f"  {duration(elapsed(found.run, now))}")
    screen.line("  ", Cell(found.run.id, "cyan"), Cell(f" · experiment {found.run.experiment}", "dim"))
    if not found.steps:
        screen.line(Cell("  no run was made inside it", "dim"))
        return
    names = _names(found.steps)
    ids = short_ids(step.run.id for step in found.steps)
    rows: list[list[Cell | str]] = []
    for at, step in enumerate(found.steps):
        ended = Cell(f"↺ as {step.reused[:8]}", "cyan") if step.reused else status_cell(step.run)
        took = "" if step.reused else duration(elapsed(step.run, now))
        rail = Cell("└" if at == len(found.steps) - 1 else "├", "dim")
        asked = step.run.id == run.id
        name = Cell(f"{'  ' * step.level}{names[step.run.id]}", "bold" if asked else "")
        rows.append([rail, name, Cell(ids[step.run.id], "cyan"), ended, took, Cell(_taken(step, names), "dim")])
    screen.table(
        [Column(""), Column(""), Column(""), Column(""), Column("", right=True), Column("", shrink=True)], rows
    )


def _names(steps: Sequence[Step]) -> dict[str, str]:
    """What steps are called; those of one name by their ids as well, as others refer to them by it."""
    every = [step.run.name for step in steps]
    return {
        step.run.id: step.run.name if every.count(step.run.name) == 1 else f"{step.run.name} {step.run.id[:4]}"
        for step in steps
    }


def _taken(step: Step, names: dict[str, str]) -> str:
    said = []
    for other, things in step.after.items():
        more = f" and {len(things) - _FEW} more" if len(things) > _FEW else ""
        said.append(f"{names[other]}: {', '.join(things[:_FEW])}{more}")
    return f"took from {'; '.join(said)}" if said else ""
