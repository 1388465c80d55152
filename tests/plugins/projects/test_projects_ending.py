"""How a project's program ends, and what it leaves: signals, forks, detached processes, a full disk, other machines."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from autotrack_projects import following

import autotrack
from autotrack.core.errors import ProjectError
from autotrack.core.plugins.registry import plugins
from autotrack.plugin import hookimpl

PROJECT = {
    "name": "p",
    "entry_points": {
        name: {"command": f"python {name}.py"}
        for name in ("forever", "leaves", "forks", "fills", "killed", "step", "waits")
    },
}
FILES = {
    # Its children: one in a session of its own, and one that nobody is the parent of any more. It says so in a line.
    "forever": """
import os, subprocess, sys, time
sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
one = subprocess.Popen(sleep, start_new_session=True)
orphan = "import subprocess as s, sys; print(s.Popen(sys.argv[1:], start_new_session=True, stdout=s.DEVNULL).pid)"
two = subprocess.check_output([sys.executable, "-c", orphan, *sleep], text=True)
print(os.getpid(), one.pid, two.strip())
time.sleep(600)
""",
    # What it leaves behind has its output, and goes on.
    "leaves": """
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
print(child.pid, flush=True)
os.write(1, b"x" * 3_000_000 + b" the end\\n")
""",
    "forks": """
import os
import autotrack
autotrack.log_metric("parent", 1)
children = []
for at in range(3):
    child = os.fork()
    if child == 0:
        os.write(1, b"child\\n")
        if at == 1:
            os.kill(os.getpid(), 9)
        raise SystemExit(7)
    children.append(child)
for child in children:
    os.waitpid(child, 0)
autotrack.log_metric("after", 1)
""",
    "fills": """
import os
import autotrack
autotrack.log_metric("before", 1)
with open("large", "wb", buffering=0) as file:
    try:
        while file.write(bytes(1 << 16)):
            pass
    except OSError as error:
        print(error.strerror, flush=True)
for at in range(1000):
    autotrack.log_metric("at", at, step=at)
raise SystemExit(5)
""",
    "killed": "import os; os.kill(os.getpid(), 9)",
    "step": "print('done')",
    "waits": """
import os, time
with open("pid.part", "w") as file:
    file.write(str(os.getpid()))
os.rename("pid.part", "pid")
time.sleep(600)
""",
}


@pytest.fixture
def project(store: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "MLproject").write_text(json.dumps(PROJECT))
    for name, text in FILES.items():
        (folder / f"{name}.py").write_text(text)
    return folder


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "autotrack", "run", *words]


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def wait_until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_launcher_that_is_ended_ends_all_of_it(
    project: Path, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scheduler, a CI, a terminal that closes: the program, what it detached, and the run; and it says so."""
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    process = subprocess.Popen(
        command(str(project), "-e", "forever"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    pids = [int(word) for word in process.stdout.readline().split()]  # a line comes when it is written, not at the end
    assert len(pids) == 3 and not any(map(is_gone, pids))
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert all(map(is_gone, pids))
    assert "is KILLED" in said and "Traceback" not in said
    (run,) = autotrack.search_runs()
    assert str(run.status) == "KILLED"


def test_what_a_program_leaves_behind_holds_nobody_up(project: Path) -> None:
    """Its output is kept to the end though somebody could still write, and that one goes on."""
    started = autotrack.run_project(str(project), "leaves", synchronous=False)
    assert started.wait() and started.get_status() == "FINISHED"
    text = Path(started.run.artifact_uri, "project/console.txt").read_text()
    left = int(text.split("\n", 1)[0])
    try:
        assert not is_gone(left)
        assert text.endswith("x the end\n") and "bytes left out" in text
        started.cancel()  # of what has ended, nothing is ended
        assert started.get_status() == "FINISHED" and not is_gone(left)
    finally:
        os.kill(left, signal.SIGKILL)


def test_what_nobody_waited_for_ends_with_who_started_it(project: Path, tmp_path: Path) -> None:
    """Not with a fork of that process."""
    workflow = tmp_path / "workflow.py"
    workflow.write_text(
        f"""
import os, time
import autotrack
started = autotrack.run_project({str(project)!r}, "waits", synchronous=False)
while not os.path.exists({str(project / "pid")!r}):
    time.sleep(0.02)
if os.fork() == 0:
    raise SystemExit
os.wait()
print(started.get_status())
"""
    )
    done = subprocess.run([sys.executable, str(workflow)], capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stdout) == (0, "RUNNING\n"), done.stderr
    assert is_gone(int((project / "pid").read_text()))
    (run,) = autotrack.search_runs()
    assert str(run.status) == "KILLED"


def test_forks_are_not_the_run(project: Path) -> None:
    run = autotrack.run_project(str(project), "forks").run
    assert str(run.status) == "FINISHED" and dict(autotrack.get_run(run.id).metrics) == {"parent": 1, "after": 1}
    assert Path(run.artifact_uri, "project/console.txt").read_text() == "child\n" * 3


def test_a_program_that_is_killed_says_by_what(project: Path) -> None:
    with pytest.raises(ProjectError, match="p was ended by SIGKILL, as where memory runs out; `autotrack runs show"):
        autotrack.run_project(str(project), "killed")
    done = subprocess.run(command(str(project), "-e", "killed"), capture_output=True, text=True, timeout=100)
    assert done.returncode == 128 + signal.SIGKILL
    assert done.stderr.endswith("is KILLED (SIGKILL, as where memory runs out)\n")


def test_a_program_that_fills_the_disk(project: Path, tmp_path: Path) -> None:
    """The disk of its folder and of the store: it gets its own error, its exit code is the answer, its points are kept;
    and the next one runs on the full disk."""
    place = tmp_path / "disk"
    place.mkdir()
    if subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "none", str(place)], capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    shown = "import autotrack; print([(str(r.status), sorted(r.metrics.items())) for r in autotrack.search_runs()])"
    launch = f"{sys.executable} -m autotrack run p -e fills 2>&1 || echo $?--"
    script = f"""
        mount -t tmpfs -o size=4m none {place} && cp -r {project} {place}/p && cd {place} || exit 1
        {launch}
        {launch}
        rm p/large
        {sys.executable} -m autotrack sync >sync.txt 2>&1
        {sys.executable} -c '{shown}'
    """
    variables = {**os.environ, "AUTOTRACK_TRACKING_URI": f"{place}/.autotrack", "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script], capture_output=True, text=True, timeout=100, env=variables
    )
    first, second, runs = done.stdout.split("--\n")
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert first.startswith("No space left on device\n") and first.endswith("is FAILED (exit code 5)\n5"), first
    assert second.endswith("is FAILED (exit code 5)\n5") and "deliver them with `autotrack sync" in second, second
    assert "Traceback" not in done.stdout
    assert runs == f"{[('FAILED', [('at', 999.0), ('before', 1.0)])] * 2}\n"


DOCKER = """#!/bin/sh
# As docker does: the container is no child of its client, and outlives it.
case $1 in
  run) echo "$4" >"$0.name"; sh -c 'env -i setsid sleep 600 >/dev/null 2>&1 & echo "$!"' >"$0.container"; sleep 600;;
  kill) [ "$2" = "$(cat "$0.name")" ] && kill -9 "$(cat "$0.container")";;
esac
"""


def test_a_container_ends_with_its_client(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "docker").write_text(DOCKER)
    (tools / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    (project / "MLproject").write_text(json.dumps({**PROJECT, "docker_env": {"image": "python:3.11"}}))
    started = autotrack.run_project(str(project), "forever", synchronous=False)
    pids = tools / "docker.container"
    wait_until(lambda: pids.exists() and pids.read_text().endswith("\n"))
    container = int(pids.read_text())
    wait_until(lambda: Path(f"/proc/{container}/comm").read_text() == "sleep\n")  # no shell that is to become one
    started.cancel()
    try:
        wait_until(lambda: is_gone(container), 10)
    finally:
        if not is_gone(container):
            os.kill(container, signal.SIGKILL)
    assert started.get_status() == "KILLED"


@pytest.mark.skipif(shutil.which("docker") is None, reason="no docker here")
def test_docker_itself_understands_what_it_is_told(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a daemon it says so: after it has read its options."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    docker = {"image": "python:3.11", "volumes": ["/tmp:/there:ro"], "environment": [["A", "b c"], "HOME"]}
    (project / "MLproject").write_text(json.dumps({**PROJECT, "docker_env": docker}))
    started = autotrack.run_project(str(project), "step", synchronous=False)
    assert not started.wait() and started.get_status() == "FAILED" and started.exit_code == 125
    said = Path(started.run.artifact_uri, "project/console.txt").read_text()
    assert "Docker daemon" in said or "docker.sock" in said, said


class Engine:
    """Another machine's, as far as a test needs one; what it says is set from outside."""

    def __init__(self) -> None:
        self.code: int | None = None
        self.away = self.tidied = self.stopped = False
        self.started: Any = None

    @hookimpl(optionalhook=True)
    def submit_project(self, backend: str, job: Any) -> Any:
        return job.follow(self, "seven", every=0.02) if backend == "engine" else None

    def look(self) -> int | None:
        if self.away:
            raise ConnectionError("the engine is away")
        return self.code

    def output(self, ended: threading.Event) -> Iterator[bytes]:
        yield b"begun\n"
        ended.wait(60)
        yield b"ended\n"

    def stop(self) -> None:
        self.stopped, self.code = True, 143

    def standing(self) -> str:
        return "PENDING"

    def tidy(self) -> None:
        self.tidied = True


@pytest.fixture
def engine(project: Path) -> Iterator[Engine]:
    found = Engine()
    plugins().register(found, "engine")
    found.started = autotrack.run_project(str(project), "step", backend="engine", synchronous=False)
    yield found
    plugins().unregister("engine")


def test_a_job_elsewhere_is_followed_to_its_end(engine: Engine) -> None:
    started = engine.started
    assert (started.job, started.standing(), started.get_status()) == ("seven", "PENDING", "RUNNING")
    engine.away = True
    assert started.get_status() == "RUNNING"  # nobody gives it up for a moment's silence
    engine.away = False
    engine.code = 3
    assert not started.wait() and (started.exit_code, started.get_status(), engine.tidied) == (3, "FAILED", True)
    assert Path(started.run.artifact_uri, "project/console.txt").read_text() == "begun\nended\n"


def test_a_job_elsewhere_is_stopped(engine: Engine) -> None:
    engine.started.cancel()
    assert engine.stopped and engine.started.exit_code == -signal.SIGTERM  # as a shell says it
    assert engine.started.get_status() == "KILLED"


def test_an_engine_that_is_away_for_long(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    engine.away = True
    monkeypatch.setattr(following, "AWAY", 0.0)
    with pytest.raises(ProjectError, match="nothing was heard of job seven for 0 minutes: the engine is away"):
        engine.started.wait()
    engine.away, engine.code = False, 0
    assert engine.started.wait()
