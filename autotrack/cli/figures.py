"""``autotrack runs figure``: the charts of a run, in the terminal or as pictures."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from autotrack.core.entities import RunRecord
from autotrack.core.errors import ArtifactError, NotFoundError, UsageError
from autotrack.core.sink import Artifacts
from autotrack.figures import FORMATS, read, render, several

from .commands import Command, State, json_option
from .documents import print_json
from .runs import newest
from .screen import Column, Screen
from .stores import open_store
from .words import plural

#: How a chart's file begins, as ``log_chart`` writes it, and how large it may be.
_BEGINNING = re.compile(rb'\s*\{\s*"chart"\s*:')
LARGEST = 64 << 20
_HEX = frozenset("0123456789abcdef")


@click.command(
    "figure",
    cls=Command,
    examples=(
        ("autotrack runs figure 3f9a", "which charts the run has"),
        ("autotrack runs figure 3f9a confusion_matrix", "one of them, in the terminal"),
        ("autotrack runs figure 3f9a roc_curve -o roc.png", "as a picture; the name says PNG or SVG"),
        ("autotrack runs figure 3f9a -o charts/", "all of them, into a folder"),
    ),
)
@click.argument("run", required=False)
@click.argument("name", required=False)
@click.option("-o", "--output", metavar="PATH", help="A picture's file, .png or .svg, or a folder for all of them.")
@click.option("--format", "format", type=click.Choice(FORMATS), help="Of pictures in a folder. [default: png]")
@json_option
@click.pass_obj
def figure(
    state: State, run: str | None, name: str | None, output: str | None, format: str | None, as_json: bool
) -> None:
    """The charts of RUN, an id or the beginning of one; without it, of the newest run."""
    if run is not None and name is None and not set(run.lower()) <= _HEX:
        run, name = None, run
    with closing(open_store(state)) as sink:
        record = sink.run(run) if run else newest(sink)
        charts = charts_of(record, sink.artifacts)
    if name is not None:
        charts = {name: _chosen(charts, name, record)}
    if as_json:
        print_json(charts if name is None else charts[name])
    elif output is not None:
        _draw(charts, Path(output), output.endswith("/"), format)
    elif name is not None:
        from .chart_text import print_chart

        print_chart(Screen(), charts[name])
    else:
        _list(charts, record)


def charts_of(run: RunRecord, artifacts: Artifacts) -> dict[str, Mapping[str, Any]]:
    """The charts of a run by name: of its files that hold charts, the path without ``figures/`` and ``.json``.

    A file that holds several gives each its own name, behind the file's where another chart has that name already. A
    file that begins as a chart and is none costs a line on standard error.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for path, content in _files(run, artifacts):
        stem = path.removeprefix("figures/").removesuffix(".json")
        try:
            charts = several(read(content))
        except ArtifactError as error:
            click.echo(f"autotrack: {path}: {error}", err=True)
            continue
        for inner, document in charts.items():
            name = inner or stem
            found[name if name not in found else f"{stem}/{name}"] = document
    return found


def _files(run: RunRecord, artifacts: Artifacts) -> Iterator[tuple[str, bytes]]:
    if not run.files:
        return
    models = tuple(f"{model.path}/" for model in run.models)
    for artifact in run.artifacts:
        if artifact.path.endswith(".json") and artifact.size <= LARGEST and not artifact.path.startswith(models):
            with artifacts.open(run.files, artifact.path) as stream:
                beginning = stream.read(64)
                if _BEGINNING.match(beginning):
                    yield artifact.path, beginning + stream.read(LARGEST)


def _chosen(charts: Mapping[str, Mapping[str, Any]], name: str, run: RunRecord) -> Mapping[str, Any]:
    if name not in charts:
        known = ", ".join(charts) or "none"
        raise NotFoundError(f"run {run.id[:8]} has no chart {name!r}; it has {known}")
    return charts[name]


def _draw(charts: Mapping[str, Mapping[str, Any]], output: Path, is_folder: bool, format: str | None) -> None:
    """Writes pictures: one to a file, or each to a file of its name in a folder, which is made where it is missing."""
    if is_folder or output.is_dir() or not output.suffix:
        for name, document in charts.items():
            file = output / f"{re.sub(r'[^A-Za-z0-9_.-]+', '_', name).strip('.') or 'chart'}.{format or 'png'}"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(render(document, format or "png"))
            click.echo(str(file))
        return
    wanted = output.suffix[1:].lower()
    if wanted not in FORMATS or (format is not None and format != wanted):
        raise UsageError(f"cannot write {output}: a picture's name ends with .png or .svg (--format is for folders)")
    if len(charts) != 1:
        raise UsageError(
            f"the run has {plural(len(charts), 'chart')}: name one, or give a folder, as in -o {output.stem}/"
        )
    output.write_bytes(render(next(iter(charts.values())), wanted))
    click.echo(str(output))


def _list(charts: Mapping[str, Mapping[str, Any]], run: RunRecord) -> None:
    if not charts:
        click.echo(f"run {run.id[:8]} has no charts", err=True)
        return
    screen = Screen()
    rows = [[name, str(document["kind"]), str(document.get("title", ""))] for name, document in charts.items()]
    screen.table([Column("chart"), Column("kind"), Column("title", shrink=True)], rows)
    screen.note(f"see one with `autotrack runs figure {run.id[:8]} NAME`, or draw it with -o NAME.png")
