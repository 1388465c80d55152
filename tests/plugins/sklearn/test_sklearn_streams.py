"""Fits beside other threads of the program's that draw random numbers: each draws what it would draw without us."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression

import autotrack
from autotrack.core.runs.run import Run

X = np.random.RandomState(0).rand(500, 5)
Y = (X[:, 0] > 0.5).astype(int)

DRAWS: dict[str, Callable[[], float]] = {
    "random": random.random, "numpy": lambda: float(np.random.random()), "torch": lambda: float(torch.rand(())),
}  # fmt: skip


@pytest.fixture(autouse=True)
def watched(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOTRACK_OVERHEAD_SHARE", "1000")
    autotrack.enable()


def seeded() -> None:
    random.seed(3)
    np.random.seed(3)
    torch.manual_seed(3)


@contextmanager
def drawing(draw: Callable[[], float]) -> Iterator[list[float]]:
    """Another thread of the program's, and what it draws."""
    drawn: list[float] = []
    begun, over = threading.Event(), threading.Event()

    def work() -> None:
        while not over.wait(0.0002):
            drawn.append(draw())
            begun.set()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert begun.wait(60)
        yield drawn
    finally:
        over.set()
        thread.join()


class Drawing(RegressorMixin, BaseEstimator):
    """A model of the user's that draws when it predicts."""

    def fit(self, X: Any, y: Any) -> Drawing:
        self.mean_ = float(np.mean(y))
        return self

    def predict(self, X: Any) -> Any:
        return np.full(len(X), self.mean_) + random.random() + np.random.random() + float(torch.rand(()))


def golden(run: Run) -> bool:
    return (Path(run.artifact_uri) / "model" / "golden.json").exists()


@pytest.mark.parametrize("name", DRAWS)
@pytest.mark.parametrize("kind", [RandomForestClassifier, Drawing])
def test_another_thread_that_draws_while_models_are_fitted(name: str, kind: type) -> None:
    seeded()
    with drawing(DRAWS[name]) as drawn:
        for at in range(3):
            (kind(10, random_state=at) if kind is RandomForestClassifier else kind()).fit(X, Y)
    seeded()
    assert drawn == [DRAWS[name]() for _ in drawn] and len(set(drawn)) == len(drawn)
    run = autotrack.last_run()
    asked = kind is RandomForestClassifier
    assert golden(run) == ("training_score" in run.metrics) == asked
    assert any("another thread" in note for note in run._view().health.get("notes", [])) != asked


def test_a_librarys_model_is_asked_while_another_thread_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """However its questions and the other thread's draws lie in time."""
    drawn: list[float] = []
    answer = LinearRegression.predict

    def predict(self: Any, X: Any) -> Any:
        draws = threading.Thread(target=lambda: drawn.extend([random.random(), np.random.random()]))
        draws.start()
        draws.join()
        return answer(self, X)

    monkeypatch.setattr(LinearRegression, "predict", predict)
    seeded()
    LinearRegression().fit(X, Y)
    seeded()
    assert len(drawn) > 2 and drawn == [draw() for _ in drawn[::2] for draw in (random.random, np.random.random)]


def test_threads_that_fit_at_once() -> None:
    class Seeding(Drawing):
        def fit(self, X: Any, y: Any) -> Drawing:
            drawn.append(random.random())
            return super().fit(X, y)

    drawn: list[float] = []
    together = threading.Barrier(2)

    def train() -> None:
        for _ in range(5):
            together.wait(60)
            Seeding().fit(X, Y)

    seeded()
    threads = [threading.Thread(target=train) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seeded()
    assert sorted(drawn) == sorted(random.random() for _ in range(10))


@pytest.mark.parametrize("name", DRAWS)
def test_alone_what_a_model_draws_is_set_back(name: str) -> None:
    seeded()
    Drawing().fit(X, Y)
    found = DRAWS[name]()
    seeded()
    assert found == DRAWS[name]()
    assert golden(autotrack.last_run())
