"""Which watched call is open here: the stack of frames that nesting is decided by.

A frame belongs to one watched call. It is carried in a ContextVar, so every thread and every asyncio task has its own
stack; ``bridges.py`` carries it to joblib's threads. A closed frame counts as none: it may linger in a worker thread's
context, where nobody is left to reset it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .capture import Call, Recording

CLOSED = 0
#: The original runs: nested calls follow their own policy.
OPEN = 1
#: Code of ours runs: whatever it calls is not watched.
SEALED = 2


class Frame:
    """One open watched call.

    ``call`` is None for a frame that only seals. ``run`` is what nested calls with the policy ``join`` log to, None
    where none could be opened. ``outer`` is the frame around this one.
    """

    __slots__ = ("__weakref__", "call", "outer", "run", "state")

    def __init__(self, call: Call | None, outer: Frame | None, state: int = SEALED) -> None:
        self.call = call
        self.outer = outer
        self.run: Recording | None = None
        self.state = state

    def close(self) -> None:
        """Ends the frame and lets go of everything that it held."""
        self.state = CLOSED
        self.call = None
        self.run = None
        self.outer = None


#: The innermost frame of this context. Read ``state`` before use: it may be closed.
FRAME: ContextVar[Frame | None] = ContextVar("autotrack_frame", default=None)


def current_frame() -> Frame | None:
    """The innermost frame of a watched call that is open in this context, or None."""
    frame = FRAME.get()
    while frame is not None and (frame.call is None or frame.state == CLOSED):
        frame = frame.outer
    return frame


@contextmanager
def sealed() -> Iterator[None]:
    """``with sealed():`` — watched calls inside are plain calls (for code of ours that predicts, fits or loads)."""
    outer = FRAME.get()
    frame = Frame(None, outer)
    FRAME.set(frame)
    try:
        yield
    finally:
        frame.close()
        FRAME.set(outer)
