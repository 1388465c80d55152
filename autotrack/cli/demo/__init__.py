"""``autotrack demo``: trains the models of ``train.py`` (``train_torch.py``) and shows what was kept of them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

import click

from autotrack.core.entities import RunRecord
from autotrack.core.errors import AutotrackError

from ..commands import Command, State, json_option
from ..documents import print_json, run_document
from ..listing import Choice, print_runs
from ..screen import Cell, Column, Screen
from ..stores import find_place, open_place
from ..telling import Branch, fold

EXPERIMENT = "demo"


@click.command(
    "demo",
    cls=Command,
    examples=(
        ("autotrack demo", "a few seconds of real training on data sets that ship with scikit-learn"),
        ("autotrack demo --torch", "a plain PyTorch loop and a Lightning module instead"),
        ("autotrack --store /tmp/try demo", "the same, kept apart from your own runs"),
        ("autotrack --store /tmp/try demo --seed 7", "much to look at in the pages: 10,000 runs, long curves, models"),
    ),
)
@click.option("--torch", "with_torch", is_flag=True, help="Train with PyTorch and Lightning.")
@click.option(
    "--seed", metavar="N", type=click.IntRange(0), help="Fill the store for the pages, the same from the same N."
)
@json_option
@click.pass_obj
def demo(state: State, with_torch: bool, seed: int | None, as_json: bool) -> None:
    """Train a few real models, with one added line, and look at their runs."""
    if seed is not None:
        _showcase(state, seed, as_json)
        return
    missing = [name for name in ("sklearn", *(("torch", "lightning") if with_torch else ())) if find_spec(name) is None]
    if missing:
        extras = "sklearn,torch,lightning" if with_torch else "sklearn"
        raise AutotrackError(
            f"the demo trains with what is not installed ({', '.join(missing)}): pip install 'autotrack[{extras}]'"
        )
    place = find_place(state)
    script = Path(__file__).with_name("train_torch.py" if with_torch else "train.py")
    screen = Screen()
    if not as_json:
        screen.line("Training with ", Cell("autotrack.enable()", "bold green"), " as the one added line of")
        screen.line(Cell(f"  {script}", "dim"))
        screen.line("")
        sys.stdout.flush()
    environment = {**os.environ, "AUTOTRACK_EXPERIMENT": EXPERIMENT, "AUTOTRACK_TRACKING_URI": place.uri}
    started = time.time_ns()
    output = subprocess.DEVNULL if as_json else None
    done = subprocess.run([sys.executable, str(script)], env=environment, stdout=output, check=False)
    if done.returncode:
        raise AutotrackError(f"the demo's training ended with exit code {done.returncode}; its own words are above")
    with closing(open_place(place)) as sink:
        found = [run for run in sink.runs(experiments=[EXPERIMENT], max_results=1000) if run.started >= started]
        curves = [run for run in found if any(each.count > 1 for each in sink.metric_summaries(run.id))]
    if not found:
        raise AutotrackError(
            f"the demo trained, and no run is at {place.shown}; `autotrack doctor` looks for the reason"
        )
    if as_json:
        print_json([run_document(run) for run in found])
        return
    branches = fold(found)
    screen.heading("The runs that it made")
    print_runs(screen, branches, Choice())
    curve = curves[0] if curves else branches[0].run
    saved = next((branch.run for branch in branches if branch.run.models), None)
    screen.heading("What to type next")
    steps = [
        ("autotrack runs list", "every run, newest first"),
        (f"autotrack runs show {branches[0].run.id[:8]}", "one run: params, metrics, data, its model"),
        (f"autotrack runs show {curve.id[:8]} --plot", "its curves, here in the terminal"),
        ("autotrack runs search 'training_score > 0.95'", "only the runs that match"),
        *_comparison(branches),
        ("autotrack run your_script.py", "your own training, with no edit at all"),
    ]
    rows = [[Cell(command, "green"), Cell(meaning, "dim")] for command, meaning in steps]
    screen.table([Column(""), Column("", shrink=True)], rows, indent=2)
    if saved is not None:
        uri = f"runs:/{saved.id}/{saved.models[0].path}"
        screen.line("")
        screen.line("And in Python, a model back, ready to predict:")
        screen.line("  ", Cell(f'autotrack.load_model("{uri}")', "green"))


def _showcase(state: State, seed: int, as_json: bool) -> None:
    """Fills the store with trained and generated runs (``showcase.py``), telling of each part as it is there."""
    if find_spec("sklearn") is None or find_spec("pandas") is None:
        raise AutotrackError("the demo trains with scikit-learn and pandas: pip install 'autotrack[sklearn]' pandas")
    place, screen = find_place(state), Screen()
    command = [sys.executable, "-m", "autotrack.cli.demo.showcase", str(seed)]
    environment = {**os.environ, "AUTOTRACK_TRACKING_URI": place.uri}
    told = []
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as made:
        for line in made.stdout or ():
            name, how, what = line.rstrip("\n").split("\t")
            told.append({"part": name, "how": how, "what": what})
            if not as_json:
                screen.line(
                    Cell(f"{name:14}", "bold"), Cell(f"{how:11}", "green" if how == "trained" else "yellow"), what
                )
    if made.returncode:
        raise AutotrackError(
            f"the demo ended with exit code {made.returncode}; run `{' '.join(command[1:])}` to see why"
        )
    with closing(open_place(place)) as sink:
        count = sum(each.run_count or 0 for each in sink.experiments())
    if as_json:
        print_json({"runs": count, "parts": told})
        return
    screen.line("")
    screen.line(f"{count:,} runs in all. Look at them with ", Cell("autotrack ui", "green"))


def _comparison(branches: Sequence[Branch]) -> list[tuple[str, str]]:
    """How to compare two runs of one kind, where there are two."""
    named: dict[str, RunRecord] = {}
    for branch in branches:
        other = named.setdefault(branch.run.name, branch.run)
        if other is not branch.run:
            return [(f"autotrack diff {branch.run.id[:8]} {other.id[:8]}", "why two runs differ")]
    return []
