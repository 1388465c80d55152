"""A command line that runs in this process, and a store with runs in it."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from autotrack.cli.main import main
from autotrack.core.journal.writer import JournalWriter

NOW = time.time_ns()


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out, parse_constant=lambda token: pytest.fail(f"{token} is not JSON"))


Autotrack = Callable[..., Answer]


@pytest.fixture
def autotrack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Autotrack]:
    """Runs ``autotrack`` with the arguments; its store is ``tmp_path/.autotrack``."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUTOTRACK_TRACKING_URI", str(tmp_path / ".autotrack"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    hook = sys.excepthook

    def go(*arguments: str) -> Answer:
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        out, err = capsys.readouterr()
        assert isinstance(stop.value.code, int)
        return Answer(stop.value.code, out, err)

    yield go
    sys.excepthook = hook


def start(journal: JournalWriter, run: str, name: str, **given: Any) -> None:
    """Writes the events of a run's beginning."""
    record = {"k": "run_start", "t": NOW, "r": run, "name": name, "experiment": "default", "parent": None}
    record |= {"session": "5" * 32, "user": "ada", "artifact_uri": f"artifacts/exp/{run}"}
    journal.event({**record, "tags": {}, **given})


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """A store of four runs, one with two children and one that failed, as training leaves it: a journal."""
    root = tmp_path / ".autotrack"
    journal = JournalWriter(root / "journal")
    journal.event({"k": "session", "t": NOW, "id": "5" * 32, "argv": ["train.py"], "entry": "train.py", "pid": 1})
    for at, strength in enumerate(("0.1", "1.0")):
        run = f"{at:x}" * 32
        start(journal, run, "LogisticRegression", t=NOW + at)
        journal.event({"k": "params", "t": NOW, "r": run, "params": {"C": strength, "solver": "lbfgs"}})
        series = journal.series(run, "training_score", "f8")
        journal.point(series, 0, 0.9 + at / 100)
        journal.event({"k": "run_end", "t": NOW, "r": run, "status": "FINISHED", "ended": NOW + 10**9, "error": None})
    start(journal, "a" * 32, "search", t=NOW + 10)
    for at in range(2):
        start(journal, f"c{at}" * 16, "candidate", t=NOW + 11 + at, parent="a" * 32)
        journal.event({"k": "run_end", "t": NOW, "r": f"c{at}" * 16, "status": "FINISHED", "ended": NOW + 20})
    losses = journal.series("a" * 32, "loss", "f8")
    for step in range(50):
        journal.point(losses, step, 1 / (step + 1))
    odd = journal.series("a" * 32, "odd", "f8")
    journal.point(odd, 0, float("nan"))
    journal.event(
        {"k": "model", "t": NOW, "r": "a" * 32, "path": "model", "flavor": "sklearn", "class_name": "a.B", "size": 9}
    )
    journal.event({"k": "run_end", "t": NOW, "r": "a" * 32, "status": "FINISHED", "ended": NOW + 10**10, "error": None})
    start(journal, "f" * 32, "broken", t=NOW + 30, experiment="other")
    error = 'Traceback (most recent call last):\n  File "train.py", line 3, in <module>\nValueError: no data'
    journal.event(
        {"k": "run_end", "t": NOW, "r": "f" * 32, "status": "FAILED", "ended": NOW + 40, "error": error, "exit_code": 1}
    )
    journal.close()
    return root
