"""What a log says while a run is made again, where there is no terminal: a line for each stage, as it comes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.rerun import made

#: A program that is made again waits until somebody has heard that it runs.
WAITS = """
    import time, autotrack
    from pathlib import Path
    if Path("{folder}/again").exists():
        until = time.monotonic() + 30
        while not Path("{folder}/heard").exists() and time.monotonic() < until:
            time.sleep(0.01)
    with autotrack.start_run("train") as run:
        run.log_metric("loss", 0.5 + (time.monotonic() > until if "until" in globals() else 0))
"""
LOSS = """
    import sys, autotrack
    with autotrack.start_run("train") as run:
        run.log_metric("loss", float(sys.argv[1]))
"""


@pytest.fixture
def project(store: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


def test_each_stage_of_a_rebuild_is_said_as_it_begins(project: Path, tmp_path: Path) -> None:
    first = made(project, WAITS.format(folder=tmp_path))
    (tmp_path / "again").touch()
    command = [sys.executable, "-m", "autotrack", "rebuild", first.id, "--env", "local", "--json"]
    with subprocess.Popen(command, cwd=project, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        said = [process.stderr.readline().strip() for _ in range(4)]
        (tmp_path / "heard").touch()
        out, rest = process.communicate(timeout=60)
    assert said == [
        "train: preparing the environment",
        "train: putting the code into a fresh folder",
        "train: checking the files that it read",
        "train: running it again",
    ]
    assert rest == "train: comparing what came out\n" and json.loads(out)["verdict"] == "IDENTICAL"


def test_each_trial_of_a_search_is_said_with_what_it_came_to(project: Path) -> None:
    runs = [made(project, LOSS, rate) for rate in ("0.1", "0.3")]
    command = [sys.executable, "-m", "autotrack", "bisect", *(run.id for run in runs), "--env", "local", "--json"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and json.loads(done.stdout)["verdict"] == "CAUSE FOUND", done.stderr
    one, other = (run.id[:8] for run in runs)
    assert done.stderr.splitlines()[:9] == [
        "putting both together",
        "running it as it was",
        f"  0.1, as {one}",
        "running it with argument 1  0.1 → 0.3",
        f"  0.3, as {other}",
        "running it as it was once more",
        f"  0.1, as {one}",
        "running it with argument 1  0.1 → 0.3 once more",
        f"  0.3, as {other}",
    ]
    again = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=60)
    assert f"  0.3, as {other} (made before)" in again.stderr.splitlines()
