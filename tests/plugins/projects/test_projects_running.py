"""A project is run as its own environment, parameters and commit say, and one run has all that its program did."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

import autotrack
from autotrack.core.errors import ProjectError, UsageError
from tests.unit.environments.wheels import put_wheel

TRAIN = """
import os, sys
import lower
import autotrack
print("with lower", lower.VERSION, *sys.argv[1:], flush=True)
autotrack.log_metric("rmse", float(sys.argv[1]))
if float(sys.argv[1]) < 0:
    raise SystemExit(3)
"""
PROJECT = """
name: wine
python_env: python_env.yaml
entry_points:
  main:
    parameters: {alpha: float, l1: {type: float, default: 0.1}}
    command: "python train.py {alpha} {l1}"
  workflow: {command: "python workflow.py"}
  forever: {command: "python forever.py"}
  loud: {command: "python loud.py"}
"""
WORKFLOW = """
import autotrack
with autotrack.start_run():
    first = autotrack.run_project(".", "main", {"alpha": 1})
    second = autotrack.run_project(".", "main", {"alpha": first.run.metrics["rmse"] + 1}, synchronous=False)
    assert second.wait()
"""
FOREVER = """
import os, pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
pathlib.Path("started").write_text(str(child.pid))
time.sleep(600)
"""


@pytest.fixture
def project(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose environment is built from a wheel, without an index."""
    put_wheel(tmp_path / "wheels", "lower", "2.0")
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    monkeypatch.setenv("AUTOTRACK_ENVIRONMENTS", str(tmp_path / "cache" / "environments"))
    folder = tmp_path / "project"
    folder.mkdir()
    files = {"MLproject": PROJECT, "train.py": TRAIN, "workflow.py": WORKFLOW, "forever.py": FOREVER}
    files["loud.py"] = "import os\nfor _ in range(100):\n    os.write(1, b'x' * 999_999 + b'\\n')\n"
    for name, text in files.items():
        (folder / name).write_text(text)
    (folder / "python_env.yaml").write_text("dependencies: [lower]\n")
    return folder


def command(*words: str, **options: object) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "autotrack", "run", *words]
    return subprocess.run(line, capture_output=True, text=True, timeout=100, **options)  # type: ignore[call-overload]


def wait_for(path: Path, seconds: float = 60.0) -> str:
    deadline = time.monotonic() + seconds
    while not (path.exists() and path.read_text()):
        assert time.monotonic() < deadline, f"{path} never came"
        time.sleep(0.02)
    return path.read_text()


def is_gone(pid: int, seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


def test_one_run_has_all_of_it(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = command(str(project), "-P", "alpha=0.5", "-P", "extra=a b", "--experiment", "e", "-n", "mine", "-t", "k=v")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "with lower 2.0 0.5 0.1 --extra a b\n"
    assert "building an environment" in done.stderr and "is FINISHED" in done.stderr
    (run,) = autotrack.search_runs()
    assert (run.name, run.experiment, str(run.status)) == ("mine", "e", "FINISHED")
    assert dict(run.params) == {"alpha": "0.5", "l1": "0.1", "extra": "a b"} and dict(run.metrics) == {"rmse": 0.5}
    tags = dict(run.tags)
    assert (
        tags.items()
        >= {
            "autotrack.project": "wine",
            "autotrack.project.exit_code": "0",
            "k": "v",
            "mlflow.project.entryPoint": "main",
            "mlflow.project.env": "venv",
            "mlflow.source.name": str(project),
            "mlflow.source.type": "PROJECT",
        }.items()
    )
    files = {record.path: Path(run.artifact_uri, record.path) for record in run.artifacts}
    assert files["project/console.txt"].read_text() == done.stdout
    lock = json.loads(files["project/environment.lock.json"].read_text())
    assert [record["name"] for record in lock["distributions"]] == ["lower"]
    session = run._sink_of().session(run._view().session)
    assert session.data["entry"] == str(project / "train.py")
    assert set(session.parts["code"]["sources"]) == {"train.py"}  # nothing of autotrack's own
    again = command(str(project), "-P", "alpha=-1")
    assert again.returncode == 3 and "building" not in again.stderr  # the environment is there, and shared
    assert str(autotrack.last_run().status) == "FAILED"


def test_steps_of_a_workflow_are_its_children(project: Path) -> None:
    (project / "python_env.yaml").unlink()
    (project / "MLproject").write_text(PROJECT.replace("python_env: python_env.yaml\n", ""))
    (project / "lower.py").write_text("VERSION = 'own'\n")
    done = command(".", "-e", "workflow", cwd=project)
    assert done.returncode == 0, done.stderr
    runs = {run.id: run for run in autotrack.search_runs()}
    (outer,) = [run for run in runs.values() if run.name == "wine/workflow"]
    steps = [run for run in runs.values() if run.name == "wine/main"]
    assert sorted(run.metrics["rmse"] for run in steps) == [1, 2] and len(runs) == 3
    assert {run.parent.id for run in steps} == {outer.id}
    assert {run.tags["mlflow.parentRunId"] for run in steps} == {outer.id}


def test_failures_and_what_cannot_be_run(project: Path) -> None:
    with pytest.raises(ProjectError, match=r"wine ended with exit code 3; `autotrack runs show"):
        autotrack.run_project(str(project), "main", {"alpha": -1}, experiment="e")
    assert autotrack.active_run() is None
    with pytest.raises(UsageError, match=r"needs the parameter alpha, which was not given; add -P alpha="):
        autotrack.run_project(str(project))
    with pytest.raises(UsageError, match="no plugin runs projects on 'mars'"):
        autotrack.run_project(str(project), parameters={"alpha": 1}, backend="mars")
    runs = autotrack.search_runs()
    assert [str(run.status) for run in runs] == ["FAILED", "FAILED"]
    for words, code, says in (
        (("nowhere", "-P", "a=b"), 2, "cannot run nowhere"),
        ((str(project), "-e", "nothing"), 2, "there are: main, workflow"),
        ((str(project), "-P", "alpha"), 2, "expected KEY=VALUE"),
        ((str(project), "-P", "alpha=1", "-P", "alpha=2"), 2, "given twice"),
        ((str(project), "-P", "alpha=1", "--env", "mars"), 2, "no environment manager 'mars'"),
        ((str(project), "-P", "alpha=1", "--backend-config", "{"), 2, "not valid JSON"),
    ):
        done = command(*words)
        assert done.returncode == code and says in done.stderr, (words, done.stderr)
        assert "Traceback" not in done.stderr
    assert "Examples:\n" in command(str(project), "--help").stdout


@pytest.mark.parametrize("how", ["cancel", "SIGINT", "SIGKILL"])
def test_a_project_that_is_ended(project: Path, how: str) -> None:
    (project / "MLproject").write_text(PROJECT.replace("python_env: python_env.yaml\n", ""))
    (project / "python_env.yaml").unlink()
    if how == "cancel":
        started = autotrack.run_project(str(project), "forever", synchronous=False)
        child = int(wait_for(project / "started"))
        assert started.get_status() == "RUNNING"
        started.cancel()
        assert started.get_status() == "KILLED" and is_gone(child)
    else:
        line = [sys.executable, "-m", "autotrack", "run", str(project), "-e", "forever"]
        process = subprocess.Popen(line, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        child = int(wait_for(project / "started"))
        # A terminal's Ctrl-C goes to all in the group; a kill of the launcher leaves its program, which is ended here.
        os.killpg(process.pid, getattr(signal, how))
        process.communicate(timeout=60)
        assert process.returncode == (130 if how == "SIGINT" else -signal.SIGKILL) and is_gone(child)
    autotrack.search_runs()  # takes in what died
    expected = ("KILLED", "CRASHED") if how == "SIGKILL" else ("KILLED",)
    assert str(autotrack.last_run().status) in expected


def memory(field: str = "VmRSS") -> int:
    """KiB of this process."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field))
    return int(line.split()[1])


def test_a_flood_of_output_is_kept_in_part(project: Path) -> None:
    (project / "MLproject").write_text(PROJECT.replace("python_env: python_env.yaml\n", ""))
    (project / "python_env.yaml").unlink()
    Path("/proc/self/clear_refs").write_text("5")  # the most memory is counted from here on
    before = memory()
    started = autotrack.run_project(str(project), "loud", synchronous=False)
    assert started.wait()
    assert memory("VmHWM") - before < 40 << 10  # of 100 MB, in KiB
    kept = Path(started.run.artifact_uri, "project/console.txt")
    text = kept.read_text()
    assert 2 << 20 <= len(text) < (2 << 20) + 200 and "bytes left out" in text


def test_a_grid_runs_each_combination(project: Path) -> None:
    done = command(str(project), "-P", "alpha=1,2,-1", "-P", "l1=0.1,0.2", "--grid", "-j", "3")
    assert done.returncode == 1 and "2 of 6 runs failed" in done.stderr, done.stderr
    runs = autotrack.search_runs()
    (outer,) = [run for run in runs if run.parent is None]
    points = {(run.params["alpha"], run.params["l1"], str(run.status)) for run in runs if run.id != outer.id}
    assert points == {
        (alpha, l1, "FAILED" if alpha == "-1" else "FINISHED") for alpha in ("1", "2", "-1") for l1 in ("0.1", "0.2")
    }
    assert {run.parent.id for run in runs if run.id != outer.id} == {outer.id} and str(outer.status) == "FAILED"
    assert all(text in done.stdout for text in ("alpha", "FINISHED", "FAILED"))


def test_a_grid_is_not_rebuilt_but_its_runs(project: Path) -> None:
    assert command(str(project), "-P", "alpha=1,2", "--grid").returncode == 0
    (outer,) = autotrack.search_runs("tags.`autotrack.grid` = 'true'")
    verdict = autotrack.rebuild(outer.id)
    assert not verdict and "holds those of a grid together" in verdict.problems[0].what


def test_many_at_once_from_one_program(project: Path) -> None:
    """The runs of threads do not join one another, and their environment is built once."""
    started: list[object] = []

    def one(alpha: int) -> None:
        started.append(autotrack.run_project(str(project), "main", {"alpha": alpha}, synchronous=False).wait())

    threads = [threading.Thread(target=one, args=(alpha,)) for alpha in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert started == [True] * 4
    runs = autotrack.search_runs()
    assert sorted(run.metrics["rmse"] for run in runs) == [0, 1, 2, 3] and all(run.parent is None for run in runs)


def test_scripts_are_scripts_as_before(project: Path, tmp_path: Path) -> None:
    script = tmp_path / "own.py"
    script.write_text(textwrap.dedent("import sys\nprint(sys.argv[1:])\n"))
    done = command("-e", "churn", str(script), "-P", "a=b", "--grid")
    assert done.stdout == "['-P', 'a=b', '--grid']\n", done.stderr
    assert autotrack.last_run().experiment == "churn"
