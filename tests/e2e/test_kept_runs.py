"""Runs that go on between calls on one object: the object is the user's, and is left alone."""

from __future__ import annotations

import gc
import json
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import SGDClassifier

import autotrack
from autotrack.core.runs import kept
from autotrack.core.runs.trackers import tracker

X, Y = np.arange(12.0).reshape(6, 2), np.array([0, 1, 0, 1, 0, 1])


def step(model: Any, times: int = 1) -> Any:
    for _ in range(times):
        model.partial_fit(X, Y, classes=[0, 1])
    return model


def runs() -> list[Any]:
    tracker().catch_up()
    return list(autotrack.search_runs())


def test_no_second_object_is_made_and_nothing_is_kept_alive(store: Path) -> None:
    made, gone = [], []

    class Mine(SGDClassifier):
        def __new__(cls, *args: Any, **kwargs: Any) -> Any:
            made.append(1)
            return super().__new__(cls)

        def __del__(self) -> None:
            gone.append(1)

    class State:
        pass

    autotrack.enable(overhead_allowance=1000.0)  # a slow machine leaves out nothing here
    model = Mine(random_state=0)
    model.state = State()
    state = weakref.ref(model.state)
    step(model, 7)
    before = len(made), len(gone)  # saving and reading a model back makes objects; only the fits are looked at here
    model.__dict__.pop("state")
    assert state() is None, "the user's state is kept by somebody else"
    step(model, 4)  # calls 9 to 11 save nothing
    del model
    gc.collect()
    assert len(gone) == before[1] + 1, "__del__ ran more than once for one object"
    assert len(made) == before[0]
    tracker().keep_journal(heartbeat=False)
    (run,) = runs()
    assert str(run.status) == "FINISHED"
    last = run.health["notes"][-1]
    assert last == "model is as it was after call 8 of 11: its object was gone before it could be saved again"


def test_the_last_model_is_saved_where_the_object_lives(store: Path) -> None:
    autotrack.enable()
    model, other = SGDClassifier(random_state=0), SGDClassifier(random_state=1)
    with autotrack.start_run("mine") as run:
        for _ in range(7):
            step(model)
            step(other)
    first = autotrack.load_model(f"runs:/{run.id}/model")
    second = autotrack.load_model(f"runs:/{run.id}/SGDClassifier_2/model")
    assert np.array_equal(first.coef_, model.coef_) and np.array_equal(second.coef_, other.coef_)
    assert "notes" not in run.health


def test_runs_that_wait_are_bounded(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MAX_KEPT", 4)
    autotrack.enable(models=False)
    models = [SGDClassifier(random_state=number) for number in range(10)]
    for model in models[:4]:
        step(model)
    step(models[0])  # so that the second one waits longest
    step(models[4])
    assert len(tracker().runs) == 4
    assert sum(str(run.status) == "FINISHED" for run in runs()) == 1
    step(models[0])
    assert len(runs()) == 5, "the one that was used last lost its run"
    for model in models[5:]:
        step(model)
    assert len(tracker().runs) == len(tracker().kept._kept) == 4


def test_the_end_of_the_program_is_not_held_up(store: Path, script: Any, tmp_path: Path) -> None:
    done = script(
        """
        import json, time, atexit
        import numpy as np
        from sklearn.linear_model import SGDClassifier
        import autotrack

        autotrack.enable(overhead_allowance=1000.0)

        class Slow(SGDClassifier):
            def __getstate__(self):
                time.sleep(0.4)
                return super().__getstate__()

        X, y = np.arange(12.0).reshape(6, 2), [0, 1, 0, 1, 0, 1]
        models = [Slow(random_state=n) for n in range(8)]
        for model in models:
            for _ in range(3):
                model.partial_fit(X, y, classes=[0, 1])
        began = time.time()
        import autotrack.core.runs.trackers as trackers
        trackers.close_all()
        json.dump(time.time() - began, open("took.json", "w"))
        """,
        AUTOTRACK_EXIT_TIMEOUT="1.5",
    )
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "took.json").read_text()) < 2.5
    notes = [note for run in autotrack.search_runs() for note in run.health.get("notes", [])]
    assert any("call 2 of 3: there was no time" in note for note in notes)
