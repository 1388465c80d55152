"""Threads of ours run beside the program and are not among those that it finds."""

import _thread
import os
import signal
import threading
import time

import pytest

from autotrack.core.background import Background


def test_the_program_does_not_find_it() -> None:
    before = threading.enumerate()
    begun, go = threading.Event(), threading.Event()
    seen: list[object] = []

    def work() -> None:
        seen.append((threading.get_ident(), thread.is_current(), thread.is_alive()))
        begun.set()
        go.wait(10)

    thread = Background(work)
    assert not thread.is_alive()
    thread.start()
    assert begun.wait(10)
    assert threading.enumerate() == before
    assert thread.is_alive() and not thread.is_current()
    thread.join(time.monotonic() + 0.01)
    assert thread.is_alive(), "it is waited for until the deadline, not longer"
    go.set()
    thread.join(time.monotonic() + 10)
    assert not thread.is_alive() and not thread.is_current()
    assert seen != [] and seen[0] != (threading.get_ident(), True, True)
    assert seen[0][1:] == (True, True)  # type: ignore[index]
    assert threading.enumerate() == before


def test_it_leaves_the_list_again_where_others_have_entered_it() -> None:
    before = threading.enumerate()
    asked, rest, rested = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        threading.current_thread()
        asked.set()
        rest.wait(10)
        while not rested.is_set():
            thread.rest(rested, 0.01)

    thread = Background(work)
    thread.start()
    try:
        assert asked.wait(10)
        assert len(threading.enumerate()) == len(before) + 1, "nothing enters it, and this test says nothing"
        rest.set()
        until = time.monotonic() + 10
        while threading.enumerate() != before and time.monotonic() < until:
            pass
        assert threading.enumerate() == before
    finally:
        rest.set()
        rested.set()
        thread.join(time.monotonic() + 10)


def test_it_does_not_wait_for_itself() -> None:
    took: list[float] = []

    def work() -> None:
        began = time.monotonic()
        thread.join(began + 10)
        took.append(time.monotonic() - began)

    thread = Background(work)
    thread.start()
    thread.join(time.monotonic() + 10)
    assert took and took[0] < 5


def test_a_signal_does_not_meet_it_before_python_knows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """faulthandler writes nothing in a thread that Python does not know yet: SIGTERM would leave no last word."""
    noted = {signal.SIGTERM, signal.SIGHUP}
    born, works = [], []
    start = _thread.start_new_thread

    def start_new_thread(*arguments: object) -> int:
        born.append(signal.pthread_sigmask(signal.SIG_BLOCK, ()))
        return start(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(_thread, "start_new_thread", start_new_thread)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})
    try:
        thread = Background(lambda: works.append(signal.pthread_sigmask(signal.SIG_BLOCK, ())))
        thread.start()
        assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before | {signal.SIGUSR2}
        thread.join(time.monotonic() + 10)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    assert noted <= born[0] and works == [before | {signal.SIGUSR2}]


def test_a_handler_that_raises_where_it_starts_leaves_the_signals_as_they_were() -> None:
    class Stop(Exception):
        pass

    def stop(*_: object) -> None:
        raise Stop

    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    before = signal.signal(signal.SIGTERM, stop)
    started = _thread.start_new_thread

    def start_new_thread(*arguments: object) -> int:
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)  # one to the process may meet another thread
        return started(*arguments)  # type: ignore[arg-type]

    try:
        with pytest.MonkeyPatch.context() as patch, pytest.raises(Stop):
            patch.setattr(_thread, "start_new_thread", start_new_thread)
            Background(lambda: None).start()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == mask


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_it_is_not_alive_in_a_forked_child() -> None:
    go = threading.Event()
    thread = Background(go.wait)
    thread.start()
    child = os.fork()
    if not child:
        thread.join(time.monotonic() + 60)  # would wait for what nobody sets there
        os._exit(3 if thread.is_alive() else 0)
    try:
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert thread.is_alive()
    finally:
        go.set()
        thread.join(time.monotonic() + 10)


def test_tracing_of_threads_reaches_it() -> None:
    """As it reaches those of ``threading``: coverage is measured so."""
    traced: list[str] = []
    before = threading.gettrace()
    threading.settrace(lambda frame, event, arg: traced.append(frame.f_code.co_name))  # type: ignore[arg-type, return-value]
    try:
        thread = Background(_named_for_the_trace)
        thread.start()
        thread.join(time.monotonic() + 10)
    finally:
        threading.settrace(before)  # type: ignore[arg-type]
    assert "_named_for_the_trace" in traced


def _named_for_the_trace() -> None:
    pass
