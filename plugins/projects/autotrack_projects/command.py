"""``autotrack run`` for projects: one run, or one for each combination of values."""

from __future__ import annotations

import json
import os
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from autotrack.plugin import only_launches, termination_as_interrupt

from .environment import MANAGERS

#: The answer where a program was ended because its time was over, as timeout(1) has it.
TIMED_OUT = 124
#: click leaves the lines of a paragraph as they are that begins so.
_EXAMPLES = """\b
Examples:
  autotrack run . -P lr=0.1
    this folder's entry point `main`, in the environment that it asks for
  autotrack run . -e train.py --env local
    a script of it, with this Python
  autotrack run https://host/team/repo#churn -v v2
    a folder of a git repository, at a commit, branch or tag
  autotrack run project.zip -P data=rows.csv
    an archive; a path is seen from where you are
  autotrack run . -P lr=0.1,0.01 -P depth=3,5 --grid -j 2
    four runs under one, two at a time
  autotrack run . --backend slurm -B partition=gpu
    as a job of a scheduler, by a plugin

A script is run with `autotrack run train.py`, where what follows belongs to the script.
"""


@click.command(
    "run",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=_EXAMPLES,
)
@click.argument("uri")
@click.option("-e", "--entry-point", default="main", show_default=True, metavar="NAME", help="What of it to run.")
@click.option("-P", "--param", "params", multiple=True, metavar="KEY=VALUE", help="A parameter; may be repeated.")
@click.option("-v", "--version", metavar="REF", help="A commit, branch or tag of a repository.")
@click.option(
    "--env",
    default="auto",
    show_default=True,
    metavar="|".join(MANAGERS),
    help="The environment: what the project asks for, or this Python (local).",
)
@click.option("-b", "--backend", default="local", show_default=True, metavar="NAME", help="Where it runs.")
@click.option("-B", "--backend-option", "options_of", multiple=True, metavar="KEY=VALUE", help="What it is told there.")
@click.option("--backend-config", metavar="JSON", help="The same as a JSON object, or a file that has one.")
@click.option("--timeout", type=click.FloatRange(0, min_open=True), metavar="SECONDS", help="Ends it after that.")
@click.option("--experiment", metavar="NAME", help="The experiment of the run.")
@click.option("-n", "--name", metavar="NAME", help="The name of the run.")
@click.option("-t", "--tag", "tags", multiple=True, metavar="KEY=VALUE", help="A tag of the run; may be repeated.")
@click.option("--grid", is_flag=True, help="Values with commas are several: one run for each combination.")
@click.option("--no-cache", is_flag=True, help="Run each step, also where an earlier run did the same.")
@click.option("-j", "--jobs", type=click.IntRange(1), default=1, show_default=True, help="Runs at a time, with --grid.")
@click.pass_obj
def run(
    state: Any,
    uri: str,
    entry_point: str,
    params: tuple[str, ...],
    version: str | None,
    env: str,
    backend: str,
    options_of: tuple[str, ...],
    backend_config: str | None,
    timeout: float | None,
    experiment: str | None,
    name: str | None,
    tags: tuple[str, ...],
    grid: bool,
    no_cache: bool,
    jobs: int,
) -> int:
    """Run a project: a folder, a zip archive, or a git repository (#folder inside it).

    What its program logs and trains joins one run, which has its parameters, commit, environment and output. The
    program's exit code is the answer.
    """
    from .running import SubmittedRun, how_it_ended, run_project

    if state.store is not None:
        os.environ["AUTOTRACK_TRACKING_URI"] = state.store  # of this process, and of all that it starts
    if no_cache:
        os.environ["AUTOTRACK_PROJECTS_REUSE"] = "false"
    only_launches()
    parameters = pairs(params, "-P")
    options: dict[str, Any] = {
        "version": version,
        "experiment": experiment,
        "name": name,
        "env": env,
        "backend": backend,
        "backend_config": {**_config(backend_config), **pairs(options_of, "-B")},
        "timeout": timeout,
        "tags": pairs(tags, "--tag"),
    }
    # Who closes a terminal wants a program of this machine to end, and a job of a cluster's to go on.
    with termination_as_interrupt() if backend == "local" else nullcontext():
        if grid:
            from .grid import combinations, run_grid

            return run_grid(uri, entry_point, combinations(parameters), options, jobs=jobs)
        started = run_project(uri, entry_point, parameters, **options, synchronous=False, progress=say)
        try:
            if isinstance(started, SubmittedRun) and started.job is not None:
                say(f"run {started.run_id[:8]} is job {started.job} of {backend}: {started.standing()}")
            started.wait()
        except KeyboardInterrupt:
            started.cancel()
            say(f"run {started.run_id[:8]} is {started.get_status()}")
            raise
    code = started.exit_code or 0
    say(f"run {started.run_id[:8]} is {started.get_status()}" + (f" ({how_it_ended(code)})" if code else ""))
    if isinstance(started, SubmittedRun) and started.timed_out:
        say(f"it was ended, its {timeout:g} seconds were over")
        return TIMED_OUT
    return code if code >= 0 else 128 - code


def pairs(words: tuple[str, ...], option: str) -> dict[str, str]:
    """``KEY=VALUE`` words as a dict; click.UsageError where one is none, or a key comes twice."""
    found: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise click.UsageError(f"{option} {word!r}: expected KEY=VALUE.")
        if key in found:
            raise click.UsageError(f"{option} {key} is given twice.")
        found[key] = value
    return found


def say(message: str) -> None:
    """One line about the run, beside what its program prints."""
    click.echo(f"autotrack: {message}", err=True)


def _config(text: str | None) -> dict[str, Any]:
    """What a backend is told: a JSON object, or the file of one (whose name ends with ``.json``, as with MLflow)."""
    if not text:
        return {}
    if not text.lstrip().startswith("{") and text.endswith(".json"):
        try:
            text = Path(text).read_text("utf-8")
        except (OSError, ValueError) as error:
            raise click.UsageError(f"--backend-config {text} cannot be read: {error}") from None
    try:
        found = json.loads(text)
    except ValueError as error:
        raise click.UsageError(f"--backend-config is not valid JSON: {error}") from None
    if not isinstance(found, dict):
        raise click.UsageError("--backend-config must be a JSON object.")
    return found
