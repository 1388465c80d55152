"""Three programs in a row, each a real process: `autotrack lineage` connects them, whatever it is asked about."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from autotrack.answers.lineage import trace
from autotrack.answers.subjects import find
from autotrack.client.client import Client

PREPARE = """\
import csv
rows = list(csv.reader(open("raw.csv")))
with open("clean.csv", "w", newline="") as out:
    csv.writer(out).writerows(row for row in rows if "" not in row)
"""
TRAIN = """\
import csv
from sklearn.tree import DecisionTreeClassifier
rows = list(csv.reader(open("clean.csv")))[1:]
X = [[float(value) for value in row[:-1]] for row in rows]
DecisionTreeClassifier(max_depth=2).fit(X, [row[-1] for row in rows])
"""
SCORE = """\
import csv, sys
import autotrack
model = autotrack.load_model(f"runs:/{sys.argv[1]}/model")
rows = list(csv.reader(open("new.csv")))[1:]
answers = model.predict([[float(value) for value in row] for row in rows])
open("scores.csv", "w").write("\\n".join(map(str, answers)))
"""
Ask = Callable[..., str]


@pytest.fixture
def autotrack(store: Path, tmp_path: Path) -> Ask:
    def run(*arguments: str) -> str:
        command = [sys.executable, "-m", "autotrack", *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100)
        assert done.returncode == 0 and done.stderr == "", done.stderr
        return done.stdout

    return run


@pytest.fixture
def pipeline(autotrack: Ask, tmp_path: Path) -> dict[str, str]:
    """The ids of the three programs' runs, by the programs' names."""
    for name, text in (("prepare.py", PREPARE), ("train.py", TRAIN), ("score.py", SCORE)):
        (tmp_path / name).write_text(text)
    (tmp_path / "raw.csv").write_text("a,b,label\n1,2,yes\n3,,no\n" + "4,5,no\n6,1,yes\n" * 10)
    (tmp_path / "new.csv").write_text("a,b\n1,1\n5,5\n")
    autotrack("run", "prepare.py")
    autotrack("run", "train.py")
    autotrack("run", "score.py", Client().search_runs()[0].id)
    return {run.name: run.id for run in Client().search_runs()}


def edges(what: str, folder: Path) -> set[tuple[str, str, str]]:
    """Edges between files, runs and models, by their names."""
    sink = Client().sink
    found = trace(sink, find(sink, what, folder))
    names = {
        id: node.detail.get("name") or Path(node.detail.get("path") or node.detail["uri"]).name
        for id, node in found.nodes.items()
        if node.kind not in ("data", "code")
    }
    return {
        (names[edge.source], edge.how, names[edge.target])
        for edge in found.edges
        if {edge.source, edge.target} <= set(names)
    }


def test_three_programs(pipeline: dict[str, str], autotrack: Ask, store: Path, tmp_path: Path) -> None:
    first = {("raw.csv", "read", "prepare.py"), ("prepare.py", "wrote", "clean.csv")}
    second = {("clean.csv", "read", "DecisionTreeClassifier"), ("DecisionTreeClassifier", "made", "model")}
    third = {("model", "loaded", "score.py"), ("score.py", "wrote", "scores.csv")}
    beside = {("new.csv", "read", "score.py")}
    train = pipeline["DecisionTreeClassifier"]
    (folder,) = store.glob(f"artifacts/*/{train}/model")
    for what in ("raw.csv", "clean.csv", f"runs:/{train}/model", train[:8], str(folder)):
        assert edges(what, tmp_path) == first | second | third, what
    for what in ("scores.csv", pipeline["score.py"]):
        assert edges(what, tmp_path) == first | second | third | beside, what

    said = autotrack("lineage", "scores.csv")
    wanted = ["read file raw.csv", "written by run", "read file clean.csv", "made by run", "loaded model runs:/"]
    places = [said.index(text) for text in (*wanted, "\nfile scores.csv")]
    assert places == sorted(places)
    assert str(tmp_path) not in said  # what lies here is named from here

    # A text leads to what it has made, and what was made to its text.
    said = autotrack("lineage", "train.py")
    assert "part of code train.py  1 file" in said and "made model runs:/" in said
    assert "ran code train.py  1 file" in autotrack("lineage", f"runs:/{train}/model")

    # A model that was loaded is one input, not a folder full of them.
    shown = autotrack("runs", "show", pipeline["score.py"])
    (line,) = [line for line in shown.splitlines() if "/model" in line]
    assert f"runs:/{train}/model" in line

    # A file that has changed since is another one.
    was = hashlib.sha256((tmp_path / "raw.csv").read_bytes()).hexdigest()
    (tmp_path / "raw.csv").write_text("a,b,label\n")
    said = autotrack("lineage", "raw.csv")
    assert "no run here has read or written raw.csv as it is now" in said and f"lineage {was}" in said
    assert edges(was, tmp_path) == first | second | third
    (tmp_path / "raw.csv").unlink()
    assert edges(str(tmp_path / "raw.csv"), tmp_path) == first | second | third
