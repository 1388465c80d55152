"""Change one label in a data file and one line of code: `autotrack diff` names exactly those two."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sklearn.datasets import load_breast_cancer

TRAIN = """\
import argparse
import csv
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

parser = argparse.ArgumentParser()
parser.add_argument("--C", type=float, default=1.0)
options = parser.parse_args()
rows = list(csv.reader(open("data.csv")))[1:]
X = [[float(value) for value in row[:-1]] for row in rows]
y = [int(row[-1]) for row in rows]
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
model = LogisticRegression(C=options.C, solver="lbfgs", max_iter=500).fit(X_train, y_train)
print(model.score(X_test, y_test))
"""
Ask = Callable[..., str]


@pytest.fixture(params=["git", "no git"])
def project(request: pytest.FixtureRequest, store: Path, tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    (root / "train.py").write_text(TRAIN)
    data, labels = load_breast_cancer(return_X_y=True)
    lines = [
        ",".join([*(f"{value:.4f}" for value in row[:3]), str(label)]) for row, label in zip(data, labels, strict=True)
    ]
    (root / "data.csv").write_text("\n".join(["radius,texture,perimeter,label", *lines, ""]))
    if request.param == "git":
        names = {f"GIT_{who}_{what}": "a@b.c" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "all"]):
            subprocess.run(["git", *command], cwd=root, env=os.environ | names, check=True)
    return root


@pytest.fixture
def autotrack(project: Path) -> Ask:
    def run(*arguments: str) -> str:
        command = [sys.executable, "-m", "autotrack", *arguments]
        done = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=100)
        assert done.returncode == 0 and done.stderr == "", done.stderr
        return done.stdout

    return run


def change(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert text.count(before) == 1
    path.write_text(text.replace(before, after))


def flip_a_label(project: Path) -> None:
    path = project / "data.csv"
    lines = path.read_text().splitlines()
    lines[1] = lines[1][:-1] + str(1 - int(lines[1][-1]))
    path.write_text("\n".join([*lines, ""]))


def differences(autotrack: Ask) -> dict[str, Any]:
    second, first = (run["id"] for run in json.loads(autotrack("runs", "list", "--json")))
    found: dict[str, Any] = json.loads(autotrack("diff", first, second, "--json"))
    return found


def causes(found: dict[str, Any]) -> dict[str, list[str]]:
    """What `diff` says made the difference: {section: what of it}."""
    facts = (
        (section["name"], fact)
        for section in found["sections"]
        if section["role"] == "cause"
        for fact in section["facts"]
    )
    named: dict[str, list[str]] = {}
    for name, fact in facts:
        named.setdefault(name, []).append(fact["what"])
    return named


def test_one_label_and_one_line(project: Path, autotrack: Ask) -> None:
    autotrack("run", "train.py")
    flip_a_label(project)
    change(project / "train.py", "max_iter=500", "max_iter=600")
    autotrack("run", "train.py")
    found = differences(autotrack)
    assert causes(found) == {"code": ["train.py"], "data": ["y_train (train target)"]}
    (code,), (data,) = (section["facts"] for section in found["sections"] if section["role"] == "cause")
    assert [line for line in code["lines"] if line[0] in "+-"] == [
        '-model = LogisticRegression(C=options.C, solver="lbfgs", max_iter=500).fit(X_train, y_train)',
        '+model = LogisticRegression(C=options.C, solver="lbfgs", max_iter=600).fit(X_train, y_train)',
    ]
    ((start, stop),) = data["detail"]["difference"]["rows_changed"]
    assert stop == start + 1
    assert data["detail"]["file"]["path"] == "data.csv"
    if (project / ".git").exists():  # the file is tracked: its lines are known, too
        assert [line[0] for line in data["lines"] if line[0] in "+-"] == ["-", "+"]
    followed = {section["name"]: [fact["what"] for fact in section["facts"]] for section in found["sections"]}
    assert followed["params"] == ["max_iter"]  # and it says that it follows from the code
    assert "training_accuracy_score" in followed["metrics"] or "training_log_loss" in followed["metrics"]


def test_nothing(project: Path, autotrack: Ask) -> None:
    autotrack("run", "train.py")
    autotrack("run", "train.py")
    assert causes(differences(autotrack)) == {}


def test_an_argument(project: Path, autotrack: Ask) -> None:
    autotrack("run", "train.py")
    autotrack("run", "train.py", "--C", "0.5")
    assert causes(differences(autotrack)) == {"arguments": ["C"]}
