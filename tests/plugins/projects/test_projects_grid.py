"""What a person sees of a grid at its end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import autotrack

PROJECT = """
name: wine
entry_points:
  main:
    parameters: {lr: float, note: {type: string, default: none}}
    command: "python train.py {lr} {note}"
"""
TRAIN = """
import sys
import autotrack
if sys.argv[2].startswith("loss"):
    autotrack.log_metrics({"val_loss": float(sys.argv[1]) / 4, "fit_seconds": 3.0, "system/cpu": 1.0})
raise SystemExit(3 if sys.argv[1] == "0.01" else 0)
"""


@pytest.fixture
def project(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "MLproject").write_text(PROJECT)
    (folder / "train.py").write_text(TRAIN)
    monkeypatch.chdir(folder)
    return folder


def grid(*words: str) -> tuple[list[list[str]], str]:
    """The table, cell by cell, as it comes through a pipe; and what stands on standard error."""
    command = [sys.executable, "-m", "autotrack", "run", ".", "--env", "local", "--grid", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, env={**os.environ, "COLUMNS": "40"})
    return [line.split() for line in done.stdout.splitlines()], done.stderr


def test_without_a_metric_there_is_no_column_of_it(project: Path) -> None:
    (titles, *lines), said = grid("-P", "lr=0.1,0.01", "-P", f"note={'n' * 60}")
    assert titles == ["run", "lr", "note", "status", "seconds"]
    assert [line[1:4] for line in lines] == [["0.1", "n" * 60, "FINISHED"], ["0.01", "n" * 60, "FAILED"]]
    (outer,) = [run for run in autotrack.search_runs() if run.parent is None]
    assert outer.name == "project/main grid" and f"children of run {outer.id[:8]}" in said
    command = [sys.executable, "-m", "autotrack", "runs", "show", outer.id]
    shown = subprocess.run(command, capture_output=True, text=True).stdout
    table = [line.split() for line in shown.partition("children (")[2].splitlines()[1:]]
    assert table[0] == ["run", "name", "status", "took", "lr"]
    seen = [[line[0], line[1], *line[3:4], line[-1]] for line in table[1:3]]
    assert seen == [[lines[0][0], "wine/main", "finished", "0.1"], [lines[1][0], "wine/main", "failed", "0.01"]]


def test_the_metric_that_matters_has_a_column_and_values_are_text(project: Path) -> None:
    (titles, *lines), _ = grid("-P", "lr=0.4,0.2", "-P", "note=loss[red]")
    assert titles == ["run", "lr", "note", "val_loss", "status", "seconds"]
    assert [line[1:5] for line in lines] == [
        ["0.4", "loss[red]", "0.1", "FINISHED"], ["0.2", "loss[red]", "0.05", "FINISHED"],
    ]  # fmt: skip
