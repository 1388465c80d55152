"""``autotrack tensorboard`` and ``autotrack import tensorboard``."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from autotrack.plugin import AutotrackError, attempt

if TYPE_CHECKING:
    from autotrack.plugin import Sink

#: Bytes from which on a person wants to see that something happens.
_LONG = 32 << 20


class NotInstalled(AutotrackError):
    """TensorBoard itself is missing."""


def add_commands(cli: Any) -> None:
    """Adds both commands to the command line."""
    showing = (
        ("autotrack tensorboard 3f9a", "one run"),
        ("autotrack tensorboard 3f9a 81cc --port 0", "two runs beside each other, on any free port"),
    )
    cli.command("tensorboard", examples=showing)(show)
    taking = (
        ("autotrack import tensorboard runs", "every log under the folder runs becomes a run"),
        ("autotrack import tensorboard runs", "again: what came since is added, nothing comes twice"),
    )
    cli.extend("import", lambda imports: imports.command("tensorboard", examples=taking)(take))


@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option("--port", type=click.IntRange(0, 65535), default=6006, show_default=True, help="0: any free one.")
@click.pass_obj
def show(state: Any, runs: tuple[str, ...], host: str, port: int) -> None:
    """Start TensorBoard on runs: their event files, or their metrics where they have none. Ctrl-C ends it."""
    from autotrack.plugin import store_at

    if find_spec("tensorboard") is None:
        raise NotInstalled("cannot start TensorBoard: it is not installed; `pip install tensorboard` brings it")
    store, root = store_at(state.store)
    with closing(store), tempfile.TemporaryDirectory(prefix="autotrack-tensorboard-") as folder:
        for run in dict.fromkeys(runs):
            lay_out(store, root, run, Path(folder))
        command = [sys.executable, "-m", "tensorboard.main", "--logdir", folder, "--host", host, "--port", str(port)]
        try:
            code = subprocess.call(command)
        except KeyboardInterrupt:
            code = 0
    if code:
        raise NotInstalled(f"TensorBoard ended with exit code {code}; what it said stands above")


def lay_out(store: Sink, root: Path, run_id: str, folder: Path) -> Path:
    """Puts a run into a log folder of its own there: as a link to its event files, or as a file made of its metrics."""
    from .keeping import FOLDER
    from .protobuf import scalar_event, version_event
    from .records import framed

    run = store.run(run_id)
    name = re.sub(r"[^\w.=+-]+", "_", run.name).strip("._")[:80]
    place = folder / f"{name or 'run'}-{run.id[:8]}"
    kept = root / (run.artifact_uri or "") / FOLDER
    live = Path(run.tags.get("tensorboard.folder", ""))
    if run.ended is None and live.is_absolute() and live.is_dir():
        place.symlink_to(live, target_is_directory=True)
    elif kept.is_dir():
        place.symlink_to(kept.absolute(), target_is_directory=True)
    elif files := [file.path for file in run.artifacts if file.path.startswith(f"{FOLDER}/")]:
        for path in files:  # kept on another machine
            with store.artifacts.open(run.files, path) as source:  # refuses a path that leads elsewhere
                copy = place.joinpath(*path.split("/")[1:])
                copy.parent.mkdir(parents=True, exist_ok=True)
                with open(copy, "xb") as target:
                    shutil.copyfileobj(source, target)
    else:
        place.mkdir()
        with open(place / f"events.out.tfevents.{run.started // 10**9:010d}.autotrack", "wb") as file:
            file.write(framed(version_event(run.started / 1e9)))
            for key in sorted(run.metrics):
                columns = store.metric_history(run.id, key)
                rows = zip(columns.steps.tolist(), columns.timestamps.tolist(), columns.values.tolist(), strict=True)
                for step, when, value in rows:
                    file.write(framed(scalar_event(when / 1e9, step, key, float(value))))
    return place


@click.argument("folder", type=click.Path(path_type=Path, exists=True))
@click.option("-e", "--experiment", metavar="NAME", help="The experiment of the runs. [default: the folder's name]")
@click.option(
    "--files/--no-files", default=True, show_default=True, help="Keep copies of the event files as artifacts."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead.")
@click.pass_obj
def take(state: Any, folder: Path, experiment: str | None, files: bool, as_json: bool) -> None:
    """Make runs of the logs under FOLDER: one of each folder with event files, those below it included."""
    from autotrack.plugin import store_at, take_in

    from .logs import find_logs, read_log

    folder = folder.absolute()
    logs = find_logs(folder)
    if not logs:
        raise click.UsageError(
            f"there is no event file (*.tfevents.*) under {folder}; name the folder that TensorBoard shows."
        )
    experiment = experiment or (folder.parent if folder.is_file() else folder).name or "tensorboard"
    done: list[dict[str, Any]] = []
    store, _ = store_at(state.store)
    with closing(store), _progress(sum(log.size for log in logs)) as progress:

        def known(run_id: str) -> Mapping[str, str] | None:
            found, _ = attempt(store.run, run_id)
            return found.tags if found is not None and found.id == run_id else None

        for log in logs:
            run = read_log(log, experiment, known, files=files, progress=progress)
            if run is None:
                done.append({"folder": str(log.base), "run": None, "new": False, "points": 0})
                continue
            there = known(run.id) is not None
            points = sum(len(columns.steps) for columns in run.metrics.values())
            brought = take_in(store, run)
            done.append({"folder": str(log.base), "run": run.id, "new": not there, "points": points if brought else 0})
    if as_json:
        click.echo(json.dumps({"experiment": experiment, "logs": done}, indent=2))
        return
    _tell(done, experiment)


def _tell(done: list[dict[str, Any]], experiment: str) -> None:
    new = [each for each in done if each["new"]]
    more = [each for each in done if each["run"] and not each["new"] and each["points"]]
    same = [each for each in done if each["run"] and not each["new"] and not each["points"]]
    empty = [each for each in done if not each["run"]]
    if new:
        points = sum(each["points"] for each in new)
        click.echo(f"took in {_plural(len(new), 'run')} with {points:,} points, in the experiment {experiment}")
    if more:
        points = sum(each["points"] for each in more)
        click.echo(f"added {points:,} points to {_plural(len(more), 'run')} that had gone on")
    if same:
        click.echo(f"{_plural(len(same), 'run')} left alone: here already, with nothing new")
    for each in empty:
        click.echo(f"{each['folder']}: no event file there begins with an event", err=True)


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    """Draws a bar on a terminal's standard error where there is much to read; nothing anywhere else."""
    if total < _LONG or not sys.stderr.isatty():
        yield lambda read: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=total)
        yield lambda read: bar.advance(task, read)
