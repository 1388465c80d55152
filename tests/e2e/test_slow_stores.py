"""A store that is slow to open, or hangs: nothing in the program waits for it that does not ask it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import autotrack
from autotrack.core.plugins import registry
from autotrack.core.runs import trackers
from autotrack.plugin import hookimpl
from autotrack.store.store import Store

#: Seconds after which something is taken to hang that should take microseconds.
HANGS = 20.0


@pytest.fixture
def register(store: Path) -> Iterator[Any]:
    """Takes in hooks as a plugin, for one test."""
    names: list[str] = []

    def take_in(name: str, **hooks: Callable[..., Any]) -> None:
        names.append(name)
        plugin = SimpleNamespace(**{hook: hookimpl(function) for hook, function in hooks.items()})
        registry.plugins().register(plugin, name)

    yield take_in
    trackers.close_all()
    for name in names:
        registry.plugins().unregister(name)


def in_thread(function: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=function, daemon=True)
    thread.start()
    return thread


def test_logging_does_not_wait_for_a_store_that_is_being_opened(register: Any) -> None:
    opening, may_open = threading.Event(), threading.Event()

    def open_sink(uri: str) -> Any:
        opening.set()
        may_open.wait(HANGS)
        return Store.open(uri)

    register("slow", open_sink=open_sink)
    with autotrack.start_run() as run:
        found: list[Any] = []
        reading = in_thread(lambda: found.append(run.metrics))
        assert opening.wait(HANGS)
        logging = in_thread(
            lambda: (run.log_metric("loss", 1.0), autotrack.log_metric("new", 2), run.log_param("p", 1))
        )
        logging.join(HANGS / 2)
        waited = logging.is_alive()
        may_open.set()
        reading.join()
        assert not waited and found
    assert run.metrics == {"loss": 1.0, "new": 2}


def test_logging_to_one_run_does_not_wait_for_the_store_that_another_asks(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that was read from the store asks it where its automatic steps begin."""
    with autotrack.start_run() as first:
        first.log_metric("loss", 1.0)
    asked, may_answer = threading.Event(), threading.Event()
    real = Store.metric_summaries

    def slow(self: Store, run_id: str) -> Any:
        asked.set()
        may_answer.wait(HANGS)
        return real(self, run_id)

    monkeypatch.setattr(Store, "metric_summaries", slow)
    again = autotrack.get_run(first.id)
    resuming = in_thread(lambda: again.log_metric("loss", 2.0))
    assert asked.wait(HANGS)
    with autotrack.start_run() as other:
        logging = in_thread(lambda: other.log_metric("loss", 3.0))
        logging.join(HANGS / 2)
        waited = logging.is_alive()
        may_answer.set()
        resuming.join()
    assert not waited
    assert list(autotrack.get_run(first.id).metric_history("loss").steps) == [0, 1]


def test_an_observer_may_wait_for_a_thread_that_logs(register: Any) -> None:
    """The program's own run starts with its first value, and observers are told of it meanwhile."""
    with autotrack.start_run() as run:
        waited: list[bool] = []

        def log_and_wait() -> None:
            logging = in_thread(lambda: run.log_metric("loss", 1.0))
            logging.join(HANGS / 2)
            waited.append(logging.is_alive())

        def run_started(run: Any) -> None:
            log_and_wait()

        register("observer", run_started=run_started)
        trackers.tracker().implicit()
    assert waited == [False]
