"""A store that is slow to open, or hangs: nothing in the program waits for it that does not ask it."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import autotrack
from autotrack.core.entities import Delivery
from autotrack.core.journal import JournalWriter
from autotrack.core.plugins import registry
from autotrack.core.runs import trackers
from autotrack.core.runs.deliverer import PASS
from autotrack.core.runs.starting import implicit_run
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
        implicit_run()
    assert waited == [False]


class Away:
    """A remote store whose deliveries take until they are let go."""

    eager = True

    def __init__(self) -> None:
        self.begun, self.released = threading.Event(), threading.Event()
        self.deadlines: list[float | None] = []
        self.closed = 0

    def deliver(self, folder: Path, *, deadline: float | None = None) -> Delivery:
        self.deadlines.append(deadline)
        self.begun.set()
        self.released.wait()
        return Delivery()

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def away(register: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Away]:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))  # its journals wait there
    monkeypatch.setenv("AUTOTRACK_TRACKING_URI", "away://host.example")
    sink = Away()
    register("away", open_sink=lambda uri: sink if uri.startswith("away") else None)
    yield sink
    sink.released.set()
    trackers.close_all()


def test_a_store_that_hangs_holds_up_no_other_work(away: Away, monkeypatch: pytest.MonkeyPatch) -> None:
    with autotrack.start_run("first"):
        assert away.begun.wait(HANGS)
    tracker = trackers.tracker()
    beats: list[float] = []
    written = threading.Event()
    monkeypatch.setattr(JournalWriter, "sync", lambda self: beats.append(time.monotonic()))
    tracker.later("a job", written.set)
    assert written.wait(HANGS)
    random.random()  # another state than that of the first run
    with autotrack.start_run("second"):
        pass
    assert tracker.drain(HANGS) and beats
    assert tracker.recorder.objects.has(tracker.recorder._random or "")
    (deadline,) = away.deadlines
    assert deadline is not None and time.monotonic() < deadline <= time.monotonic() + PASS


def test_the_end_waits_for_a_store_that_hangs_no_longer_than_it_may(
    away: Away, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AUTOTRACK_EXIT_TIMEOUT", "0.5")
    with autotrack.start_run():
        assert away.begun.wait(HANGS)
    tracker = trackers.tracker()
    location, courier = tracker.location, tracker._courier
    assert courier is not None and courier.deliverer.is_busy
    closing = in_thread(trackers.close_all)
    closing.join(HANGS)
    assert not closing.is_alive()
    assert "`autotrack sync` delivers them" in caplog.text and list(location.journal.glob("*.atj"))
    assert not away.closed  # it is in use
    away.released.set()
    give_up = time.monotonic() + HANGS
    while courier.deliverer.is_busy and time.monotonic() < give_up:
        time.sleep(0.01)
    assert not courier.deliverer.is_busy and len(away.deadlines) == 1


def test_what_is_left_at_the_end_is_delivered(away: Away, caplog: pytest.LogCaptureFixture) -> None:
    away.released.set()
    with autotrack.start_run():
        assert away.begun.wait(HANGS)
    passes = len(away.deadlines)
    trackers.close_all()
    assert len(away.deadlines) > passes and away.closed == 1 and not caplog.text


@pytest.mark.parametrize("ending", ["", "import sys; sys.exit(3)", "raise ValueError"])
def test_a_program_ends_beside_a_store_that_hangs(script: Any, store: Path, ending: str) -> None:
    source = f"""
        import threading
        from types import SimpleNamespace
        import autotrack
        from autotrack.core.plugins import registry
        from autotrack.plugin import hookimpl
        begun = threading.Event()
        def deliver(folder, *, deadline=None):
            begun.set()
            threading.Event().wait()
        sink = SimpleNamespace(eager=True, deliver=deliver, close=lambda: None)
        registry.plugins().register(SimpleNamespace(open_sink=hookimpl(lambda uri: sink)), "hangs")
        with autotrack.start_run():
            begun.wait()
        {ending}
        """
    where = {"AUTOTRACK_TRACKING_URI": "away://host.example", "HOME": str(store.parent / "home")}
    done = script(source, timeout=HANGS, AUTOTRACK_EXIT_TIMEOUT="0.5", **where)
    assert done.returncode == (3 if "exit" in ending else 1 if ending else 0)
    assert "`autotrack sync` delivers them" in done.stderr
