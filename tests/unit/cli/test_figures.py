"""``autotrack runs figure``: lists, prints and draws the charts of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import autotrack as tracking
from autotrack.core.runs import trackers

ROC = {
    "chart": 1,
    "kind": "lines",
    "title": "ROC curve",
    "x": {"label": "False positive rate"},
    "y": {"label": "True positive rate"},
    "series": [{"name": "class 1", "x": [0, 0.5, 1], "y": [0, 0.9, 1]}],
}
MATRIX = {"chart": 1, "kind": "matrix", "rows": ["cat", "dog"], "columns": ["cat", "dog"], "values": [[41, 1], [0, 57]]}
BARS = {"chart": 1, "kind": "bars", "series": [{"name": "", "x": ["age", "sex"], "y": [0.123456, -0.5]}]}
TREE = {"chart": 1, "kind": "tree", "root": {"name": "Pipeline", "children": [{"name": "Ridge", "detail": "alpha=2"}]}}


@pytest.fixture
def run(autotrack: Any, tmp_path: Path) -> str:
    trackers.close_all()
    with tracking.start_run() as run:
        run.log_chart({"chart": 1, "kind": "several", "charts": {"roc": ROC, "tree": TREE}}, "figures/training")
        run.log_chart(MATRIX, "figures/confusion X")
        run.log_chart(ROC, "figures/roc")
        run.log_chart(BARS, "mine/bars")
        run.log_dict({"chart": 7}, "odd.json")
        run.log_dict({"a": 1}, "other.json")
    found = run.id
    trackers.close_all()
    return found


def test_list(autotrack: Any, run: str) -> None:
    answer = autotrack("runs", "figure", run[:6])
    assert answer.code == 0
    assert answer.out.splitlines()[0].split() == ["chart", "kind", "title"]
    names = {line.split("  ")[0] for line in answer.out.splitlines()[1:]}
    assert names == {"confusion X", "roc", "training/roc", "tree", "mine/bars"}
    assert "odd.json" in answer.err and "other.json" not in answer.err
    assert autotrack("runs", "figure").out == answer.out
    assert set(autotrack("runs", "figure", "--json").json) == names


def test_in_the_terminal(autotrack: Any, run: str) -> None:
    out = autotrack("runs", "figure", run, "confusion X").out
    assert out.split() == ["cat", "dog", "cat", "41", "1", "dog", "0", "57"]
    out = autotrack("runs", "figure", "roc").out
    assert out.startswith("ROC curve\n━ class 1\n") and out.rstrip().endswith("False positive rate")
    out = autotrack("runs", "figure", "mine/bars").out
    assert "0.1235" in out and "-0.5" in out and "0.123456" not in out
    assert autotrack("runs", "figure", "tree").out == "Pipeline\n  Ridge  alpha=2\n"
    assert autotrack("runs", "figure", run, "roc", "--json").json == ROC


def test_pictures(autotrack: Any, run: str, tmp_path: Path) -> None:
    assert autotrack("runs", "figure", run, "roc", "-o", "a.png").out == "a.png\n"
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    autotrack("runs", "figure", run, "roc", "-o", "a.SVG")
    assert b"<svg" in (tmp_path / "a.SVG").read_bytes()
    autotrack("runs", "figure", run, "-o", "all/", "--format", "svg")
    names = {"roc.svg", "training_roc.svg", "tree.svg", "confusion_X.svg", "mine_bars.svg"}
    assert {file.name for file in (tmp_path / "all").iterdir()} == names


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("nothing",), 1, "has no chart 'nothing'; it has "),
        (("roc", "-o", "a.pdf"), 2, "ends with .png or .svg"),
        (("roc", "-o", "a.png", "--format", "svg"), 2, "--format is for folders"),
        (("-o", "a.png"), 2, "name one, or give a folder"),
    ],
)
def test_what_cannot_be_drawn(autotrack: Any, run: str, arguments: tuple[str, ...], code: int, says: str) -> None:
    answer = autotrack("runs", "figure", *arguments)
    assert answer.code == code and says in answer.err and answer.out == ""


def test_a_run_without_charts(autotrack: Any, filled: Path) -> None:
    answer = autotrack("runs", "figure")
    assert (answer.code, answer.out) == (0, "") and "has no charts" in answer.err


def test_what_log_chart_refuses(autotrack: Any, caplog: pytest.LogCaptureFixture) -> None:
    trackers.close_all()
    with tracking.start_run() as run:
        run.log_chart({"kind": "lines"}, "a")
        run.log_chart({**BARS, "series": [{"x": ["a", "b"], "y": [float("nan"), float("inf")]}]}, "b")
    trackers.close_all()
    assert "a chart is a dict with" in caplog.text
    assert [artifact.path for artifact in run.artifacts] == ["b.json"]
    document = autotrack("runs", "figure", run.id, "b", "--json").json
    assert document["series"][0]["y"] == [None, None]
    trackers.close_all()
