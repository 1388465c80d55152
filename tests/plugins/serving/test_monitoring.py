"""What production says of a model: how far its inputs have moved, how good it turned out to be."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas
import pytest
from autotrack_serving.counting import Counts
from autotrack_serving.monitoring import drift as drifting
from autotrack_serving.monitoring.drift import Drift
from autotrack_serving.monitoring.drift import drift_of as watching
from autotrack_serving.monitoring.ledger import Ledger
from autotrack_serving.monitoring.reference import Reference
from autotrack_serving.monitoring.reporting import Reporter, recorders_of
from autotrack_serving.monitoring.watching import Watch
from autotrack_serving.observing import Observation
from autotrack_serving.report import Report
from autotrack_serving.request import Request
from autotrack_serving.rows import Rows, whole
from autotrack_serving.scorer import Scorer, load

import autotrack
from autotrack.core.fingerprint.sketches import SHARES
from autotrack.core.plugins import registry as loaded
from autotrack.models.profile import column_profiles
from autotrack.plugin import ColumnProfile, UsageError, hookimpl
from tests.plugins.serving.conftest import Kept
from tests.plugins.serving.observed import seen
from tests.plugins.serving.served import Served


def drift_of(training: np.ndarray, values: np.ndarray) -> dict[str, float]:
    quantiles = tuple(np.quantile(training, SHARES))
    drift = watching(ColumnProfile("x", 0.0, quantiles, SHARES, float(training.min()), float(training.max())))
    for part in np.array_split(values, 7):
        drift.add(part)
    return drift.measures()


def test_drift_is_small_where_nothing_moved_and_large_where_all_did() -> None:
    stream = np.random.default_rng(2)
    training = stream.normal(size=20_000)
    same = drift_of(training, stream.normal(size=5_000))
    assert same["psi"] < 0.01 and same["ks"] < 0.03 and same["outside"] < 0.01 and same["missing"] == 0
    moved = drift_of(training, stream.normal(1.0, size=5_000))
    # Of two normal distributions a standard deviation apart: psi is 1 in the limit of fine bins, ks is 0.383.
    assert 0.7 < moved["psi"] < 1.0 and moved["ks"] == pytest.approx(0.383, abs=0.03)
    gaps = drift_of(training, np.where(stream.random(5_000) < 0.25, np.nan, stream.normal(size=5_000)))
    assert gaps["missing"] == pytest.approx(0.25, abs=0.03) and gaps["psi"] < 0.01
    assert drift_of(training, np.full(100, 1e9))["outside"] == 1.0


def kinds_of(training: list[object], values: list[list[object]], named: bool = True) -> tuple[dict[str, float], Drift]:
    (column,) = column_profiles({"x": training})
    drift = watching(column, named=named)
    for part in values:
        drift.add(np.array(part, object))
    return drift.measures(), drift


def test_kinds_move_too_and_what_was_never_seen_is_named() -> None:
    training = ["Oslo"] * 50 + ["Rome"] * 30 + ["Lima"] * 20
    same, drift = kinds_of(training, [["Oslo"] * 50 + ["Rome"] * 30, ["Lima"] * 20])
    assert same == {"psi": pytest.approx(0.0), "missing": 0.0, "unseen": 0.0} and not drift.names
    moved, _ = kinds_of(training, [["Oslo"] * 20 + ["Rome"] * 30 + ["Lima"] * 50])
    # The sum of (p - q) ln(p / q): 0.3 ln 2.5 + 0 + 0.3 ln 2.5.
    assert moved["psi"] == pytest.approx(0.6 * np.log(2.5))
    new, drift = kinds_of(training, [["Oslo"] * 60 + [None] * 20, [f"town {at:02} " + "x" * 99 for at in range(80)]])
    assert new["unseen"] == pytest.approx(40 / 70) and new["missing"] == 10 / 80 and new["psi"] > 1
    assert len(drift.names) == 5 and drift.names[0].startswith("town 00") and max(map(len, drift.names)) == 40
    _, drift = kinds_of(training, [["Paris"] * 20], named=False)
    assert drift.names == []
    few, _ = kinds_of(training, [["Oslo"] * 30])
    assert "psi" not in few  # chance alone would make a shift of so few rows
    numbers, drift = kinds_of([0, 1, 2] * 30, [[0, 1, 1.0, True, 7, float("nan")]])
    assert (
        numbers["unseen"] == pytest.approx(0.2) and drift.names == ["7"] and numbers["missing"] == pytest.approx(1 / 6)
    )
    many, _ = kinds_of([f"often {at % 4}" for at in range(4000)] + [f"n{at}" for at in range(200)], [["n300", "n301"]])
    assert "unseen" not in many  # not all that training saw is known
    sampled = watching(ColumnProfile("town", values=(("Oslo", 0.5), ("Rome", 0.5)), others=3 / 4096))
    sampled.add(["Oslo"] * 9_999 + ["Vardo"])
    assert sampled.measures()["unseen"] == 0.0 and not sampled.names, "a sample may have missed it"
    sampled.add(["Paris"] * 500)
    assert sampled.measures()["unseen"] == pytest.approx(501 / 10_500 - 3 / 4096) and "Paris" in sampled.names


class Odd:
    """A value that answers no question."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        raise RuntimeError

    __ne__ = __bool__ = __float__ = __eq__  # type: ignore[assignment]


def test_foreign_values_cost_themselves_alone() -> None:
    odd: list[object] = [Odd(), [1], {"a": 1}, (Odd(),), pandas.NaT, pandas.NA, None, np.float32("nan"), float("nan")]
    gaps = watching(ColumnProfile("x"))
    gaps.add(np.fromiter(odd, object, len(odd)))
    assert gaps.measures() == {"missing": pytest.approx(4 / 9)}
    found, drift = kinds_of(["Oslo"] * 80 + ["Rome"] * 20, [["Oslo"] * 30, [*odd, "Paris"]])
    assert drift.names == ["Paris"] and found["unseen"] == 1 / 31 and found["missing"] == 5 / 36


def test_an_odd_request_costs_itself_alone() -> None:
    columns = column_profiles({"n": np.arange(100.0), "k": ["Oslo", "Rome"] * 50})
    watch = Watch(Reference(None, tuple(columns), tuple(columns[1:])), None)
    table = pandas.DataFrame({"n": np.arange(100.0), "k": pandas.Categorical(["Oslo", None] * 50)})
    rows = [Rows("columns", {"n": [[1.0], [1.0, 2.0]]}, 2), Rows("columns", {"k": Odd()}, 1), whole(table)]
    answers = [table[["k"]], Odd(), {"k": ["Oslo"]}]
    watch.take([Observation("r", 1.0, each, answer, 0.001) for each, answer in zip(rows, answers, strict=True)])
    found = watch.measures()
    assert found["missing/n"] == found["unseen/k"] == 0.0 and found["missing/k"] == 0.5 and not watch.unseen()
    assert found["prediction_unseen"] == 0.0


def test_names_from_requests_can_harm_no_terminal(heard: list[Report], table_model: Kept, tmp_path: Path) -> None:
    """What a client sends is printed by ``models status``, kept as tags and told to plugins."""
    _, drift = kinds_of(["Oslo", "Rome"] * 50, [["\x1b[2J", "\ud800\x00", "b\u202ec", "two\nlines", "\x07" * 40]])
    assert drift.names == ["\\x1b[2J", "\\ud800\\x00", "b\\u202ec", "two\\nlines", "\\x07" * 10]
    folder = autotrack.save_model(table_model.model, tmp_path / "churn", example=table_model.data)
    scorer = load(str(folder))
    recorders, _ = recorders_of(Request(uri=str(folder), report=True), scorer, Counts())
    recorders[0].record([asked(scorer, ["\x1b]0;owned\x07"] * 60, 30, 1)])
    for recorder in recorders:
        recorder.close()
    assert heard[0].unseen == {"plan": ["\\x1b]0;owned\\x07"]}
    told = autotrack.get_run(heard[0].run)
    assert told.tags["autotrack.serves.unseen.plan"] == "\\x1b]0;owned\\x07"
    told.set_tag("autotrack.serves.unseen.age", "\x07\u202e")  # by whomever
    shown = status(str(folder)).stdout
    assert "never seen in training: \\x1b]0;owned" in shown and "never seen in training: \\x07\\u202e" in shown


def test_values_that_come_often_do_not_look_like_drift() -> None:
    """Where quantiles coincide, the shares that training had count, not those of the quantiles."""
    stream = np.random.default_rng(6)
    values = np.where(stream.random(4000) < 0.6, 0.0, stream.exponential(size=4000))
    (column,) = column_profiles({"x": values})
    drift = watching(column)
    drift.add(np.where(stream.random(4000) < 0.6, 0.0, stream.exponential(size=4000)))
    assert drift.measures()["psi"] < 0.01 and drift.measures()["ks"] < 0.04


def test_what_moved_after_a_long_time_is_not_hidden_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drifting, "WINDOW", 2000)
    stream = np.random.default_rng(8)
    (column,) = column_profiles({"x": stream.normal(size=2000)})
    numbers, kinds = watching(column), watching(ColumnProfile("y", values=(("a", 0.5), ("b", 0.5))))
    for _ in range(100):
        numbers.add(stream.normal(size=1000))
        kinds.add(np.array(["a", "b"] * 500, object))
    assert numbers.measures()["psi"] < 0.05 and kinds.measures()["unseen"] == 0.0
    for _ in range(4):
        numbers.add(stream.normal(3.0, size=1000))
        kinds.add(np.array(["c"] * 1000, object))
    assert numbers.measures()["psi"] > 1 and kinds.measures()["unseen"] > 0.6 and numbers.rows <= 3000


@pytest.fixture
def heard(store: Path) -> Iterator[list[Report]]:
    """What a plugin of somebody else's is told of production."""
    reports: list[Report] = []

    @hookimpl(optionalhook=True)
    def production_reported(report: Report) -> None:
        reports.append(report)

    loaded.forget_plugins()
    loaded.plugins().register(SimpleNamespace(production_reported=production_reported), "pager")
    yield reports
    loaded.forget_plugins()


def asked(scorer: Scorer, plans: list[str], age: int, answer: int) -> Observation:
    data = [[age, 1500.0, plan] for plan in plans]
    body = {"dataframe_split": {"columns": ["age", "income", "plan"], "data": data}}
    rows = scorer.intake.read("application/json", json.dumps(body).encode()).rows
    return Observation("r", 1.0, rows, np.full(len(plans), answer), 0.001)


@pytest.mark.parametrize("redacted", [(), ("plan",)])
def test_a_model_that_was_carried_elsewhere_knows_its_training(
    heard: list[Report], table_model: Kept, tmp_path: Path, redacted: tuple[str, ...]
) -> None:
    """No store knows of it: its folder says what its training looked like; plugins hear once a threshold is passed."""
    folder = autotrack.save_model(table_model.model, tmp_path / "churn", example=table_model.data)
    scorer = load(str(folder))
    alerts = ("unseen > 0.1", "psi/age > 0.25", "psi/nobody > 0")
    request = Request(uri=str(folder), report=True, redact=redacted, alert_if=alerts)
    recorders, _ = recorders_of(request, scorer, Counts())
    reporter = recorders[0]
    assert isinstance(reporter, Reporter) and reporter.reference.run is None
    training = table_model.data
    plans = training.plan.tolist()
    for _ in range(3):
        for age in training.age:
            reporter.record([asked(scorer, [plans[age % 3]], int(age), int(age > 40))])
    reporter.report()
    reporter.record([asked(scorer, ["gold"] * 60, 200, 1)])
    reporter.report()
    reporter.report()
    for recorder in recorders:
        recorder.close()
    first, second, third, _ = heard
    assert first.holds == first.began == () and first.metrics["psi/age"] < 0.1 and first.metrics["unseen/plan"] == 0
    assert first.metrics["prediction_psi"] < 0.01 and first.metrics["more_missing"] == 0
    assert second.holds == second.began == alerts[:2] and third.holds == alerts[:2] and third.began == ()
    assert second.metrics["unseen"] == second.metrics["unseen/plan"] == pytest.approx(0.25)
    assert second.metrics["outside/age"] == pytest.approx(0.25) and second.metrics["prediction_psi"] > 0.05
    assert second.unseen == ({} if redacted else {"plan": ["gold"]}) and second.name == "churn"
    run = autotrack.get_run(second.run)
    assert run.tags["autotrack.serves.alert"] == "unseen > 0.1; psi/age > 0.25"
    assert run.tags.get("autotrack.serves.unseen.plan") == (None if redacted else "gold")
    one = status(str(folder), "--fail-if", "prediction_psi > 0.01", "--fail-if", "unseen/plan > 0.9")
    assert one.returncode == 1 and "it holds: prediction_psi > 0.01" in one.stderr and "0.9" not in one.stderr
    assert "  its predictions: psi" in one.stdout and "  alert: unseen > 0.1" in one.stdout
    assert ("  plan: never seen in training: gold" in one.stdout) == (not redacted)


def test_tables_arrays_and_dicts_are_watched_alike() -> None:
    columns = column_profiles({"0": np.arange(150.0), "2": [f"k{at % 4}" for at in range(150)]})
    reference = Reference(
        None, tuple(columns), tuple(column_profiles({"up": np.arange(50.0), "down": np.arange(50.0)}))
    )
    data = np.arange(150.0)
    kinds = np.array([f"k{at % 4}" for at in range(150)], object)
    table = pandas.DataFrame({"0": data, "1": data, "2": kinds})
    answers = pandas.DataFrame({"up": data, "down": -data})
    matrix = np.array([data, data, kinds], object).T
    given = [
        (Rows("columns", {"0": data, "1": data, "2": kinds}, 150), None),
        (Rows("matrix", matrix, 150), None),
        (Rows("matrix", matrix[:, ::-1], 150), ["2", "1", "0"]),
        (whole(table), None),
        (whole(table.to_dict("records")), None),
    ]
    found = []
    for rows, names in given:
        watch = Watch(reference, names)
        watch.take([Observation("r", 1.0, rows, answers, 0.001)])
        found.append(watch.measures())
    assert all(one == found[0] for one in found)
    assert {"psi/0", "psi/2", "unseen/2", "prediction_psi/up", "prediction_psi", "outside"} <= set(found[0])
    assert found[0]["prediction_psi"] == found[0]["prediction_psi/down"] > 1 > 0.3 > found[0]["psi/0"]
    few = Watch(reference, None)
    few.take([Observation("r", 1.0, Rows("columns", {"0": data[:49]}, 49), [1.0], 0.001)])
    assert few.measures() == {}  # chance alone would make a shift of so few rows
    odd = Watch(reference, None)
    odd.take([Observation("r", 1.0, whole(object()), object(), 0.001), Observation("r", 1.0, whole("?"), None, 0.001)])
    assert odd.measures() == {}
    many = Watch(reference, None)
    many.take([Observation("r", 1.0, Rows("columns", {"0": data[:1], "2": kinds[:1]}, 1), [1.0], 0.001)] * 20_000)
    assert 100 <= many.inputs[0].rows <= 5000


def status(*words: str) -> subprocess.CompletedProcess[str]:
    return models("status", *words)


def models(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "autotrack", "models", *words]
    return subprocess.run(command, capture_output=True, text=True, env=dict(os.environ))


def test_a_served_model_reports_back(store: Path) -> None:
    """Trained, registered, served, fed back: its status stands beside its training, and a threshold ends with 1."""
    from sklearn.linear_model import LinearRegression

    autotrack.enable(silent=True)
    data = np.random.default_rng(4).normal(size=(400, 2))
    LinearRegression().fit(data, data @ [1.0, 2.0])
    autotrack.disable()
    run = autotrack.last_run()
    autotrack.register_model(f"runs:/{run.id}/model", "line", alias="best")
    assert status("line").returncode == 1
    served = Served("models:/line/1").wait()
    moved = np.random.default_rng(5).normal([0.0, 3.0], size=(300, 2))
    for at, rows in enumerate(np.array_split(moved, 10)):
        answer = served.predict({"inputs": rows.tolist()}, **{"x-request-id": f"r{at}"})
        assert answer.headers["x-request-id"] == f"r{at}"
    truth = [{"request_id": f"r{at}", "truth": (rows @ [1.0, 2.0] + 0.5).tolist()}
             for at, rows in enumerate(np.array_split(moved, 10))]  # fmt: skip
    found = served.ask("POST", "/feedback", [*truth, {"request_id": "nobody's", "truth": [1.0]}]).json()
    assert (found["rows"], found["unknown"]) == (300, ["nobody's"]) and found["measures"]["mae"] == pytest.approx(0.5)
    assert served.ask("POST", "/feedback", {"request_id": 5}).status == 400
    assert served.predict({"inputs": [[0.0, 3.0]]}, **{"x-request-id": "odd"}).status == 200
    wrong = served.ask(
        "POST", "/feedback", [{"request_id": "odd", "truth": [6.5, 1]}, {"request_id": "?", "truth": []}]
    )
    assert wrong.status == 400 and "1 of 2 do not fit, 0 rows of the others were joined" in wrong.body.decode()
    mixed = [{"request_id": "odd", "truth": ["six"]}, {"request_id": "odd", "truth": [6.5]}]
    wrong = served.ask("POST", "/feedback", mixed)  # one that does not fit keeps no other from being joined
    assert wrong.status == 400 and "1 rows of the others were joined" in wrong.body.decode()
    assert served.predict({"inputs": [[0.0, 3.0]]}, **{"x-request-id": "late"}).status == 200
    served.stop()
    # The next server of the model knows what this one answered, and goes on counting.
    again = Served("models:/line@best").wait()
    late = again.ask("POST", "/feedback", [{"request_id": name, "truth": [6.5]} for name in ("late", "odd")]).json()
    assert (late["rows"], late["unknown"]) == (1, ["odd"]) and late["measures"]["mae"] == pytest.approx(0.5)
    again.stop()
    said = json.loads(status("line", "--json", "--fail-if", "psi > 5").stdout)["served"][0]
    assert said["trained_by"] == run.id and said["training"]
    metrics = said["metrics"]
    assert (metrics["requests"], metrics["rows"], metrics["truths"], metrics["failed"]) == (12, 302, 301, 0)
    assert metrics["psi/1"] > 1 > 0.2 > metrics["psi/0"] and metrics["production_mae"] == pytest.approx(0.5)
    assert metrics["prediction_psi"] > 1 and metrics["prediction_ks"] > 0.5
    broken = status("line", "--fail-if", "psi > 0.2", "--fail-if", "mae < 0.1")
    assert broken.returncode == 1 and "it holds: psi > 0.2" in broken.stderr and "mae" not in broken.stderr
    assert "shifted" in broken.stdout and "mae 0.5 over 301 truths" in broken.stdout
    for odd in ("psi is large", "psi >> 1", "pis > 1", "foo/x0 > 1", "> 1", "psi > much"):
        assert status("line", "--fail-if", odd).returncode == 2, odd
    # The version, which pages and `models show` have, says so beside its training.
    (version,) = autotrack.Client().registry.versions("name = 'line'")
    assert version.tags["production.mae"] == autotrack.get_run(run.id).tags["production.mae"] == "0.5 over 302 truths"
    assert version.tags["production.psi"].endswith(" (1)") and version.tags["production.rows"] == "302"
    shown = models("show", "line").stdout
    assert "in production" in shown and "0.5 over 302 truths" in shown and "training_mean_absolute_error" in shown
    assert "what production is held against: 2 columns of 400 rows and 400 answers" in shown


def test_samples_are_bounded_and_without_what_is_private(monkeypatch: pytest.MonkeyPatch) -> None:
    from autotrack_serving.monitoring import payloads as module
    from autotrack_serving.monitoring.payloads import Payloads

    kept = Payloads(1.0, ("income",), ["age", "income"])
    kept.take([seen("r1", [1], np.array([[42.0, 1500.0]]))])
    line = json.loads(kept.text())
    assert line["request"] == "r1" and line["answers"] == [1]
    assert line["rows"] == [{"age": 42.0, "income": "***"}]
    half = Payloads(0.5, (), None)
    half._random.seed(3)
    half.take([seen(f"r{at}", [1], np.array([[1.0]])) for at in range(900)])
    assert 350 < len(half.text().splitlines()) < 550
    large = Payloads(1.0, (), None)
    large.take([seen("r", [0] * 600), seen("s", [0] * 600), seen("t", [0] * 10)])
    assert [json.loads(line)["request"] for line in large.text().splitlines()] == ["r", "t"]
    monkeypatch.setattr(module, "MOST_BYTES", 300)
    full = Payloads(1.0, (), None)
    full.take([seen(f"r{at}", [1], np.array([[1.0]])) for at in range(50)])
    assert 300 <= len(full.text()) < 500  # the one that passes the bound is the last
    with pytest.raises(UsageError, match="--redact incom: the model has no such column; it takes age, income"):
        Payloads(1.0, ("incom",), ["age", "income"])
    # Without a signature anything is asked about, and what is private may lie deep in it.
    free = Payloads(1.0, ("income",), None)
    asked: list[Any] = [[{"income": 5, "age": [{"income": 6}]}], {"income": 5, "age": 3}, {"x": {"income": 5}}]
    free.take([dataclasses.replace(seen(f"r{at}", [1]), rows=whole(data)) for at, data in enumerate(asked)])
    assert [json.loads(line)["rows"] for line in free.text().splitlines()] == [
        [{"0": {"income": "***", "age": [{"income": "***"}]}}],
        [{"income": "***", "age": 3}],
        [{"x": {"income": "***"}}],
    ]


def test_what_has_no_form_in_json_costs_itself_alone(tmp_path: Path) -> None:
    from autotrack_serving.monitoring.payloads import Payloads

    odd = dataclasses.replace(seen("odd", [1]), answers=np.array([b"x"]))
    ledger = Ledger(tmp_path / "l.db")
    ledger.record([odd, dataclasses.replace(seen("odder", [1]), answers=np.array([object()])), seen("a", [1])])
    assert [ledger.join(name, [1]) for name in ("odd", "odder", "a")] == [None, None, 1]
    kept = Payloads(1.0, (), None)
    kept.take([dataclasses.replace(seen("odd", [1]), answers=object()), seen("a", [1])])
    assert [json.loads(line)["request"] for line in kept.text().splitlines()] == ["a"]


def test_payloads_without_a_run_are_refused(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "autotrack", "serve", "-m", str(tmp_path), "--log-payloads", "0.1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "add --report" in done.stderr


def test_a_truth_finds_its_answer_whichever_worker_gave_it(store: Path) -> None:
    from sklearn.linear_model import LinearRegression

    autotrack.enable(silent=True)
    data = np.random.default_rng(4).normal(size=(100, 2))
    LinearRegression().fit(data, data @ [1.0, 2.0])
    autotrack.disable()
    uri = f"runs:/{autotrack.last_run().id}/model"
    served = Served(uri, "--workers", "2", "--log-payloads", "1", "--redact", "1").wait()
    for at in range(20):
        assert served.predict({"inputs": [[1.0, 2.0]]}, **{"x-request-id": f"r{at}"}).status == 200
    rows = [
        served.ask("POST", "/feedback", {"request_id": f"r{at}", "truth": [4.0]}).json()["rows"] for at in range(20)
    ]
    again = served.ask("POST", "/feedback", {"request_id": "r3", "truth": [4.0]}).json()
    assert rows == [1] * 20 and again["rows"] == 0 and again["unknown"] == ["r3"]
    assert again["measures"] == {"mae": pytest.approx(1.0), "rmse": pytest.approx(1.0)}
    assert "/feedback" in served.ask("GET", "/openapi.json").json()["paths"]
    served.stop()
    (server,) = json.loads(status(uri, "--json").stdout)["served"]
    assert (server["metrics"]["requests"], server["metrics"]["truths"]) == (20, 20) and server["workers"] in (1, 2)
    told = autotrack.get_run(server["trained_by"]).tags
    assert told["production.mae"] == "1 over 20 truths" and told["production.rows"] == "20"
    runs = autotrack.search_runs(experiments=["serving"])
    lines = []
    for run in runs:
        if "payloads.jsonl" in [each.path for each in run.artifacts]:
            folder = Path(autotrack.Client().root) / "artifacts"
            (path,) = folder.rglob(f"{run.id}/payloads.jsonl")
            lines += [json.loads(line) for line in path.read_text().splitlines()]
    assert sorted(line["request"] for line in lines) == sorted(f"r{at}" for at in range(20))
    assert all(line["rows"] == [{"0": 1.0, "1": "***"}] for line in lines)
