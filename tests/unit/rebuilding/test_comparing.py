"""What was made again, held against the original: by the records alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy
import pytest

from autotrack.core.entities import (
    ArtifactRecord,
    Columns,
    DatasetRecord,
    ModelRecord,
    RunRecord,
    Status,
)
from autotrack.rebuilding.comparing import compare_outcomes
from autotrack.rebuilding.outcome import Outcome
from autotrack.rebuilding.verdict import Kind, Verdict
from autotrack.rebuilding.verifying import kind_of

BARE = RunRecord("1" * 32, "a run", "e", "e", Status.FINISHED, 0, params={"rate": "0.1"})
WHOLE = replace(
    BARE,
    models=(ModelRecord("model", "sklearn", "Tree", digest="d" * 64),),
    datasets=(DatasetRecord("X", "train", "d" * 16),),
    metrics={"score": 1.0},
)
FOLDERS = {"/tmp/fresh/files": ""}


class Kept:
    """What a store answers of two runs."""

    def __init__(self, *values: Sequence[float], printed: Sequence[str] = ()) -> None:
        self.values = values
        self.printed = printed

    def metric_history(self, run: str, key: str) -> Columns:
        values = numpy.asarray(self.values[int(run[0]) - 1])
        return Columns(numpy.arange(len(values)), numpy.arange(len(values)), values)

    def console(self, session: str) -> list[tuple[int, str, str]]:
        text = self.printed[int(session) - 1]
        return [(0, "stdout", text)] if text else []


def compared(one: RunRecord, other: RunRecord, kept: Any = None, **more: Any) -> Outcome:
    return compare_outcomes(kept, one, other, 1e-6, FOLDERS, **more)


def differing(one: RunRecord, other: RunRecord) -> tuple[list[str], list[str]]:
    found = compared(one, other)
    return [each.what for each in found.differences], [gap.what.partition(":")[0] for gap in found.left_out]


def test_what_either_has_alone_is_a_difference() -> None:
    named = ["data X (train)", "score", "model model"]
    assert differing(BARE, WHOLE) == (named, []) == differing(WHOLE, BARE)


@pytest.mark.parametrize("parts", [("model",), ("model", "metrics", "datasets")])
def test_what_autotrack_left_out_is_none_and_is_named(parts: tuple[str, ...]) -> None:
    """A model for which there was no time in one of the two says nothing of the program."""
    notes: dict[str, Any] = {"notes": [f"{part} left out: autotrack's own time would pass 5%" for part in parts]}
    spared = replace(BARE, health=notes)
    kinds = {"data X (train)": "datasets", "score": "metrics", "model model": "model"}
    left = [what for what, kind in kinds.items() if kind not in parts]
    assert differing(spared, WHOLE) == (left, list(parts)) == differing(WHOLE, spared)
    whole = replace(WHOLE, datasets=(), metrics={})
    for one, other in ((spared, whole), (whole, spared), (spared, spared)):
        found = compared(one, other)
        assert found.in_part and "1 model" not in found.compared


def test_it_is_identical_in_part_where_a_model_was_left_out_and_says_so() -> None:
    notes = {"notes": ["model left out: autotrack's own time would pass 5%"]}
    found = compared(replace(BARE, metrics={"a": 1.0}, health=notes), replace(BARE, metrics={"a": 1.0}), Kept([1.0]))
    assert kind_of(found) is Kind.PART and Kind.PART.exit_code == 0
    said = str(Verdict(kind_of(found), "1" * 32, "a run", left_out=tuple(found.left_out)))
    assert said.startswith("IDENTICAL IN PART") and "not compared model: left out" in said


def test_a_model_that_could_not_be_saved_is_a_difference() -> None:
    """``model left out`` with an error is no matter of time."""
    failed = replace(WHOLE, models=(), datasets=(), metrics={}, health={"notes": ["model left out: no pickle"]})
    found = compared(replace(WHOLE, datasets=(), metrics={}), failed)
    (difference,) = found.differences
    assert difference.what == "model model" and "no pickle" in difference.text
    assert compared(failed, failed).in_part


def test_models_of_another_call_are_not_compared() -> None:
    one, other = (
        replace(WHOLE, datasets=(), metrics={}, health={"notes": [f"model is as it was after call {n} of 3: no time"]})
        for n in (1, 2)
    )
    found = compared(one, other)
    assert found.in_part and not found.compared[1:] and "earlier call" in found.left_out[0].what


def test_what_goes_in_is_no_outcome() -> None:
    """Params and data that are the same say nothing of what came out."""
    one = replace(BARE, datasets=WHOLE.datasets)
    found = compared(one, one)
    assert found.compared == ["1 params", "1 data set"] and not found.came_out and not found.differences
    assert compared(replace(WHOLE, metrics={}), replace(WHOLE, metrics={})).came_out


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("/data/a.csv", "something else", False),
        ("/data/a.csv", "/data/b.csv", False),
        ("/home/me/a.csv", "/tmp/fresh/files/home/me/a.csv", True),
        ("/tmp/tmpab12cd34/x", "/tmp/tmp0000_abc/x", True),
        ("/tmp/ab12cd34/x", "/tmp/0000_abc/x", False),
    ],
)
def test_a_path_is_a_param_like_another(a: str, b: str, same: bool) -> None:
    found = compared(replace(BARE, params={"data": a}), replace(BARE, params={"data": b}))
    assert (not found.differences) is same


def test_only_params_that_both_have_are_counted() -> None:
    one = replace(BARE, params={"lr": "0.1"}, tags={"autotrack.project": "p"})
    found = compared(one, replace(BARE, params={}))
    assert not found.compared and not found.differences
    assert "lr: given to the project" in found.left_out[0].what


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("MemoryError: out of memory", "PermissionError: out of memory", False),
        ("ValueError: a\nsecond", "ValueError: a\nother", False),
        ("ValueError: one\nlast", "TypeError: two\nlast", False),
        ("ValueError: in /home/me/a.py", "ValueError: in /tmp/fresh/files/home/me/a.py", True),
        ("ValueError: <object at 0x7f01>", "ValueError: <object at 0x7f02>", True),
    ],
)
def test_two_that_failed_failed_of_the_same(a: str, b: str, same: bool) -> None:
    trace = 'Traceback (most recent call last):\n  File "t.py", line {}, in <module>\n    raise it\n'
    one, other = (
        replace(BARE, status=Status.FAILED, error=trace.format(line) + text) for line, text in ((1, a), (2, b))
    )
    assert (not compared(one, other).differences) is same
    assert compared(replace(one, exit_code=1), replace(one, exit_code=2)).differences[0].what == "exit code"
    assert compared(one, replace(one, error=None)).differences[0].what == "error"
    launched = replace(one, error=None, exit_code=1, tags={"autotrack.project": "p"})
    assert not compared(launched, replace(one, exit_code=1)).differences


@pytest.mark.parametrize("key", ["rmse_ms", "mean_survival_time", "duration", "seconds", "time"])
def test_what_only_sounds_like_time_is_compared(key: str) -> None:
    one = replace(BARE, metrics={key: 1.0})
    found = compared(one, replace(one, id="2" * 32), Kept([1.0], [2.0]))
    assert [each.what for each in found.differences] == [key] and f"--leave-out {key}" in found.differences[0].text
    left = compared(one, replace(one, id="2" * 32), Kept([1.0], [2.0]), leave_out=[key])
    assert not left.differences and left.left_out[0].what == f"{key}: how long something took" and not left.came_out


def test_what_libraries_log_of_time_is_named() -> None:
    one = replace(BARE, metrics={"fit_seconds": 1.0, "Ridge_2.mean_fit_time": 1.0, "eval_runtime": 3.0, "loss": 0.5})
    found = compared(one, replace(one, id="2" * 32), Kept([0.5], [0.5]))
    assert found.left_out[0].what == "Ridge_2.mean_fit_time, eval_runtime, fit_seconds: how long something took"
    assert found.compared[-1] == "1 points of metrics" and kind_of(found) is Kind.IDENTICAL


@pytest.mark.parametrize(
    ("a", "b"), [([0.0], [-0.0]), ([2**53 + 1], [2**53]), ([1.0, float("nan")], [1.0, 2.0]), ([1.0], [1.0 + 2**-52])]
)
def test_points_are_compared_to_the_bit(a: list[float], b: list[float]) -> None:
    one, other = replace(BARE, metrics={"m": 1.0}), replace(BARE, id="2" * 32, metrics={"m": 1.0})
    assert compared(one, other, Kept(a, b)).differences
    assert not compared(one, other, Kept(a, a)).differences


def test_pictures_with_other_bytes_are_named_and_missing_ones_differ() -> None:
    one = replace(BARE, artifacts=(ArtifactRecord("a.png", 1, "a" * 64), ArtifactRecord("b.svg", 1, "b" * 64)))
    other = replace(BARE, artifacts=(ArtifactRecord("a.png", 1, "a" * 64), ArtifactRecord("b.svg", 1, "c" * 64)))

    found = compared(one, other, SimpleNamespace(artifacts=SimpleNamespace(open=None)))
    assert found.compared[-1] == "1 artifact" and found.left_out[0].what.startswith("b.svg: ")
    assert [each.what for each in compared(one, BARE).differences] == ["artifact a.png", "artifact b.svg"]


def test_output_is_what_counts_where_nothing_else_came_out() -> None:
    one, other = replace(BARE, session="1"), replace(BARE, session="2")
    printed = Kept(printed=["at /home/me\n0.5\n", "at /tmp/fresh/files/home/me\n0.25\n"])
    found = compared(one, other, printed)
    assert [each.what for each in found.differences] == ["output, line 2"]
    model = replace(WHOLE, metrics={}, datasets=())
    found = compared(replace(model, session="1"), replace(model, session="2"), printed)
    assert not found.differences and "output, line 2 (0.5 → 0.25)" in found.left_out[-1].what
    found = compared(one, replace(other, session="1"), printed)
    assert found.came_out and found.compared[-1] == "2 lines of output"
    found = compared(one, other, Kept(printed=["", "0.5\n"]))
    assert not found.came_out and "nothing was kept" in found.left_out[-1].what
    assert compared(one, other, Kept(printed=["0.5\n", ""])).differences
