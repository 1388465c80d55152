"""One run on one screen: what it is, how it ended, what went in and what came out."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from autotrack.answers.story import Story
from autotrack.core.entities import MetricSummary, RunRecord, Status
from autotrack.core.errors import NotFoundError
from autotrack.core.sink import Sink

from .listing import elapsed, status_cell
from .making import making_lines
from .plot import Series, draw
from .screen import Cell, Column, Screen
from .telling import best_runs, direction, telling_metric, varying_params, weight
from .words import SECOND, age, clip, duration, local_time, number, plural, size, width

_FEW = 12
#: Children that are named.
_BEST = 3
#: How many curves are drawn where none is named.
_CHARTS = 4
#: What the path of a library's code has in it.
_LIBRARIES = ("/site-packages/", "/dist-packages/", "/lib/python3", "/autotrack/core/")
#: Pairs that stand side by side, at most.
_ABREAST = 3
_COLOURS = ("cyan", "yellow", "magenta", "green", "red", "blue")


def print_title(screen: Screen, run: RunRecord) -> None:
    """The run's name, status; then its id and experiment; then when it ran, how long, and who ran it."""
    now = time.time_ns()
    screen.line(Cell(run.name, "bold"), "  ", status_cell(run))
    screen.line("  ", Cell(run.id, "cyan"), Cell(f" · experiment {run.experiment}", "dim"))
    taken = duration(elapsed(run, now))
    parts = [
        f"started {local_time(run.started)} ({age(run.started, now)})",
        f"running for {taken}" if run.status is Status.RUNNING else f"took {taken}",
    ]
    if run.user:
        parts.append(f"by {run.user}")
    if run.lifecycle != "active":
        parts.append(f"{run.lifecycle}: `autotrack runs restore {run.id[:8]}` brings it back")
    screen.line(Cell("  " + " · ".join(parts), "dim"))
    if run.parent:
        screen.line(Cell(f"  child of {run.parent}", "dim"))


def print_run(
    screen: Screen,
    run: RunRecord,
    summaries: Sequence[MetricSummary],
    children: Sequence[RunRecord],
    story: Story,
    *,
    full: bool,
) -> None:
    """The whole page. On a terminal long lists and values are cut unless ``full``; in a pipe nothing is."""
    full = full or not screen.terminal
    print_title(screen, run)
    _print_error(screen, run, full)
    _print_search(screen, run)
    _print_making(screen, story, full)
    _print_metrics(screen, run, summaries, full)
    _print_mapping(screen, "params", run.params, full)
    ours = () if full else [key for key in run.tags if key.startswith("autotrack.")]
    _print_mapping(screen, "tags", {key: value for key, value in run.tags.items() if key not in ours}, full)
    _print_data(screen, run)
    _print_models(screen, run)
    _print_artifacts(screen, run, full)
    _print_children(screen, run, children, full)
    _print_health(screen, run)
    _print_gaps(screen, story, full)


def _print_search(screen: Screen, run: RunRecord) -> None:
    """Of a run that is a search for a cause (``autotrack bisect``): how far it is, and what it found."""
    told = {name: run.tags.get(f"autotrack.bisect_{name}") for name in ("metric", "verdict", "causes", "standing")}
    if told["verdict"] is None:
        return
    screen.heading("bisect")
    screen.line("  ", Cell(told["verdict"], "bold"), f"  {told['metric'] or ''}")
    for name, label in (("causes", "because of"), ("standing", "so far")):
        if told[name]:
            screen.line("  ", Cell(f"{label:<10}", "dim"), f"  {told[name]}")


def _print_making(screen: Screen, story: Story, full: bool) -> None:
    lines = making_lines(story, full=full)
    if not lines:
        return
    screen.heading("made by")
    room = max(30, screen.width - 14)
    for label, said in lines:
        screen.line("  ", Cell(f"{label:<10}", "dim"), said if full else clip(said, room))


def _print_gaps(screen: Screen, story: Story, full: bool) -> None:
    gaps = story.gaps()
    if not gaps:
        return
    screen.heading("not captured")
    for gap in gaps if full else gaps[:_FEW]:
        close = Cell(f"  ({gap.close})" if gap.close else "", "dim")
        screen.line("  ", Cell(f"{gap.part}: ", "yellow"), gap.what, close)
    _more(screen, story.run, len(gaps) - (len(gaps) if full else min(len(gaps), _FEW)))


def _print_error(screen: Screen, run: RunRecord, full: bool) -> None:
    if run.error is None and not run.exit_code:
        return
    screen.heading("error")
    lines = (run.error or "").strip().splitlines()
    if full:
        for line in lines:
            screen.line("  " + line)
    elif lines:
        said, place = heart_of(lines)
        screen.line("  ", Cell(clip(said, 2 * screen.width - 4), "red"))
        if place:
            screen.line(Cell(f"  {clip(place, screen.width - 2)}", "dim"))
        if len(lines) > 1:
            screen.note(f"  the whole traceback: autotrack runs show {run.id[:8]} --full")
    if run.exit_code is not None:
        screen.line(f"  exit code {run.exit_code}")


def heart_of(traceback: Sequence[str]) -> tuple[str, str]:
    """What a traceback says in the first line of its last error, and where: in the user's code, if it comes through."""
    starts = [at for at, line in enumerate(traceback) if line.startswith("Traceback (")]
    last = traceback[starts[-1] + 1 :] if starts else traceback
    said = next((line for line in last if line[:1] not in ("", " ")), last[-1] if last else "")
    frames = [line.strip() for line in last if line.startswith("  File ")]
    own = [frame for frame in frames if not any(part in frame for part in _LIBRARIES)]
    return said, (own or frames or [""])[-1]


def _print_metrics(screen: Screen, run: RunRecord, summaries: Sequence[MetricSummary], full: bool) -> None:
    if not summaries:
        return
    screen.heading(f"metrics ({len(summaries)})")
    ordered = sorted(summaries, key=lambda each: each.key)
    shown = ordered if full else ordered[: 2 * _FEW]
    many = any(each.count > 1 for each in shown)
    if not many and not full:
        _print_abreast(screen, [(each.key, number(each.last)) for each in shown], "bold")
        _more(screen, run, len(ordered) - len(shown))
        return
    columns = [Column("" if not many else "key", shrink=True), Column("last" if many else "", right=True)]
    if many:
        columns += [Column(title, right=True) for title in ("min", "max", "step", "count")]
    rows: list[list[Cell | str]] = []
    for each in shown:
        row: list[Cell | str] = [each.key, Cell(number(each.last), "bold")]
        if many:
            row += [number(each.min), number(each.max), str(each.last_step), f"{each.count:,}"]
        rows.append(row)
    screen.table(columns, rows, indent=2)
    _more(screen, run, len(ordered) - len(shown))
    if many and screen.terminal:
        screen.note(f"  curves: autotrack runs show {run.id[:8]} --plot")


def _more(screen: Screen, run: RunRecord, hidden: int) -> None:
    if hidden > 0:
        screen.note(f"  and {hidden} more: autotrack runs show {run.id[:8]} --full")


def _print_mapping(screen: Screen, title: str, values: Mapping[str, str], full: bool) -> None:
    if not values:
        return
    screen.heading(f"{title} ({len(values)})")
    items = sorted(values.items())
    if full:
        screen.table([Column(""), Column("")], items, indent=2)
        return
    # What is short stands side by side; a long value takes a line of its own below.
    long = [pair for pair in items if width(pair[0]) + width(pair[1]) + 4 > (screen.width - 2) // 2]
    short = [pair for pair in items if pair not in long][: 2 * _FEW]
    _print_abreast(screen, short, "")
    for key, value in long[: _FEW // 2]:
        name = clip(key, 40)
        screen.line("  ", name, "  ", clip(value, max(20, screen.width - width(name) - 4)))
    hidden = len(items) - len(short) - len(long[: _FEW // 2])
    if hidden > 0:
        screen.note(f"  and {hidden} more (--full)")


def _print_abreast(screen: Screen, pairs: Sequence[tuple[str, str]], style: str) -> None:
    """Names and short values in as many columns as fit, to be read downwards."""
    for abreast in range(min(_ABREAST, len(pairs)), 0, -1):
        rows = -(-len(pairs) // abreast)
        stacks = [pairs[at : at + rows] for at in range(0, len(pairs), rows)]
        rooms = [[max(width(pair[at]) for pair in stack) + 2 for at in (0, 1)] for stack in stacks]
        if abreast == 1 or 2 + sum(map(sum, rooms)) <= screen.width:
            break
    else:
        return
    columns = [Column("", shrink=at == 0) for at in range(2 * len(stacks))]
    cells = [
        [cell for stack in stacks for cell in (stack[row] if row < len(stack) else ("", ""))] for row in range(rows)
    ]
    screen.table(
        columns, [[Cell(cell, style if at % 2 else "") for at, cell in enumerate(row)] for row in cells], indent=2
    )


def _print_data(screen: Screen, run: RunRecord) -> None:
    if not run.datasets:
        return
    screen.heading(f"data ({len(run.datasets)})")
    rows = []
    for data in sorted(run.datasets, key=lambda data: (not data.context.startswith("train"), data.context)):
        shape = "" if data.rows is None else f"{data.rows:,} rows"
        if data.columns:
            shape += f" x {len(data.columns):,}"
        rows.append([data.context, data.name, shape, data.digest[:16], data.source or ""])
    screen.table([Column("") for _ in range(5)], rows, indent=2)


def _print_models(screen: Screen, run: RunRecord) -> None:
    if not run.models:
        return
    screen.heading(f"models ({len(run.models)})")
    for model in run.models:
        screen.line("  ", Cell(model.path, "bold"), f"  {model.class_name}  ({model.flavor}, {size(model.size)})")
        screen.line("  ", Cell(f'autotrack.load_model("runs:/{run.id}/{model.path}")', "green"))


def _print_artifacts(screen: Screen, run: RunRecord, full: bool) -> None:
    if not run.artifacts:
        return
    total = sum(file.size for file in run.artifacts)
    screen.heading(f"artifacts ({len(run.artifacts)}, {size(total)})")
    shown = sorted((file.path, size(file.size)) for file in run.artifacts) if full else sorted(_models_as_one(run))
    hidden = 0 if full else max(0, len(shown) - _FEW)
    if hidden:
        shown = shown[:_FEW]
    screen.table([Column("", shrink=True), Column("", right=True)], shown, indent=2)
    _more(screen, run, hidden)
    if run.artifact_uri:
        screen.line(Cell(f"  in {run.artifact_uri}", "dim"))


def _models_as_one(run: RunRecord) -> Iterator[tuple[str, str]]:
    """Artifacts and their sizes; the files of a model's folder as one."""
    below: dict[str, list[int]] = {f"{model.path}/": [] for model in run.models}
    for file in run.artifacts:
        folder = next((folder for folder in below if file.path.startswith(folder)), None)
        if folder is None:
            yield file.path, size(file.size)
        else:
            below[folder].append(file.size)
    for folder, sizes in below.items():
        if sizes:
            yield f"{folder}  ({plural(len(sizes), 'file')})", size(sum(sizes))


def _print_children(screen: Screen, run: RunRecord, children: Sequence[RunRecord], full: bool) -> None:
    """How many there are; of a metric whose better side is known the best of them, else the first."""
    if not children:
        return
    counts = Counter(child.status.value.lower() for child in children)
    said = ", ".join(f"{count:,} {status}" for status, count in counts.most_common())
    screen.heading(f"children ({said})")
    key = telling_metric(children)
    sign = direction(key) if key is not None else 0
    if key is not None and sign:
        ranked = sorted((child for child in children if key in child.metrics), key=_ranking(key, sign))
        title, chosen = "best", ranked[:_BEST]
    else:
        ordered = sorted(children, key=lambda child: child.started)
        title, chosen = "run", ordered if full else ordered[:_FEW]
    best = best_runs(children, key) if key is not None else frozenset[str]()
    varying = varying_params(children)[:4]
    now = time.time_ns()
    rows: list[list[Cell | str]] = [
        [
            Cell(child.id[:8], "cyan"),
            child.name,
            *([Cell(number(child.metrics.get(key)), "bold green" if child.id in best else "")] if key else []),
            status_cell(child),
            duration(elapsed(child, now)),
            *(clip(child.params.get(param, ""), 20) for param in varying),
        ]
        for child in chosen
    ]
    measured = [Column(key, right=True)] if key else []
    columns = [Column(title), Column("name", shrink=True), *measured, Column("status"), Column("took", right=True)]
    screen.table([*columns, *map(Column, varying)], rows, indent=2)
    if title == "run":
        _more(screen, run, len(children) - len(chosen))


def _ranking(key: str, sign: int) -> Callable[[RunRecord], float]:
    """Sorts the best by a metric to the front; what is no number comes last."""

    def rank(run: RunRecord) -> float:
        value = run.metrics[key] * -sign
        return math.inf if math.isnan(value) else value

    return rank


def _print_health(screen: Screen, run: RunRecord) -> None:
    if not run.health:
        return
    screen.heading("health")
    for key, value in run.health.items():
        for line, times in Counter(_health_lines(value)).items():
            screen.line("  ", Cell(f"{key}: ", "yellow"), line, Cell(f"  ({times} times)" if times > 1 else "", "dim"))


def _health_lines(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [", ".join(f"{key} {item}" for key, item in value.items())]
    if isinstance(value, (list, tuple)):
        return [line for item in value for line in _health_lines(item)]
    return [str(value)]


def print_curves(
    screen: Screen,
    sink: Sink,
    run: RunRecord,
    summaries: Sequence[MetricSummary],
    keys: Sequence[str],
    *,
    by_time: bool,
    logarithmic: bool,
) -> None:
    """Draws the metrics named in one chart, or without names one chart for each metric that has a curve."""
    known = {each.key: each for each in summaries}
    for key in keys:
        if key not in known:
            raise NotFoundError(
                f"cannot draw {key!r}: run {run.id[:8]} has no such metric; it has {', '.join(sorted(known)) or 'none'}"
            )
    moving = [key for key in known if known[key].count > 1 and known[key].min != known[key].max]
    moving.sort(key=lambda key: (-weight(key), key))
    charts = [tuple(keys)] if keys else [(key,) for key in moving[:_CHARTS]]
    if not charts:
        screen.line("")
        screen.line(f"no curve to draw: none of {plural(len(known), 'metric')} changes over its steps")
    elif not keys and len(moving) > _CHARTS:
        screen.note(f"the {_CHARTS} most telling of {len(moving)} curves; name others after --plot")
    for chart in charts:
        series = []
        for key in chart:
            columns = sink.metric_history(run.id, key)
            places = (columns.timestamps - run.started) / SECOND if by_time else columns.steps
            series.append(Series(key, places, columns.values))
        screen.line("")
        _print_chart(screen, series, by_time=by_time, logarithmic=logarithmic, tall=len(charts) == 1)


def _print_chart(screen: Screen, series: Sequence[Series], *, by_time: bool, logarithmic: bool, tall: bool) -> None:
    lines = draw(
        series,
        width=min(screen.width, 120) if screen.terminal else 100,
        height=16 if tall else 8,
        unit="s" if by_time else "step",
        logarithmic=logarithmic,
        # Without colours, curves of braille dots could not be told apart.
        dots=screen.terminal or len(series) == 1,
    )
    for line in lines:
        screen.line(*(Cell(text, "" if which is None else _COLOURS[which % len(_COLOURS)]) for text, which in line))
