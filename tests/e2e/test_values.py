"""R15 to R18: what comes back is what was logged."""

from __future__ import annotations

import json
import math
import struct
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import autotrack

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=300)
KEY = TEXT.filter(lambda text: len(text) >= 1)

VALUES = [
    math.nan, math.inf, -math.inf, 0.0, -0.0, 5e-324, 1.797e308, 2**53 + 1, -(2**63), 2**63 - 1,
    np.float32(0.1), np.float16(0.1), np.array(2.5), np.int64(7), True, Decimal("0.1"),
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_metric_values_to_the_bit(value: float, store: Path) -> None:
    with autotrack.start_run() as run:
        run.log_metric("m", value)
    exact = int(value) if isinstance(value, (int, np.integer)) and abs(int(value)) > 2**53 else float(value)
    back = run.metric_history("m").values[0].item()
    latest = run.metrics["m"]
    for found in (back, latest):
        if isinstance(exact, int):
            assert (found, type(found)) == (exact, int)
        else:
            assert struct.pack("d", found) == struct.pack("d", exact)


@pytest.mark.parametrize("value", ["1.5", None, [1.0], 1j, 2**63, np.zeros(2)], ids=repr)
def test_what_is_no_number_is_refused_with_one_warning(
    value: object, store: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with autotrack.start_run() as run:
        run.log_metric("m", value)  # type: ignore[arg-type]
        run.log_metric("m", value)  # type: ignore[arg-type]
        run.log_metric("good", 1.0)
    assert run.metrics == {"good": 1.0}
    assert run.health["refused_metrics"] == 2
    assert len(caplog.records) == 1


def test_strict_raises(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOTRACK_STRICT", "1")
    from autotrack.core.runs import trackers

    trackers.close_all()
    with autotrack.start_run() as run, pytest.raises(autotrack.AutotrackError, match="one real number"):
        run.log_metric("m", "high")  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [0, 1, 250, 6000, 6001, 65536, 10_000_000])
def test_long_values_are_never_cut(size: int, store: Path) -> None:
    text = "é" * size
    with autotrack.start_run() as run:
        run.log_param("p", text)
        run.set_tag("t", text)
    assert run.params["p"] == text
    assert run.tags["t"] == text


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(params=st.dictionaries(KEY, TEXT, max_size=4), tags=st.dictionaries(KEY, TEXT, max_size=4), metric=KEY, name=KEY)
def test_any_text_comes_back(params: dict[str, str], tags: dict[str, str], metric: str, name: str, store: Path) -> None:
    with autotrack.start_run(name) as run:
        run.log_params(params)
        run.set_tags(tags)
        run.log_metric(metric, 1.0)
    assert run.name == name
    assert run.params == params
    assert run.tags == tags
    assert run.metrics == {metric: 1.0}


TWINS = ["caf\u00e9", "cafe\u0301", "a/b", "a\\b", "%41", "=", "'", '"', "a\nb", "\u202eabc", "\U0001f600", "-1", " "]


def test_twins_stay_apart(store: Path) -> None:
    with autotrack.start_run() as run:
        for number, key in enumerate(TWINS):
            run.log_metric(key, float(number))
            run.log_param(key, number)
    assert run.metrics == {key: float(number) for number, key in enumerate(TWINS)}
    assert run.params == {key: str(number) for number, key in enumerate(TWINS)}


@pytest.mark.parametrize("text", ["a\0b", "a\ud800"])
def test_unfit_text_is_refused_by_name(text: str, store: Path, caplog: pytest.LogCaptureFixture) -> None:
    with autotrack.start_run() as run:
        run.log_param("p", text)
        run.set_tag(text, "t")
        run.log_metric(text, 1.0)
    assert (run.params, run.tags, run.metrics) == ({}, {}, {})
    assert "param 'p'" in caplog.text


def test_steps(store: Path, caplog: pytest.LogCaptureFixture) -> None:
    with autotrack.start_run() as run:
        for step, value in ((5, 1.0), (-1, 2.0), (0, 3.0), (2**63 - 1, 4.0), (5, 5.0)):
            run.log_metric("m", value, step)
        for step in (2**63, 1.5, "7"):
            run.log_metric("m", 9.0, step)  # type: ignore[arg-type]
        for value in (1.0, 2.0, 3.0):
            run.log_metric("auto", value)
    history = run.metric_history("m")
    assert history.steps.tolist() == [-1, 0, 5, 5, 2**63 - 1]
    assert history.values.tolist() == [2.0, 3.0, 1.0, 5.0, 4.0]  # both points at step 5, in the order of arrival
    assert run.metrics["m"] == 4.0
    assert run.metric_history("auto").steps.tolist() == [0, 1, 2]
    assert run.health["refused_metrics"] == 3


def test_the_clock_may_jump(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Order and latest value follow the step and the order of arrival, never the clock."""
    import time

    with autotrack.start_run() as run:
        real = time.time_ns
        for step, shift in enumerate((0, -3600, 365 * 86400)):
            monkeypatch.setattr(time, "time_ns", lambda shift=shift: real() + shift * 10**9)
            run.log_metric("m", float(step), step)
        monkeypatch.setattr(time, "time_ns", lambda: real() - 7200 * 10**9)
    monkeypatch.undo()
    assert run.metric_history("m").values.tolist() == [0.0, 1.0, 2.0]
    assert run.metrics["m"] == 2.0
    assert run.record.ended is not None
    assert run.record.ended >= run.record.started


def test_whole_numbers_are_shown_with_all_their_digits(store: Path) -> None:
    """Whatever they count: as many as a float64 holds, or more, or with floats among them."""
    for n in (12_345_678, 12_345_679):
        with autotrack.start_run() as run:
            for step in range(2):
                run.log_metrics({"tokens": n + step, "id": 2**60 + n + step, "mixed": 2**60 + n if step else 0.5}, step)
    shown = [cli("runs", "show", run.id), cli("diff", *(each.id for each in autotrack.search_runs()[::-1]))]
    ids = [str(2**60 + n) for n in range(12_345_678, 12_345_681)]
    for line in ("tokens             12345680             12345679             12345680     1      2",
                 f"id      {ids[2]}  {ids[1]}  {ids[2]}     1      2",
                 f"mixed   {ids[1]}                  0.5  {ids[1]}     1      2"):  # fmt: skip
        assert line in shown[0], shown[0]
    for line in ("tokens  12345679 → 12345680   +1", f"id      {ids[1]} → {ids[2]}   +1"):
        assert line in shown[1], shown[1]
    summaries = json.loads(cli("runs", "show", run.id, "--json"))
    assert (summaries["metric_summaries"]["id"]["min"], summaries["metric_summaries"]["id"]["max"]) == tuple(
        map(int, ids[1:])
    )


def cli(*words: str) -> str:
    return subprocess.run([sys.executable, "-m", "autotrack", *words], capture_output=True, text=True).stdout
