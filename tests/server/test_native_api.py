"""``/api/v1`` over HTTP, read with the module that autotrack's own client reads it with."""

from __future__ import annotations

import math
import random
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest
from server_process import ServerProcess

from autotrack.core.entities import Columns, Experiment, MetricSummary, RunRecord, Status
from autotrack.core.wire import COLUMNS, columns_unpacked, decoded
from autotrack.server.v1.sampling import sampled


def run_in(server: ServerProcess, experiment: str = "default", **more: Any) -> str:
    """The id of a new run."""
    made = server.post("/api/v1/runs", {"experiment": experiment, **more})
    assert made.status == 201, made.text
    return decoded(RunRecord, made.json()).id


def points(server: ServerProcess, run: str, key: str, **query: Any) -> tuple[Columns, dict[str, Any]]:
    answer = server.get(f"/api/v1/runs/{run}/series?{urlencode({'key': key, **query})}")
    assert (answer.status, answer.headers["content-type"]) == (200, COLUMNS), answer.text
    return columns_unpacked(answer.content)


def search(server: ServerProcess, **query: Any) -> tuple[list[RunRecord], str | None]:
    answer = server.get(f"/api/v1/runs?{urlencode(query, doseq=True)}")
    assert answer.status == 200, answer.text
    return [decoded(RunRecord, run) for run in answer.json()["runs"]], answer.json()["next_page_token"]


def test_what_is_logged_comes_back(server: ServerProcess) -> None:
    run = run_in(server, "values", name="näme\u2028", params={"lr": "0.1", "empty": ""}, tags={"a": "b"})
    values = [1, 2.5, "NaN", 2**60 + 1, "-Infinity", 5e-324]
    log = {
        "params": {"long": "x" * 9000},
        "tags": {"note": "\U0001f600"},
        "untag": ["a"],
        "metrics": [
            {"key": "a/b c", "values": values, "steps": [0, 1, 2, 3, 4, 2**63 - 1], "timestamps": [7000] * 6},
            {"key": "plain", "values": [0.5]},
        ],
    }
    assert server.post(f"/api/v1/runs/{run}/log", log).json() == {}
    record = decoded(RunRecord, server.get(f"/api/v1/runs/{run[:12]}").json())
    assert (record.name, record.status) == ("näme\u2028", Status.RUNNING)
    assert record.params == {"lr": "0.1", "empty": "", "long": "x" * 9000}
    assert record.tags == {"note": "\U0001f600"}
    columns, about = points(server, run, "a/b c")
    assert about["of"] == 6
    assert repr(columns.values.tolist()) == repr([1.0, 2.5, math.nan, 2**60 + 1, -math.inf, 5e-324])
    assert (columns.steps[-1], columns.timestamps[0]) == (2**63 - 1, 7000)
    listed = server.get(f"/api/v1/runs/{run}/series?key=a/b%20c", headers={"Accept": "application/json"}).json()
    assert listed["values"] == [1.0, 2.5, "NaN", 2**60 + 1, "-Infinity", 5e-324]
    summaries = [decoded(MetricSummary, each) for each in server.get(f"/api/v1/runs/{run}/metrics").json()["metrics"]]
    assert [(each.key, each.min, each.count) for each in summaries] == [("a/b c", -math.inf, 6), ("plain", 0.5, 1)]
    ended = server.post(f"/api/v1/runs/{run}/finish", {"status": "FAILED", "error": "out of\nmemory", "ended": 2**60})
    assert decoded(RunRecord, ended.json()).ended == 2**60


def test_a_client_may_send_again_what_it_made(server: ServerProcess) -> None:
    mine = {"id": "0123456789abcdef" * 2, "experiment": "again", "started": 5, "params": {"a": "1"}}
    assert [server.post("/api/v1/runs", mine).status for _ in range(2)] == [201, 201]
    other = server.post("/api/v1/runs", {**mine, "name": "other"})
    assert (other.status, other.json()["error_code"]) == (409, "RESOURCE_ALREADY_EXISTS")


def test_search_pages_and_lives(server: ServerProcess) -> None:
    runs = [run_in(server, "pages", started=at, params={"at": str(at)}) for at in range(7)]
    found, token = search(server, experiment="pages", max_results=3)
    assert [run.params["at"] for run in found] == ["6", "5", "4"]
    rest, token = search(server, experiment="pages", max_results=3, page_token=token)
    last, none = search(server, experiment="pages", max_results=3, page_token=token)
    assert ([run.id for run in [*rest, *last]], none) == (runs[3::-1], None)
    stolen = server.get(f"/api/v1/runs?{urlencode({'experiment': 'default', 'page_token': token})}")
    assert stolen.status == 422
    ordered, _ = search(server, experiment="pages", order_by="start_time ASC", filter="params.at != '0'", max_results=1)
    assert ordered[0].id == runs[1]
    wrong = server.post("/api/v1/runs/search", {"filter": "params.at ="})
    assert (wrong.status, wrong.json()["error_code"]) == (422, "INVALID_FILTER")
    assert wrong.json()["details"] == {"filter": "params.at =", "position": 11}

    child = run_in(server, "pages", parent=runs[0])
    assert server.request("DELETE", f"/api/v1/runs/{runs[0]}").json() == {"count": 2}
    late = server.post(f"/api/v1/runs/{child}/log", {"tags": {"too": "late"}})
    assert (late.status, late.json()["error_code"]) == (409, "RESOURCE_ALREADY_EXISTS")
    assert {run.id for run in search(server, experiment="pages", lifecycle="deleted")[0]} == {runs[0], child}
    assert server.post(f"/api/v1/runs/{runs[0]}/restore").json() == {"count": 2}
    assert [run.id for run in search(server, children_of=runs[0])[0]] == [child]


def test_experiments(server: ServerProcess) -> None:
    made = decoded(Experiment, server.post("/api/v1/experiments", {"name": "a/b", "tags": {"k": "v"}}).json())
    path = f"/api/v1/experiments/{made.id}"
    # An experiment whose name is another one's id: the path means the id.
    server.post("/api/v1/experiments", {"name": made.id})
    assert server.request("PATCH", path, {"name": "c"}).json()["name"] == "c"
    assert server.request("DELETE", path).json()["lifecycle"] == "deleted"
    assert [each["id"] for each in server.get("/api/v1/experiments?lifecycle=deleted").json()["experiments"]] == [
        made.id
    ]
    assert server.post("/api/v1/runs", {"experiment": "c"}).status == 409
    assert decoded(Experiment, server.post(f"{path}/restore").json()).tags == {"k": "v"}
    assert server.get("/api/v1/experiments?name=c").json()["experiments"][0]["id"] == made.id
    assert server.get("/api/v1/experiments/none").status == 404


def test_answers_across_runs(server: ServerProcess) -> None:
    a, b = (run_in(server, "answers", params={"lr": value}) for value in ("0.1", "0.2"))
    found = server.get(f"/api/v1/diff?a={a[:10]}&b={b}").json()
    assert [fact["what"] for section in found["sections"] for fact in section["facts"]] == ["lr"]
    assert server.get(f"/api/v1/lineage?subject={a}").json()["subject"] == [f"run:{a}"]
    # No file of the server's machine is looked at.
    assert server.get(f"/api/v1/lineage?subject={__file__}").status == 404
    assert server.get("/api/v1/sessions/none").status == 404
    assert server.post("/api/v1/files/search", {}).status == 422
    assert server.post("/api/v1/files/search", {"path": "train.csv"}).json() == {"files": []}
    assert server.post("/api/v1/runs/with", {"datasets": ["x"]}).json() == {"runs": []}


def test_a_chart_keeps_every_extreme(server: ServerProcess) -> None:
    random.seed(4)
    count, spikes = 20_000, {137: 1e9, 138: -1e9, 19_999: 3e9, 5_000: math.nan, 7_777: math.inf}
    values = [spikes.get(at, random.random()) for at in range(count)]
    run = run_in(server, "charts")
    words = ["NaN" if math.isnan(each) else "Infinity" if math.isinf(each) else each for each in values]
    logged = {"metrics": [{"key": "loss", "values": words, "steps": list(range(count))}]}
    assert server.post(f"/api/v1/runs/{run}/log", logged).status == 200
    chart, about = points(server, run, "loss", points=100)
    assert about["of"] == count
    assert 200 <= len(chart.steps) <= 303
    assert spikes.keys() <= set(chart.steps.tolist())
    assert sorted(chart.steps.tolist()) == chart.steps.tolist()
    assert chart.steps[0] == 0
    for part in range(100):
        whole = [each for each in values[part * 200 : (part + 1) * 200] if not math.isnan(each)]
        shown = {value for step, value in zip(chart.steps, chart.values, strict=True) if step // 200 == part}
        assert {min(whole), max(whole)} <= shown
    near, about = points(server, run, "loss", start=5000, end=5010, points=100)
    assert (about["of"], near.steps.tolist()) == (11, list(range(5000, 5011)))


@pytest.mark.parametrize("x", ["step", "time"])
@pytest.mark.parametrize(
    ("steps", "values"),
    [
        (np.array([-(2**63), *range(100), 2**63 - 1]), np.arange(102.0)),
        (np.zeros(102, np.int64), np.arange(102)),
        (np.arange(102), np.array([2**60 + at % 7 for at in range(102)])),
        (np.arange(102), np.array([2**60, *([0.5] * 100), -1], object)),
        (np.arange(102), np.full(102, np.nan)),
    ],
)
def test_charts_of_odd_series(steps: np.ndarray[Any, Any], values: np.ndarray[Any, Any], x: Any) -> None:
    whole = Columns(steps, np.arange(102)[::-1].copy(), values)
    chart = sampled(whole, 10, x)
    assert 2 <= len(chart.steps) <= 32
    if not all(np.isnan(float(each)) for each in values):
        assert {min(values), max(values)} <= set(chart.values.tolist())
    assert chart.steps[0] == steps[0] and chart.steps[-1] == steps[-1]
