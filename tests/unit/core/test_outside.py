"""Runs that somebody else than the code that opened them ends, carries on or works for."""

from __future__ import annotations

import threading
from contextvars import Context
from pathlib import Path

import pytest

import autotrack
from autotrack.core.guard import guard
from autotrack.core.runs import trackers
from autotrack.core.runs.looprun import LoopRun
from autotrack.core.runs.starting import implicit_run
from autotrack.core.runs.trackers import tracker
from autotrack.plugin import carry_on, end_run, later


def status(name: str) -> str:
    (run,) = autotrack.search_runs(f"name = '{name}'")
    return str(run.status)


def test_a_run_ends_as_its_error_says(store: Path) -> None:
    for name, error in {"fine": None, "bad": ValueError("bad"), "stopped": KeyboardInterrupt()}.items():
        end_run(autotrack.start_run(name), error)
    assert [status(name) for name in ("fine", "bad", "stopped")] == ["FINISHED", "FAILED", "KILLED"]


def test_one_that_has_ended_stays_as_it_is(store: Path) -> None:
    run = autotrack.start_run("over")
    run.finish()
    end_run(run, ValueError())
    assert status("over") == "FINISHED"


def test_the_programs_own_run_fails_with_it(store: Path) -> None:
    autotrack.log_metric("m", 1.0)
    end_run(implicit_run(), ValueError())
    assert [str(run.status) for run in autotrack.search_runs()] == ["FAILED"]


@pytest.mark.parametrize("judgement", [None, ArithmeticError("in the loop")])
def test_a_loop_is_asked_how_it_ended(store: Path, judgement: BaseException | None) -> None:
    loop = LoopRun("test", "test:loop", "loop")
    loop.judged_by(lambda error: judgement if isinstance(error, ValueError) else LookupError())
    loop.log_metric("m", 1.0)
    end_run(loop.run, ValueError("behind the loop"))
    assert status("loop") == ("FINISHED" if judgement is None else "FAILED")
    assert not loop.is_open


def test_the_end_of_a_program_waits_for_a_loop_that_is_ending(store: Path) -> None:
    loop = LoopRun("test", "test:loop", "loop")
    ending, over = threading.Event(), threading.Event()

    def last_things() -> None:
        ending.set()
        over.wait(0.5)  # long enough for the program's end to come before
        loop.log_metric("last", 1.0)

    loop.log_metric("m", 1.0)
    loop.at_end(last_things)
    loop.abandon(ArithmeticError("in the loop"))
    assert ending.wait(10)
    trackers.close_all()
    over.set()
    (run,) = autotrack.search_runs()
    assert str(run.status) == "FAILED" and "in the loop" in (run.error or "") and run.metrics["last"] == 1.0


def test_the_end_of_a_program_that_cannot_wait_for_a_loop_knows_how_it_ended(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTOTRACK_EXIT_TIMEOUT", "0.1")
    loop = LoopRun("test", "test:loop", "loop")
    ending, over = threading.Event(), threading.Event()
    loop.log_metric("m", 1.0)
    loop.at_end(lambda: ending.set() or over.wait(10))
    loop.abandon(ArithmeticError("in the loop"))
    assert ending.wait(10)
    trackers.close_all()
    over.set()
    assert status("loop") == "FAILED"


@pytest.mark.parametrize("judgement", [None, ArithmeticError("in the loop")])
def test_the_end_of_a_program_asks_a_loop_too(store: Path, judgement: BaseException | None) -> None:
    loop = LoopRun("test", "test:loop", "loop")
    loop.judged_by(lambda error: judgement)
    loop.log_metric("m", 1.0)
    trackers.close_all()
    assert status("loop") == ("FINISHED" if judgement is None else "FAILED")


def test_a_run_goes_on_in_another_context(store: Path) -> None:
    first, second = autotrack.start_run("first"), Context().run(autotrack.start_run, "second")

    def elsewhere() -> tuple[object, object]:
        carry_on(second)
        before = autotrack.active_run()
        second.finish()
        return before, autotrack.active_run()

    assert Context().run(elsewhere) == (second, first)
    Context().run(carry_on, second)  # one that has ended is nobody's active run
    assert autotrack.active_run() is first
    first.finish()


def test_a_job_is_done_on_another_thread(store: Path) -> None:
    done: list[threading.Thread] = []
    with autotrack.start_run() as run:
        later(run, "test.job", lambda: done.append(threading.current_thread()))
        assert tracker().drain(10)
    assert done and done[0] is not threading.current_thread()


@pytest.mark.guarded
def test_a_job_that_fails_three_times_is_not_done_again(store: Path) -> None:
    calls: list[int] = []

    def job() -> None:
        calls.append(1)
        raise ValueError("a bug")

    with autotrack.start_run() as run:
        for _ in range(5):
            later(run, "test.failing", job)
        assert tracker().drain(10)
    assert len(calls) == 3 and {failure.site for failure in guard.failures} == {"test.failing"}
    assert "a bug" in str(run.health["errors"])
