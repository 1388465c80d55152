"""The list of runs: what stands in its columns, and which of them fit."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from autotrack.core.entities import RunRecord, Status

from .screen import Cell, Column, Screen
from .telling import Branch, best_runs, direction, telling_metric, varying_params
from .words import age, clip, duration, number, plural, short_ids, width

GLYPHS = {
    Status.SCHEDULED: ("○", "cyan"),
    Status.RUNNING: ("●", "cyan"),
    Status.FINISHED: ("✓", "green"),
    Status.FAILED: ("✗", "red"),
    Status.KILLED: ("■", "yellow"),
    Status.CRASHED: ("‼", "magenta"),
}

_PARAM_ROOM = 16
_NAME_ROOM = 14
#: Params shown in a pipe, where nothing is cut and --json has them all.
_PIPED_PARAMS = 8


@dataclass(frozen=True, slots=True)
class Choice:
    """What the user asked to see; empty means that the runs decide."""

    metrics: tuple[str, ...] = ()
    params: tuple[str, ...] = ()
    children: bool = False


def status_cell(run: RunRecord, *, word: bool = True) -> Cell:
    """The run's status as a coloured sign, with its name."""
    glyph, style = GLYPHS[run.status]
    return Cell(f"{glyph} {run.status.value.lower()}" if word else glyph, style)


def elapsed(run: RunRecord, now: int) -> int:
    """Nanoseconds that the run took, or has taken so far."""
    return (run.ended or (now if run.status is Status.RUNNING else run.last_seen or run.started)) - run.started


def print_runs(screen: Screen, branches: Sequence[Branch], choice: Choice) -> None:
    """Draws the list: one line a run, its children folded to a count unless they were asked for."""
    now = time.time_ns()
    shown = [run for branch in branches for run in (branch.run, *(branch.children if choice.children else ()))]
    ids = short_ids(run.id for run in shown)
    telling = telling_metric([branch.run for branch in branches])
    metrics = choice.metrics or ((telling,) if telling else ())
    best = {key: best_runs([branch.run for branch in branches], key) for key in metrics}
    params = list(choice.params) or varying_params(shown)
    roomy = screen.width >= 100 or not screen.terminal
    several = len({run.experiment_id for run in shown}) > 1
    worded = roomy or any(run.status is not Status.FINISHED for run in shown)
    head = 14 if roomy else 9

    columns = [Column("run"), Column("name", shrink=True)]
    folded = {branch.run.id: f"+{len(branch.children)}" for branch in branches if branch.children}
    counted = bool(folded) and not choice.children
    columns += [Column("", right=True)] if counted else []
    columns += [Column("experiment")] if several else []
    columns += [Column("status" if worded else ""), Column("started"), Column("took", right=True)]
    columns += [Column(key if not screen.terminal else short_name(key, head), right=True) for key in metrics]
    rows = []
    for branch in branches:
        rows.append((branch.run, branch.run.name))
        if choice.children:
            rows += [(child, f"└ {child.name}") for child in branch.children]
    room = 24 if several else 32
    lines: list[list[Cell]] = []
    for run, name in rows:
        line = [Cell(ids[run.id], "cyan"), Cell(clip(name, room) if screen.terminal else name)]
        if counted:
            line.append(Cell(folded.get(run.id, ""), "dim"))
        if several:
            line.append(Cell(clip(run.experiment, 16) if screen.terminal else run.experiment))
        line.append(status_cell(run, word=roomy or run.status is not Status.FINISHED))
        line.append(Cell(age(run.started, now), "dim"))
        line.append(Cell(duration(elapsed(run, now))))
        for key in metrics:
            line.append(Cell(number(run.metrics.get(key)), "bold green" if run.id in best[key] else ""))
        lines.append(line)
    _add_params(screen, columns, lines, [run for run, _ in rows], params, asked=bool(choice.params))
    screen.table(columns, lines)
    _explain(screen, metrics, best, head)


def short_name(key: str, room: int) -> str:
    """A metric's or param's name for a narrow column head: the part that says most, then an ellipsis."""
    if width(key) <= room:
        return key
    short = key.rpartition("__")[2].removeprefix("training_").removesuffix("_score")
    return clip(short or key, room)


def _add_params(
    screen: Screen,
    columns: list[Column],
    lines: list[list[Cell]],
    runs: Sequence[RunRecord],
    params: Sequence[str],
    *,
    asked: bool,
) -> None:
    """Adds a column a param: in a pipe up to eight, on a terminal as many as fit beside a readable name."""
    room = screen.width - sum(_column_width(columns, lines, at) + 2 for at in range(len(columns)) if at != 1)
    name = min(_column_width(columns, lines, 1), 22) + 2
    for at, key in enumerate(params):
        if not screen.terminal:
            if not asked and at >= _PIPED_PARAMS:
                break
            title, values = key, [run.params.get(key, "") for run in runs]
        else:
            title = short_name(key, _PARAM_ROOM)
            values = [clip(run.params.get(key, ""), _PARAM_ROOM) for run in runs]
            needed = max((width(text) for text in (title, *values)), default=0) + 2
            if needed > room - name:
                if asked:
                    name = _NAME_ROOM + 2
                if needed > room - name:
                    continue
            room -= needed
        columns.append(Column(title))
        for line, value in zip(lines, values, strict=True):
            line.append(Cell(value))


def _column_width(columns: Sequence[Column], lines: Sequence[Sequence[Cell]], at: int) -> int:
    return max([width(columns[at].title), *(width(line[at].text) for line in lines)])


def _explain(screen: Screen, metrics: Sequence[str], best: dict[str, frozenset[str]], head: int) -> None:
    """On a terminal, a dim line that says what a metric's column holds, where its head is short, and what is best."""
    parts = []
    for key in metrics:
        how = {1: ", higher is better", -1: ", lower is better", 0: ""}[direction(key)] if best[key] else ""
        if width(key) > head or how:
            parts.append(f"{short_name(key, head)}: {key}{how}" if width(key) > head else f"{key}{how}")
    if parts:
        screen.note("\n" + "; ".join(parts))


def more_line(shown: int, limit: int) -> str:
    """What to type where the list was cut."""
    return f"the newest {plural(shown, 'run')}; --limit {limit * 5} shows more"
