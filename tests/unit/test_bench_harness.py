"""The benchmarks' own arithmetic: a missed promise must read as missed."""

from __future__ import annotations

import json
from importlib import import_module

import pytest

from tests.bench.__main__ import SUBJECTS, table
from tests.bench.harness import Row, added, child, interleaved, quantile, spelled


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        (Row("time", 0.5e-6, "s", 1e-6), "met, 0.50 of it"),
        (Row("time", 2e-6, "s", 1e-6), "MISSED, 2.0 times"),
        (Row("speed", 2e6, "points/s", 1e6, more_is_better=True), "met, 0.50 of it"),
        (Row("speed", 0.5e6, "points/s", 1e6, more_is_better=True), "MISSED, 2.0 times"),
        (Row("speed", 0.0, "points/s", 1e6, more_is_better=True), "MISSED"),
        (Row("lost", 0.0, "points", 0), "met"),
        (Row("lost", 1.0, "points", 0), "MISSED"),
    ],
)
def test_verdicts(row: Row, verdict: str) -> None:
    assert row.verdict == verdict
    assert row.met == verdict.startswith("met")
    document = json.loads(json.dumps(row.to_json(), allow_nan=False))
    assert document["met"] == row.met


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1.5e-6, "s", "1.5 us"),
        (0.0123, "s", "12.3 ms"),
        (2.0, "s", "2 s"),
        (4e-7, "s", "400 ns"),
        (1.23e6, "points/s", "1.23 M/s"),
        (9.5, "B", "9.5 B"),
        (3.0, "", "3"),
        (None, "s", ""),
    ],
)
def test_numbers_as_a_person_reads_them(value: float | None, unit: str, text: str) -> None:
    assert spelled(value, unit) == text


def test_statistics() -> None:
    assert added([1.0, 5.0, 1.0], [2.0, 6.0, 9.0]) == 1.0
    assert quantile([3.0, 1.0, 2.0], 0.99) == 3.0
    order: list[str] = []
    interleaved(2, lambda: order.append("a") or 0.0, lambda: order.append("b") or 0.0)
    assert order == ["a", "b", "a", "b"]


def test_a_child_tells_its_cpu_time_and_its_failure() -> None:
    burnt = child("import time\nwhile time.process_time() < 0.2: pass\nprint('[1]')")
    assert burnt.cpu >= 0.2
    assert burnt.json == [1]
    with pytest.raises(RuntimeError, match="no such thing"):
        child("raise SystemExit('no such thing')")


def test_the_table_counts_what_is_kept() -> None:
    rows = [Row("a", 1.0, "s", 2.0, 0.5, "bare").to_json(), Row("b", 3.0, "s", 2.0).to_json()]
    lines = table(rows).splitlines()
    assert lines[-1] == "1 of 2 promises are kept"
    assert "MISSED, 1.5 times" in lines[3]


def test_every_subject_has_its_module() -> None:
    for subject in SUBJECTS:
        assert callable(import_module(f"tests.bench.{subject}").rows)
