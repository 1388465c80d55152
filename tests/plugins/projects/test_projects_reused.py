"""A step stands for another only where nothing that decides what it does can be another; else the run says why."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from autotrack_projects.reusing import variables_of
from autotrack_projects.running import run_project

import autotrack

STEP = """
import sys
sys.path.insert(0, "../common")
{body}
import autotrack
autotrack.log_metric("loss", {loss})
"""


@pytest.fixture
def step(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project ``step`` and a folder ``common`` beside it, in one repository."""
    folder = tmp_path / "repository" / "step"
    (folder.parent / "common").mkdir(parents=True)
    (folder / "data").mkdir(parents=True)
    for name, text in {
        "step/data/a.txt": "1",
        "step/data/data.txt": "2\n1\n",
        "step/t.sh": "exec python t.py",
        "common/feats.py": "K = 100.0\n",
        "common/conf.yaml": "50.0\n",
    }.items():
        (folder.parent / name).write_text(text)
    monkeypatch.chdir(folder.parent)
    return folder


def write(step: Path, body: str, loss: str, command: str = "python t.py") -> None:
    (step / "t.py").write_text(STEP.format(body=body, loss=loss))
    (step / "MLproject").write_text(json.dumps({"name": "st", "entry_points": {"main": {"command": command}}}))
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run([*git, "init", "-q", str(step.parent)], check=True)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "all of it"], check=True)


def run(reused: bool, why: str | None = None) -> None:
    said: list[str] = []
    with autotrack.start_run("flow"):
        started = run_project("step", env="local", shown=False, progress=said.append)
    assert (type(started).__name__ == "ReusedRun") is reused, said
    again = started.run.tags.get("autotrack.project.again") if not reused else None
    assert (again is None) is (why is None), again
    if why is not None:
        assert why in again and any(why in line for line in said)


CHANGES = {
    "source": ("import feats", "feats.K", "common/feats.py", "K = 1.0\n", "feats.py, which it imported, is another"),
    "executed": (
        "exec(open('../common/feats.py').read())", "K", "common/feats.py", "K = 1.0\n",
        "feats.py, which it read, is another",
    ),
    "settings": (
        "text = open('../common/conf.yaml').read()", "float(text)", "common/conf.yaml", "3.0",
        "conf.yaml, which it read, is another",
    ),
    "data": (
        "text = open('data/a.txt').read()", "float(text)", "step/data/a.txt", "3.0", "a.txt, which it read, is another",
    ),
    "listing": (
        "import glob; found = glob.glob('data/*.txt')", "len(found)", "step/data/b.txt", "",
        "data, which it looked through, came or went",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", CHANGES)
def test_what_it_reads_is_another(step: Path, what: str) -> None:
    body, loss, changed, text, why = CHANGES[what]
    write(step, body, loss)
    run(reused=False)
    run(reused=True)
    (step.parent / changed).write_text(text)
    run(reused=False, why=why)
    run(reused=True)


def test_variables(step: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(step, "import os; size = os.environ.get('SIZE', '1')", "float(size)")
    run(reused=False)
    monkeypatch.setenv("SIZE", "7")
    run(reused=False, why="variables of its environment were others")
    assert autotrack.search_runs("metrics.loss = 7")
    monkeypatch.setenv("COLUMNS", "77")  # of a terminal
    run(reused=True)
    assert variables_of({"A": "1", "PWD": "/a", "B": "2"}, ["B"]) == variables_of({"A": "1", "_AUTOTRACK_X": "/a"})
    assert variables_of({"A": "1"}) != variables_of({"A": "2"}) and "1" not in {variables_of({"A": "1"})}


UNSEEN = {
    "shell": ("", "1", "sort -n data/data.txt > out.txt && python t.py", "more than a program of Python"),
    "script": ("", "1", "bash t.sh", "more than a program of Python"),
    "program": (
        "import subprocess; subprocess.run(['sort', 'data/data.txt'])", "1", "python t.py", "it started sort, and what",
    ),
    "thread": (
        "from concurrent.futures import ThreadPoolExecutor as P; import subprocess\n"
        "with P() as p: p.submit(subprocess.run, ['sort', 'data/data.txt'])", "1", "python t.py", "it started sort",
    ),
    "system": ("import os; os.system('sort data/data.txt')", "1", "python t.py", "it started sort, and what that read"),
    "fork": (
        "import multiprocessing as m\nwith m.get_context('fork').Pool(1) as p: p.map(len, ['data/data.txt'])", "1",
        "python t.py", "it had worker processes",
    ),
    "spawn": (
        "import multiprocessing as m\nif __name__ == '__main__':\n    p = m.get_context('spawn').Process(target=print);"
        "p.start(); p.join()", "1", "python t.py", "it had worker processes",
    ),
    "network": (
        "import socket\ntry: socket.getaddrinfo('data.example.invalid', 80)\nexcept OSError: pass", "1", "python t.py",
        "the program asked for data.example.invalid",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", UNSEEN)
def test_what_nobody_saw_is_run_again(step: Path, what: str) -> None:
    body, loss, command, why = UNSEEN[what]
    write(step, body, loss, command)
    run(reused=False)
    run(reused=False, why=why)


def test_what_libraries_ask_about_the_machine_is_no_doubt(step: Path) -> None:
    write(
        step,
        "import os, tempfile, platform; platform.platform(); platform.processor(); tempfile.gettempdir(); import feats",
        "feats.K",
    )
    run(reused=False)
    run(reused=True)
