"""A question to a model moves no random stream, and rewinds none of another thread's."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from autotrack.core.background import Background
from autotrack.core.errors import ArtifactError
from autotrack.core.plugins.flavor import Flavor
from autotrack.core.streams import others_may_draw, streams_put_back
from autotrack.models.asking import asking
from autotrack.models.loading import load_model, open_model
from autotrack.models.saving import save_model

DRAWS: dict[str, Callable[[], float]] = {
    "random": random.random, "numpy": lambda: float(np.random.random()), "torch": lambda: float(torch.rand(())),
}  # fmt: skip
STATES: dict[str, Callable[[], bytes]] = {
    "random": lambda: repr(random.getstate()).encode(),
    "numpy": lambda: repr(np.random.get_state()).encode(),
    "torch": lambda: torch.get_rng_state().numpy().tobytes(),
}


class Model:
    """Answers a number that it draws, or does not."""

    def __init__(self, draw: Callable[[], float], meanwhile: Callable[[], None] = lambda: None) -> None:
        self.draw, self.meanwhile, self.asked = draw, meanwhile, 0

    def predict(self, data: Any) -> Any:
        self.asked += 1
        self.meanwhile()
        return np.full(len(data), self.draw())


def flavor(draws: Callable[[Any], bool]) -> Flavor:
    return Flavor("mine", ("tests:Model",), lambda model, folder: {}, lambda folder, entry, trust: model, draws=draws)


model = Model(lambda: 0.5)
STEADY, DRAWING = flavor(lambda model: False), flavor(lambda model: True)


def seeded() -> None:
    random.seed(3)
    np.random.seed(3)
    torch.manual_seed(3)


@contextmanager
def drawer(draw: Callable[[], float]) -> Iterator[tuple[list[float], Callable[[], None]]]:
    """Another thread of the program's: what it drew, and a function that has it draw."""
    drawn: list[float] = []
    turn, done, over = threading.Semaphore(0), threading.Semaphore(0), threading.Event()

    def work() -> None:
        while turn.acquire() and not over.is_set():
            drawn.append(draw())
            done.release()

    def have_it_draw() -> None:
        turn.release()
        assert done.acquire(timeout=60)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield drawn, have_it_draw
    finally:
        over.set()
        turn.release()
        thread.join()


@pytest.mark.parametrize("name", DRAWS)
def test_what_a_model_draws_is_set_back(name: str) -> None:
    before = STATES[name]()
    asked = Model(DRAWS[name])
    with asking(asked, DRAWING) as (asks, why):
        assert why is None
        asks["predict"]([1, 2])
        assert STATES[name]() != before
    assert STATES[name]() == before and asked.asked == 1


@pytest.mark.parametrize("own", [np.random.RandomState(0), np.random.default_rng(0)])
def test_a_stream_of_the_models_own_is_set_back(own: Any) -> None:
    first = own.random()
    with streams_put_back([own]) as why:
        assert why is None
        drawn = own.random()
    assert own.random() == drawn != first


@pytest.mark.parametrize("name", DRAWS)
def test_nothing_is_touched_where_nothing_was_drawn(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even with a thread apart that does what autotrack cannot know of."""
    written: list[str] = []
    monkeypatch.setattr(random, "setstate", lambda state: written.append("random"))
    monkeypatch.setattr(np.random, "set_state", lambda state: written.append("numpy"))
    for each in (STEADY, DRAWING):
        with asking(model, each) as (asks, _):
            asks["predict"]([1])
    if name != "torch":
        assert written == []
        with asking(Model(DRAWS[name]), DRAWING) as (asks, _):
            asks["predict"]([1])
        assert written == [name]


@pytest.mark.parametrize("name", DRAWS)
def test_a_steady_model_is_asked_while_another_thread_draws(name: str) -> None:
    seeded()
    expected = [DRAWS[name]() for _ in range(6)]
    seeded()
    with drawer(DRAWS[name]) as (drawn, have_it_draw):
        have_it_draw()
        for _ in range(3):
            with asking(Model(lambda: 0.5, have_it_draw), STEADY) as (asks, why):
                assert why is None
                asks["predict"]([1])
        have_it_draw()
        have_it_draw()
    assert drawn == expected and len(set(drawn)) == 6


@pytest.mark.parametrize("name", DRAWS)
@pytest.mark.parametrize("failing", [False, True])
def test_a_model_that_may_draw_is_not_asked_beside_another_thread(name: str, failing: bool) -> None:
    def unsure(model: Any) -> bool:
        if failing:
            raise ValueError("nobody knows")
        return True

    with drawer(DRAWS[name]) as (_, have_it_draw):
        before = STATES[name]()
        asked = Model(DRAWS[name], have_it_draw)
        with asking(asked, flavor(unsure)) as (asks, why):
            have_it_draw()
        assert asks == {} and why is not None and "another thread" in why
        assert STATES[name]() != before
    assert asked.asked == 0


def test_two_threads_that_ask_at_once(tmp_path: Path) -> None:
    """Neither sets back what the other drew."""
    seeded()
    expected = {random.random() for _ in range(40)}
    seeded()
    drawn: list[list[float]] = [[], []]
    both = threading.Barrier(2)

    def train(at: int) -> None:
        for _ in range(20):
            both.wait(60)
            drawn[at].append(random.random())
            with asking(Model(random.random), DRAWING) as (asks, _):
                for ask in asks.values():
                    ask([1])

    threads = [threading.Thread(target=train, args=(at,)) for at in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(drawn[0] + drawn[1])) == 40 and {*drawn[0], *drawn[1]} == expected


def test_a_thread_of_ours_is_none_of_the_programs() -> None:
    begun, over = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        over.wait(60)

    ours = Background(work)
    ours.start()
    assert begun.wait(60) and not others_may_draw()
    over.set()


def test_a_pool_of_processes_draws_nothing_once_it_has_answered() -> None:
    with ProcessPoolExecutor(1) as pool:
        assert pool.submit(abs, -1).result() == 1
        assert not others_may_draw()


def test_other_threads_may_draw() -> None:
    with drawer(random.random):
        assert others_may_draw()
    timer = threading.Timer(60, print)
    timer.start()
    assert others_may_draw()
    timer.cancel()
    timer.join()
    assert not others_may_draw()


SOURCE = """
import numpy as np
class Mine:
    def predict(self, data):
        return np.full(len(data), 1.0) + 0 * np.random.random()
"""


def test_golden_predictions_and_their_replay(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source = tmp_path / "mine.py"
    source.write_text(SOURCE)
    before = STATES["numpy"]()
    asked = save_model(source, tmp_path / "asked", example=[[1.0], [2.0]])
    assert open_model(asked, trust=True).replay.verdict == "equal" and (asked / "golden.json").exists()
    assert STATES["numpy"]() == before
    with drawer(random.random):
        replay = open_model(asked, trust=True).replay
        assert replay.verdict == "none" and "another thread" in replay.reason
        load_model(asked, trust=True)
        assert not caplog.messages
        with pytest.raises(ArtifactError, match="not asked for"):
            load_model(asked, trust=True, strict_golden=True)
        unasked = save_model(source, tmp_path / "unasked", example=[[1.0], [2.0]])
    assert "golden predictions left out" in caplog.messages[-1]
    assert not (unasked / "golden.json").exists()
    assert STATES["numpy"]() == before
