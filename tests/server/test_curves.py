"""Lines as pages draw them: no extreme is lost, averages are those of all points, the bytes are as written."""

from __future__ import annotations

import json
import math
import random
import struct
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as some
from server_process import ServerProcess

from autotrack.core.entities import Columns
from autotrack.server.v1.drawing import line, smoothed


def ask(server: ServerProcess, **query: Any) -> list[dict[str, Any]]:
    """The lines of an answer, read as docs/server-api.md says."""
    answer = server.get(f"/api/v1/series?{urlencode(query)}")
    assert answer.status == 200, answer.text
    assert answer.headers["content-type"] == "application/x-autotrack-curves"
    (length,) = struct.unpack_from("<I", answer.content)
    head = json.loads(answer.content[4 : 4 + length])
    assert head["format"] == 1 and (4 + length) % 8 == 0
    lines, body = [], answer.content[4 + length :]
    for each in head["series"]:
        for name in ("x", "y", "lo", "hi") if each["n"] or not each.get("missing") else ():
            kind, at = "f8" if name == "x" else each["y"], each[f"offset_{name}"]
            assert at % 8 == 0
            each[f"<{name}>"] = np.frombuffer(body, f"<{kind}", each["n"], at)
        lines.append(each)
    return lines


@pytest.fixture(scope="module")
def run(server: ServerProcess) -> str:
    """A run with a spike at step 5003 of ``spiky``, ``holes`` with no numbers, ``large`` and 3 points of ``few``."""
    pick = random.Random(1)
    spiky = [pick.random() for _ in range(10_000)]
    spiky[5003] = 99.0
    holes: list[Any] = [float(n) for n in range(1, 5001)]
    holes[700], holes[1400], holes[1401] = "NaN", "Infinity", "-Infinity"
    made: str = server.post("/api/v1/runs", {"experiment": "curves"}).json()["id"]
    second = 10**9
    metrics = [
        {"key": "spiky", "values": spiky},
        {"key": "holes", "values": holes},
        {"key": "large", "values": [2**40 + n for n in range(10)]},
        {"key": "few", "values": [3.0, 0.0, -1.0], "timestamps": [50 * second, 51 * second, 53 * second]},
    ]
    for each in metrics:
        each["steps"] = list(range(len(each["values"])))
    assert server.post(f"/api/v1/runs/{made}/log", {"metrics": metrics}).status == 200
    return made


def test_no_spike_is_lost_and_a_part_is_all_there(server: ServerProcess, run: str) -> None:
    whole, holes = ask(server, runs=run[:12], keys="spiky,m.holes", px=400)
    assert (whole["run"], whole["of"], whole["whole"], whole["y"]) == (run, 10_000, False, "f4")
    assert whole["n"] <= 4 * 400
    at = int(whole["<y>"].argmax())
    assert (whole["<x>"][at], whole["<y>"][at], whole["<hi>"][at], whole["max"]) == (5003, 99, 99, 99)
    assert (whole["<x>"][0], whole["<x>"][-1]) == (0, 9999)
    (part,) = ask(server, runs=run, keys="spiky", px=400, **{"from": 5000, "to": 5010})
    assert (part["n"], part["of"], part["whole"], part["<x>"].tolist()) == (11, 11, True, [*range(5000, 5011)])
    # What is no number is where it was, and extremes are those of numbers.
    bad = {int(x): y for x, y in zip(holes["<x>"], holes["<y>"].tolist(), strict=True) if not math.isfinite(y)}
    assert repr(bad) == repr({700: math.nan, 1400: math.inf, 1401: -math.inf})
    assert [holes[name] for name in ("nan", "inf", "ninf", "max")] == [1, 1, 1, 5000]
    assert np.isfinite(holes["<hi>"]).all()


def test_what_a_chart_needs_besides(server: ServerProcess, run: str) -> None:
    large, few, none = ask(server, runs=run, keys="large,few,none", x="rel")
    assert large["y"] == "f8" and large["<y>"].tolist() == [2**40 + n for n in range(10)]
    assert (few["<x>"].tolist(), few["non_positive"], few["began"]) == ([0, 1, 3], 2, 50)
    assert (none["missing"], none["n"]) == (True, 0)
    (timed,) = ask(server, runs=run, keys="few", x="time")
    assert timed["<x>"].tolist() == [50, 51, 53]
    spelled = server.get(f"/api/v1/series?runs={run}&keys=few,holes&px=0", headers={"Accept": "application/json"})
    assert spelled.json()["series"][0]["y"] == [3, 0, -1] and spelled.json()["series"][1]["y"][700] == "NaN"
    for wrong in (
        {"runs": run, "keys": ""},
        {"runs": "f" * 32, "keys": "a"},
        {"runs": run, "keys": "a", "after": "1,2"},
    ):
        assert server.get(f"/api/v1/series?{urlencode(wrong)}").status in (404, 422), wrong


def test_only_what_is_new(server: ServerProcess) -> None:
    run = server.post("/api/v1/runs", {"experiment": "curves"}).json()["id"]
    steps, have = list(range(400)), 0
    steps[200:] = range(300, 500)
    sent = 0
    for count in (1, 1, 40, 0, 350, 8):
        some_steps = steps[sent : sent + count]
        metrics = [{"key": "a", "values": [step / 2 for step in some_steps], "steps": some_steps}]
        if count:
            server.post(f"/api/v1/runs/{run}/log", {"metrics": metrics})
        (new,) = ask(server, runs=run, keys="a", after=have)
        assert new["<x>"].tolist() == some_steps and new["<y>"].tolist() == [step / 2 for step in some_steps]
        sent, have = sent + count, new["total"]
        assert have == sent
    # A step that comes late is new all the same; an average goes on as if all were there.
    server.post(f"/api/v1/runs/{run}/log", {"metrics": [{"key": "a", "values": [7, 8], "steps": [250, 600]}]})
    assert ask(server, runs=run, keys="a", after=have)[0]["<x>"].tolist() == [250, 600]
    whole, cut = (ask(server, runs=run, keys="a", px=0, smooth=0.9, after=after)[0] for after in (0, have + 1))
    assert cut["<x>"].tolist() == [600] and cut["<y>"][0] == whole["<y>"][-1]


numbers = some.floats(-1e6, 1e6) | some.sampled_from([math.nan, math.inf, -math.inf])


@example([float(n % 11) for n in range(300)], 0.98)
@given(some.lists(numbers, max_size=300), some.floats(0, 0.999))
def test_averages(values: list[float], weight: float) -> None:
    mean, count, wanted = 0.0, 0, []
    for value in values:
        if math.isfinite(value):
            mean, count = weight * mean + (1 - weight) * value, count + 1
            wanted.append(mean / (1 - weight**count))
        else:
            wanted.append(value)
    np.testing.assert_allclose(smoothed(np.array(values, np.float64), weight), wanted, rtol=1e-9, atol=1e-6)


@given(some.lists(numbers, min_size=1, max_size=400), some.integers(1, 40), some.randoms())
def test_what_is_kept(values: list[float], pixels: int, pick: Any) -> None:
    steps = np.array(sorted(pick.randrange(1000) for _ in values), np.int64)
    points = Columns(steps, np.zeros(len(values), np.int64), np.array(values, np.float64))
    drawn = line(points, "step", 0, None, None, pixels, 0)
    there = list(zip(steps.tolist(), map(repr, values), strict=True))
    kept = list(zip(drawn.x.tolist(), map(repr, drawn.y.tolist()), strict=True))
    assert set(kept) <= set(there) and (kept[0], kept[-1]) == (there[0], there[-1])
    assert len(kept) <= (7 * pixels if len(values) > 4 * pixels else len(values))
    finite = [value for value in values if math.isfinite(value)]
    if finite:
        assert (np.nanmin(drawn.y[np.isfinite(drawn.y)]), np.nanmax(drawn.y[np.isfinite(drawn.y)])) == (
            min(finite),
            max(finite),
        )
    inside = np.isfinite(drawn.y)
    assert (drawn.low[inside] <= drawn.y[inside]).all() and (drawn.y[inside] <= drawn.high[inside]).all()
    assert {kind for _, kind in kept if kind in ("nan", "inf", "-inf")} == {
        kind for _, kind in there if kind in ("nan", "inf", "-inf")
    }
