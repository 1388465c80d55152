"""Runs of another tool are kept as exactly, and as carefully, as runs of our own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from autotrack.core.entities import Columns
from autotrack.core.errors import UsageError
from autotrack.core.runs import foreign
from autotrack.core.runs.foreign import ForeignRun, take_in
from autotrack.core.runs.writing import MAX_NOTES
from autotrack.store.store import Store

TOKEN = "ghp_" + "a1B2" * 9
WIDE = 2**53 + 1


def a_run(**details: Any) -> ForeignRun:
    return ForeignRun("a" * 32, details.pop("name", "n"), "e", 1, 2, "all of it", **details)


def columns(values: Any, steps: Any = None) -> Columns:
    count = np.arange(len(values), dtype=np.int64)
    return Columns(count if steps is None else np.array(steps), count, np.array(values))


def test_numbers_come_back_exactly(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign, "_MOST_POINTS", 2)
    mixed = np.array([0.5, WIDE, -(2**63), 1.5, 2.5, WIDE + 2], dtype=object)
    metrics = {
        "floats": columns([0.5, float("nan"), 1e300]),
        "small": columns([1, 2, 3]),
        "wide": columns([WIDE, -WIDE, 2**63 - 1]),
        "mixed": columns(mixed, [0, 1, 2, 3, 4, 4]),
        "narrow": columns(np.array([0.1], dtype=np.float32)),
    }
    assert take_in(store, a_run(metrics=metrics)) and not take_in(store, a_run(metrics=metrics))
    found = {key: store.metric_history("a", key).values.tolist() for key in metrics}
    assert str(found.pop("floats")) == "[0.5, nan, 1e+300]"
    assert found == {
        "small": [1.0, 2.0, 3.0],
        "wide": [WIDE, -WIDE, 2**63 - 1],
        "mixed": mixed.tolist(),
        "narrow": [float(np.float32(0.1))],
    }
    assert [type(value) for value in found["mixed"]] == [float, int, int, float, float, int]
    assert store.run("a").metrics["mixed"] == WIDE + 2  # of two at one step, the one that came later


def test_an_import_that_was_interrupted_goes_on_at_any_turn(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    mixed = np.array([0.5, WIDE, 1.5, WIDE + 2], dtype=object)
    run = a_run(metrics={"first": columns([1.0]), "mixed": columns(mixed, [0, 1, 2, 3])})
    real, calls = Store.apply, 0

    def failing(self: Store, *arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls % 2 == 0:
            raise KeyboardInterrupt
        return real(self, *arguments, **named)

    monkeypatch.setattr(Store, "apply", failing)
    for _ in range(20):
        try:
            assert take_in(store, run)
            break
        except KeyboardInterrupt:
            continue
    assert calls > 5 and store.metric_history("a", "mixed").values.tolist() == mixed.tolist()
    assert store.run("a").status == "FINISHED"


def test_texts_are_those_that_a_run_of_ours_would_have(store: Store) -> None:
    texts = {"plain": "x", "nul": "a\0b", "half": "\ud800", "it": f"uses {TOKEN}", "api_key": "hunter2"}
    notes = [f"note {number} {TOKEN}" for number in range(MAX_NOTES)]
    take_in(store, a_run(name=f"of {TOKEN}", tags=texts, params=texts, notes=notes))
    run = store.run("a")
    expected = {"plain": "x", "nul": "a\\x00b", "half": "\\ud800", "it": "uses ***", "api_key": "***"}
    assert run.tags == run.params == expected and run.name == "of ***"
    assert TOKEN not in str(run)
    assert run.health["notes"][0] == "note 0 ***"
    assert len(run.health["notes"]) == MAX_NOTES and run.health["notes_left_out"] == 4


@pytest.mark.parametrize(
    ("details", "said"),
    [
        ({"metrics": {"m": columns(np.array([1.0, 2**64], dtype=object), [0, 1])}}, "metric 'm'.*step 1.*64 bits"),
        (
            {"metrics": {"m": columns([1.0], np.array([2**63], dtype=np.uint64))}},
            "metric 'm'.*step 9223372036854775808",
        ),
        ({"metrics": {"m\0": columns([1.0])}}, "metric's key"),
        ({"tags": {"": "x"}}, "tag's key"),
        ({"params": {"p\ud800": "x"}}, "param's key"),
        ({"name": ""}, "run's name"),
    ],
)
def test_what_cannot_be_kept_is_refused_before_anything_is_stored(
    store: Store, details: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        take_in(store, a_run(files={"a.txt": b"content"}, **details))
    assert store.runs() == [] and not [path for path in (store.root / "artifacts").rglob("*") if path.is_file()]
