"""The `autotrack` command as a process of its own: plugins' commands, pipes, signals, cost."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

AUTOTRACK = [sys.executable, "-m", "autotrack"]
Done = subprocess.CompletedProcess[str]

GOOD = """
import time

import click

from autotrack.plugin import hookimpl


@hookimpl
def register_commands(cli):
    @cli.command()
    def wave():
        "Wave at somebody."
        click.echo("a wave from a plugin")

    @cli.get_command(click.Context(cli), "models").command()
    def bless():
        "Bless a model."
        click.echo("blessed by a plugin")

    @cli.command()
    def linger():
        click.echo("ready")
        time.sleep(60)
"""

BROKEN = "raise ValueError('it is not my day')\n"
MISSING = "import a_library_that_is_nowhere\n"
RAISING = """
from autotrack.plugin import hookimpl


@hookimpl
def register_commands(cli):
    raise RuntimeError("no commands from me")
"""
EXTENDING = """
import sys

import click

from autotrack.plugin import hookimpl


@hookimpl
def register_commands(cli):
    def add(experiments):
        @experiments.command()
        def praise():
            "Praise an experiment."
            click.echo("praised by a plugin")

    def fail(experiments):
        raise RuntimeError("not this group")

    cli.extend("experiments", fail)
    cli.extend("experiments", add)
    cli.extend("nothing of this name", add)

    @cli.command()
    def imported():
        click.echo("autotrack.cli.experiments" in sys.modules)
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path


def install(place: Path, **modules: str) -> None:
    """Puts distributions with an entry point each into ``place/site``, as pip would."""
    site = place / "site"
    for name, text in modules.items():
        info = site / f"{name}_dist-1.2.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}-dist\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[autotrack]\n{name} = {name}_plugin\n")
        (site / f"{name}_plugin.py").write_text(text)


def environment(place: Path, **extra: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AUTOTRACK", "PYTHON", "COV"))}
    kept |= {"PYTHONPATH": str(place / "site"), "AUTOTRACK_TRACKING_URI": str(place / "store")}
    return kept | extra


@pytest.fixture
def go(place: Path) -> Callable[..., Done]:
    def run(*arguments: str, **extra: str) -> Done:
        return subprocess.run(
            [*AUTOTRACK, *arguments],
            cwd=place,
            env=environment(place, **extra),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def test_a_plugin_brings_commands(place: Path, go: Callable[..., Done]) -> None:
    install(place, good=GOOD, raising=RAISING)
    done = go("wave")
    assert (done.returncode, done.stdout) == (0, "a wave from a plugin\n")
    assert len(done.stderr.splitlines()) == 1  # the other plugin failed; this is not the place for its traceback
    assert "no commands from me" in done.stderr
    assert re.search(r"wave +Wave at somebody", go("--help").stdout)
    assert go("models", "bless").stdout == "blessed by a plugin\n"
    assert re.search(r"bless +Bless a model", go("models", "--help").stdout)


def test_a_plugin_extends_a_group_that_is_imported_only_when_it_is_asked_for(
    place: Path, go: Callable[..., Done]
) -> None:
    install(place, extending=EXTENDING)
    assert go("imported").stdout == "False\n"
    done = go("experiments", "praise")
    assert done.stdout == "praised by a plugin\n"
    assert len(done.stderr.splitlines()) == 1 and "not this group" in done.stderr  # nor are the others hurt
    assert re.search(r"praise +Praise an experiment", go("experiments", "--help").stdout)
    assert "praise" not in go("--help").stdout


def test_built_in_commands_do_not_load_plugins(place: Path, go: Callable[..., Done]) -> None:
    install(place, loud="print('I was loaded')\n")
    assert "I was loaded" not in go("runs", "list").stdout
    assert "I was loaded" in go("nothing").stdout


def test_plugins_list_tells_failures_apart(place: Path, go: Callable[..., Done]) -> None:
    install(place, good=GOOD, broken=BROKEN, missing=MISSING, shut=GOOD)
    done = go("plugins", "list", "--json", AUTOTRACK_PLUGINS_BLOCK="shut")
    found: dict[str, Any] = {each["name"]: each for each in json.loads(done.stdout)}
    assert done.returncode == 0
    assert {name: found[name]["status"] for name in ("good", "broken", "missing", "shut", "store")} == {
        "good": "loaded",
        "broken": "failed",
        "missing": "missing",
        "shut": "blocked",
        "store": "loaded",
    }
    assert "it is not my day" in found["broken"]["why"]
    assert "a_library_that_is_nowhere" in found["missing"]["why"]
    assert found["broken"]["version"] == "1.2"
    doctor = go("doctor")
    assert doctor.returncode == 1
    assert "it is not my day" in doctor.stdout
    assert "Traceback" not in doctor.stderr


@pytest.mark.parametrize("options", [["--json"], []], ids=["json", "table"])
@pytest.mark.parametrize("colour", ["", "1"], ids=["plain", "colour"])
def test_a_reader_that_leaves_is_not_an_error(place: Path, options: list[str], colour: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*AUTOTRACK, "plugins", "list", *options],
        env=environment(place, FORCE_COLOR=colour),
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


def test_an_interrupt_is_quiet_and_130(place: Path) -> None:
    install(place, good=GOOD)
    process = subprocess.Popen(
        [*AUTOTRACK, "linger"], env=environment(place), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err.strip()) == (130, "", "")


def test_an_unexpected_error_is_one_line_and_debug_shows_where(place: Path, go: Callable[..., Done]) -> None:
    install(place, faulty=GOOD.replace('click.echo("a wave from a plugin")', "{}['key']"))
    done = go("wave")
    assert done.returncode == 1
    assert done.stderr == "autotrack: unexpected KeyError: 'key'; this is a bug in autotrack (--debug shows where)\n"
    assert "Traceback" in go("--debug", "wave").stderr


def test_a_character_that_the_terminal_lacks_is_a_question_mark(place: Path, go: Callable[..., Done]) -> None:
    go("experiments", "create", "模型")
    for colour in ("", "1"):
        done = go("experiments", "list", PYTHONIOENCODING="latin-1", FORCE_COLOR=colour)
        assert (done.returncode, done.stderr) == (0, "")
        assert "??" in done.stdout


def test_listing_loads_nothing_that_it_does_not_need(place: Path) -> None:
    code = (
        "import sys\n"
        "from autotrack.cli.main import main\n"
        "try:\n    main(['runs', 'list'])\nfinally:\n"
        "    print([m for m in ('rich', 'pandas', 'sklearn', 'wrapt', 'yaml', 'pluggy') if m in sys.modules])\n"
    )
    (place / "store").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(place), capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_what_a_program_printed(place: Path, go: Callable[..., Done]) -> None:
    (place / "train.py").write_text(
        """
import sys, autotrack
print("epoch\\t1")
with autotrack.start_run("a"):
    print("\\x1b[31mlate\\x1b[0m\\x1b[2J", file=sys.stderr)
    print("token hf_" + "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC2dF4h")
"""
    )
    assert go("run", "train.py").returncode == 0
    told = go("runs", "console")
    assert (told.stdout, told.stderr) == ("epoch\t1\ntoken ***\n", "late\\x1b[2J\n")
    assert go("runs", "console", "--stream", "stderr").stdout == "late\\x1b[2J\n"
    pieces = json.loads(go("runs", "console", "--json").stdout)
    assert {piece["stream"] for piece in pieces} == {"stdout", "stderr"}
