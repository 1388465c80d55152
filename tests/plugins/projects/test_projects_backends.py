"""A backend of somebody else's has what it needs; a project's time is over; what a program does to its launcher."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import autotrack
from autotrack.core.errors import ProjectError, UsageError
from autotrack.core.plugins.registry import plugins
from autotrack.plugin import hookimpl

PROJECT = {
    "name": "p",
    "entry_points": {
        "main": {"parameters": {"data": "path", "x": "string"}, "command": "python show.py {data} {x}"},
        "forever": {"command": "python forever.py"},
    },
}
SHOW = """
import json, os, sys
import autotrack
autotrack.log_metric("rmse", 0.5)
data = open(sys.argv[1]).read()
print(json.dumps([data, os.fsencode(sys.argv[2]).hex(), os.getcwd(), os.environ.get("JOB_NUMBER")]), flush=True)
"""
FOREVER = """
import os, pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
pathlib.Path("part").write_text(str(child.pid))
os.replace("part", "started")
time.sleep(600)
"""


@pytest.fixture
def project(store: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / ".git").mkdir(parents=True)
    (folder / "MLproject").write_text(json.dumps(PROJECT))
    for name, text in (("show.py", SHOW), ("forever.py", FOREVER), ("data.csv", "1,2"), (".git/large", "x")):
        (folder / name).write_text(text)
    (folder / "out.py").symlink_to(tmp_path / "secret")
    (tmp_path / "secret").write_text("s")
    return folder


class Elsewhere:
    """Starts jobs in a folder of their own, as a cluster that has only what travels."""

    def __init__(self, place: Path, **how: Any) -> None:
        self.place, self.how = place, how

    @hookimpl(optionalhook=True)
    def submit_project(self, backend: str, job: Any) -> Any:
        if backend != "elsewhere":
            return None
        self.files = job.files_to_start_it(**self.how)
        for name, content in self.files.items():
            (self.place / name).write_bytes(content)
        self.done = subprocess.run(
            [sys.executable, str(self.place / "start.py")],
            env={**os.environ, "JOB_NUMBER": "7", "OTHER": "x"},
            cwd="/",
            capture_output=True,
            timeout=100,
        )
        job.keep_output([self.done.stdout])
        self.job = "seven"
        return self

    def wait(self) -> int:
        return self.done.returncode

    poll = wait

    def cancel(self) -> None:
        pass


@pytest.mark.parametrize("how", ["travelling", "in place"])
def test_a_job_is_files_that_start_it(project: Path, tmp_path: Path, how: str) -> None:
    place = tmp_path / "there"
    place.mkdir()
    backend = Elsewhere(place) if how == "travelling" else Elsewhere(place, keeping=("JOB_",))
    plugins().register(backend, "elsewhere")
    value = "$(touch pwned)\n'\"\udcff"
    try:
        given = {"data": project / "data.csv", "x": value}
        run = autotrack.run_project(str(project), "main", given, backend="elsewhere").run
    finally:
        plugins().unregister("elsewhere")
    console = Path(run.artifact_uri, "project/console.txt").read_text()
    folder = place / "project" if how == "travelling" else project
    assert json.loads(console) == ["1,2", os.fsencode(value).hex(), str(folder), "7"]
    found = autotrack.get_run(run.id)
    assert found.tags["autotrack.project.job"] == "seven" and found.metrics["rmse"] == 0.5
    assert found.params["x"] == "$(touch pwned)\n'\"\\udcff"  # no Unicode, so its bytes are spelled
    assert not list(tmp_path.rglob("pwned*"))
    if how == "travelling":
        there = {path.name for path in folder.iterdir()} - {"__pycache__"}
        assert there == {"MLproject", "show.py", "forever.py", "data.csv"}  # no history, nothing from outside
        variables = json.loads(backend.files["job.json"])["variables"]
        assert "HOME" not in variables and "AUTOTRACK_RUN" in variables
    else:
        assert set(backend.files) == {"start.py", "job.json"}


@pytest.mark.parametrize("shown", [True, False])
def test_a_project_whose_time_is_over_is_ended_with_what_it_started(project: Path, shown: bool) -> None:
    if shown:
        line = [sys.executable, "-m", "autotrack", "run", str(project), "-e", "forever", "--timeout", "3"]
        done = subprocess.run(line, capture_output=True, text=True, timeout=100)
        assert done.returncode == 124 and "its 3 seconds were over" in done.stderr, done.stderr
    else:
        started = autotrack.run_project(str(project), "forever", timeout=3, synchronous=False)
        assert not started.wait() and started.get_status() == "KILLED"
    (run,) = autotrack.search_runs()
    assert str(run.status) == "KILLED" and run.tags["autotrack.project.timeout"] == "ended after 3 s"
    if (project / "started").exists():  # on a very slow machine its time was over before
        child = int((project / "started").read_text())
        deadline = time.monotonic() + 20
        while Path(f"/proc/{child}").exists() and "\tZ" not in Path(f"/proc/{child}/status").read_text():
            assert time.monotonic() < deadline, "what it started goes on"
            time.sleep(0.02)


def test_times_that_cannot_be_meant(project: Path) -> None:
    for seconds in (0, -1, float("nan"), float("inf")):
        with pytest.raises(UsageError, match="timeout must be a number of seconds above 0"):
            autotrack.run_project(str(project), "forever", timeout=seconds)


def test_a_container_without_docker_says_so(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "MLproject").write_text(json.dumps({**PROJECT, "docker_env": {"image": "python:3.11"}}))
    monkeypatch.setenv("PATH", str(project))
    with pytest.raises(ProjectError, match="neither docker nor podman is installed here; install one, or run it with"):
        autotrack.run_project(str(project), "forever")


def test_output_that_cannot_be_kept_is_still_taken(tmp_path: Path) -> None:
    """A disk that is full, or a folder that is gone, does not hold up the program that writes."""
    from autotrack_projects.output import keep

    taken = []

    def blocks() -> Any:
        for at in range(50):
            taken.append(at)
            yield b"x" * 100_000

    for file in (Path("/dev/full"), tmp_path / "nowhere" / "console.txt"):
        taken.clear()
        try:
            keep(blocks(), file, False)
        except OSError:
            pytest.fail(f"{file}: the program would stand still")
        assert len(taken) == 50
