"""A program under `autotrack run` that makes no run itself gets one, so that what it read and wrote is known."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from autotrack.client.client import Client
from autotrack.core.runs.run import Run

Launch = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def launch(store: Path, tmp_path: Path) -> Launch:
    def run(source: str, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "work.py").write_text(source)
        return subprocess.run(
            [sys.executable, "-m", "autotrack", "run", *options, "work.py"],
            cwd=tmp_path,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run


def only_run() -> Run:
    (run,) = Client().search_runs()
    return run


def test_what_it_read_wrote_and_said_is_kept(launch: Launch, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("1\n")
    done = launch("open('out.csv', 'w').write(open('in.csv').read())\nprint('copied')\n", "-e", "etl", "-t", "team=a")
    assert (done.returncode, done.stdout, done.stderr) == (0, "copied\n", "")
    run = only_run()
    assert (run.name, run.experiment, run.status, run.tags["team"]) == ("work.py", "etl", "FINISHED", "a")
    sink, session = Client().sink, run.session
    assert session is not None
    assert {(Path(file.path).name, file.role) for file in sink.files(sessions=[session])} == {
        ("in.csv", "read"),
        ("out.csv", "written"),
    }
    parts = sink.session(session).parts
    assert {"code", "environment", "arguments"} <= set(parts)
    assert "copied" in str(sink.console(session))
    assert sink.run(run.id).random_state is None  # the one at its start is gone


@pytest.mark.parametrize(
    ("source", "status"),
    [
        ("1 / 0", "FAILED"),
        ("import sys; sys.exit(3)", "FAILED"),
        ("raise KeyboardInterrupt", "KILLED"),
        ("", "FINISHED"),
    ],
)
def test_it_ends_as_the_program_ended(launch: Launch, source: str, status: str) -> None:
    launch(source)
    assert only_run().status == status


@pytest.mark.parametrize(
    "source",
    [
        "import autotrack; autotrack.disable()",
        "import os; os._exit(0)",
        "import os\nif not os.fork():\n    raise SystemExit\nos.wait()\nos._exit(0)\n",
    ],
    ids=["switched off", "no exit handlers", "a forked child alone"],
)
def test_none_is_made(launch: Launch, source: str) -> None:
    assert launch(source).stderr == ""
    assert Client().search_runs() == []


def test_none_is_made_where_tracking_is_off(launch: Launch) -> None:
    assert launch("", AUTOTRACK_ENABLED="0").stderr == ""
    assert Client().search_runs() == []


def test_a_run_of_its_own_is_enough(launch: Launch) -> None:
    launch("import autotrack\nwith autotrack.start_run('mine'):\n    pass\n")
    assert only_run().name == "mine"
