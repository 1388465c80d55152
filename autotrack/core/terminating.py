"""SIGTERM and SIGHUP as interrupts, for commands that have something to end first.

Not for programs of users, whose signals stay as they are (ADR 3): a command of ours that starts programs would leave
them behind, half done, where a scheduler, a CI or a terminal that closes ends it.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_NUMBERS = (signal.SIGTERM, signal.SIGHUP)


class Terminated(KeyboardInterrupt):
    """A signal asks this process to end. ``exit_code`` is the one that shells give for it."""

    def __init__(self, number: int) -> None:
        super().__init__(f"ended by {signal.Signals(number).name}")
        self.exit_code = 128 + number


@contextmanager
def termination_as_interrupt() -> Iterator[None]:
    """Inside, the first SIGTERM or SIGHUP raises ``Terminated`` in the main thread, and further ones are ignored.

    A signal that is ignored (``nohup``) or has a handler already keeps that. Off the main thread nothing changes.
    """
    ours: list[signal.Signals] = []

    def raise_once(number: int, _frame: FrameType | None) -> None:
        for one in ours:
            signal.signal(one, signal.SIG_IGN)
        raise Terminated(number)

    if threading.current_thread() is threading.main_thread():
        for number in _NUMBERS:
            if signal.getsignal(number) is signal.SIG_DFL:
                ours.append(number)
                signal.signal(number, raise_once)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


def exit_code_of(error: BaseException | None) -> int:
    """The exit code of a process that an interrupt ended: 130, or that of the signal behind it."""
    return error.exit_code if isinstance(error, Terminated) else 130
