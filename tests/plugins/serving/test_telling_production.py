"""What production says of a model on the run that made it and on its version: once, and of the whole server."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from autotrack_serving.counting import Counts
from autotrack_serving.monitoring.reporting import Reporter, recorders_of
from autotrack_serving.monitoring.status import served
from autotrack_serving.monitoring.telling import Teller
from autotrack_serving.monitoring.together import together
from autotrack_serving.request import Request
from autotrack_serving.scorer import load

import autotrack
from autotrack.core.plugins import registry as loaded
from autotrack.plugin import ModelVersion, Run, hookimpl
from tests.plugins.serving.observed import seen

DATA = np.random.default_rng(4).normal(size=(400, 2))


@pytest.fixture
def trained(store: Path) -> str:
    """The run of a model that is ``models:/line/1``."""
    from sklearn.linear_model import LinearRegression

    autotrack.enable(silent=True)
    LinearRegression().fit(DATA, DATA @ [1.0, 2.0])
    autotrack.disable()
    run = autotrack.last_run()
    autotrack.register_model(f"runs:/{run.id}/model", "line")
    return run.id


@pytest.fixture
def heard() -> Iterator[list[tuple[str, str, str]]]:
    """Each tag of production's that is set on a run."""
    found: list[tuple[str, str, str]] = []

    @hookimpl
    def tags_set(run: Run, tags: dict[str, str]) -> None:
        found.extend((run.id, key, text) for key, text in tags.items() if key.startswith("production."))

    loaded.forget_plugins()
    loaded.plugins().register(SimpleNamespace(tags_set=tags_set), "listener")
    yield found
    loaded.forget_plugins()


def version() -> ModelVersion:
    return autotrack.Client().registry.version("line", 1)


def said(trained: str) -> dict[str, str]:
    """What stands on the run, and on the version alike."""
    found = [autotrack.get_run(trained).tags, version().tags]
    on_run, on_version = ({k: v for k, v in tags.items() if k.startswith("production.")} for tags in found)
    assert on_run == on_version
    return on_run


def worker() -> Reporter:
    request = Request(uri="models:/line/1", report=True, workers=2, server="5e12")
    recorders, _ = recorders_of(request, load(request.uri), Counts())
    assert isinstance(recorders[0], Reporter)
    return recorders[0]


def test_workers_tell_of_their_server(trained: str, heard: list[tuple[str, str, str]]) -> None:
    """Whichever of them tells: the figures are those that ``models status`` has; none is said twice."""
    one, other = worker(), worker()
    one.record([seen("a", DATA[:60] @ [1.0, 2.0] - 1.0, DATA[:60])])
    one.report(last=True)
    assert said(trained)["production.rows"] == "60"
    other.record([seen("b", [0.0] * 90, np.add(DATA[:90], [0.0, 3.0]))])
    other.report(last=True)
    one.report(last=True)
    (server,) = served("line")
    assert server.metrics["rows"] == 150 and server.worst[0][0] == "1"
    assert said(trained)["production.rows"] == "150"
    assert said(trained)["production.psi"] == f"{server.metrics['psi']:.3f} (1)"
    one.truths.remember("a", DATA[:60] @ [1.0, 2.0] - 1.0)  # as the app does
    assert one.truths.join("a", (DATA[:60] @ [1.0, 2.0]).tolist()) == 60
    other.report()  # a minute is not over, but there are truths
    assert said(trained)["production.mae"] == "1 over 60 truths"
    before, count = version(), len(heard)
    for each in (one, other, one):
        each.report(last=True)
    assert said(trained) and version() == before and len(heard) == count == len(set(heard))


def test_workers_that_end_together_tell_of_all(trained: str) -> None:
    workers = [worker() for _ in range(3)]
    for at in range(1, 6):
        for each in workers:
            each.record([seen(f"r{at}", [0.0] * 10, DATA[:10])])
        ending = [threading.Thread(target=each.report, kwargs={"last": True}) for each in workers]
        for thread in ending:
            thread.start()
        for thread in ending:
            thread.join(60)
        assert served("line")[0].metrics["rows"] == at * 30 and said(trained)["production.rows"] == str(at * 30)


def test_a_worker_that_was_overtaken_looks_again(trained: str, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = worker(), worker()
    one.record([seen("a", [0.0] * 10, DATA[:10])])
    other.record([seen("b", [0.0] * 20, DATA[:20])])

    def late(*given: Any) -> bool:
        monkeypatch.delattr(one._teller, "_on_version")
        other.report(last=True)
        return one._teller._on_version(*given)

    monkeypatch.setattr(one._teller, "_on_version", late)
    one.report(last=True)
    assert said(trained)["production.rows"] == "30"


def test_one_place_that_fails_is_tried_again_alone(trained: str, heard: list[tuple[str, str, str]]) -> None:
    metrics = {"rows": 100.0, "psi": 0.5, "psi/a": 0.5, "truths": 10.0, "production_accuracy": 0.75}
    told = {
        "production.rows": "100",
        "production.psi": "0.500 (a)",
        "production.accuracy": "0.75 over 10 truths",
    }
    teller = Teller(trained, "models:/line/2")
    teller.tell(metrics)
    assert autotrack.get_run(trained).tags["production.rows"] == "100" and len(heard) == 3
    autotrack.register_model(f"runs:/{trained}/model", "line")
    teller.tell(metrics, now=True)
    second = autotrack.Client().registry.version("line", 2)
    assert {key: second.tags[key] for key in told} == told and len(heard) == 3
    elsewhere = Teller("0" * 31 + "1", "models:/line/1")  # a model that was carried here
    nobodys = Teller(None, "models:/line@none")
    for each in (elsewhere, nobodys):
        each.tell(metrics)
    assert version().tags["production.rows"] == "100"
    autotrack.Client().registry.set_alias("line", "none", 1)
    nobodys.tell({**metrics, "rows": 200.0})
    assert version().tags["production.rows"] == "100"  # a minute is not over
    nobodys.tell({**metrics, "rows": 200.0}, now=True)
    assert version().tags["production.rows"] == "200"


def test_what_workers_report_together() -> None:
    one = {"requests": 5, "rows": 7.0, "psi": 0.5, "p99_ms": 3.0, "truths": 10.0, "production_accuracy": 0.9}
    other = {"requests": 2.0, "psi": 0.2, "p99_ms": 4.0, "truths": 12.0, "production_accuracy": 0.75}
    both = {"requests": 7, "rows": 7, "psi": 0.5, "p99_ms": 4, "truths": 12, "production_accuracy": 0.75}
    assert together([one, other]) == together(iter([other, one])) == both and together([]) == {}
    assert json.dumps(together([one])) == json.dumps({key: float(value) for key, value in one.items()})
