"""How a loop was left: by going on to its end, or by an exception that nobody told us of."""

from __future__ import annotations

import dis
import inspect
import sys
from collections.abc import Iterable
from types import FrameType, TracebackType
from typing import Any

from .heap import holders_of
from .places import Place, loops_of

#: Code of which calls can be suspended: their frames lie about without having been left by an exception.
_SUSPENDABLE = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


class LeftByException(Exception):
    """Stands for an exception that ended a loop, where nothing but that is known of it."""


def broke(error: BaseException, place: Place, made: Place | None) -> bool:
    """True where the exception came out of the loop in which an optimizer stepped at ``place``.

    A loop in which the optimizer was ``made``, too, is one over several trainings: it may be left after this one.
    """
    calls = dict(place)
    birth = dict(made or ())
    innermost = place[-1][0] if place else None
    trace: TracebackType | None = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        at = calls.get(code)
        if at is not None:
            around = [loop for loop in loops_of(code) if loop[0] <= at <= loop[1]]
            if not around and code is innermost:
                return True
            for begin, end in around:
                if begin <= trace.tb_lasti <= end and not begin <= birth.get(code, -1) <= end:
                    return True
        trace = trace.tb_next
    return False


def dying_of_exception(frame: FrameType | None) -> bool:
    """True where ``frame`` is at this moment letting go of an exception that it has caught: for callbacks of weak
    references to what the functions that the exception left had among their locals."""
    if frame is None:
        return False
    instructions = [each for each in dis.get_instructions(frame.f_code) if each.opname != "CACHE"]
    index = next((n for n, each in enumerate(instructions) if each.offset == frame.f_lasti), None)
    if index is None:
        return False
    names = [each.opname for each in instructions[max(index - 2, 0) : index + 1]]
    if names[-1] == "POP_EXCEPT":
        return True
    # `except Error as error:` ends with `error = None`
    return names[-1].startswith("STORE_") and names[0] == "POP_EXCEPT" and instructions[index - 1].argval is None


def exception_behind(objects: Iterable[Any]) -> BaseException | None:
    """The exception that left a function which had one of the objects among its locals, where it is still around.

    Asked when a training is over and its optimizers live: a frame that is no longer running and still has its locals
    is held by a traceback. Costs a walk over the process's objects.
    """
    running = _running()
    holder: Any = None
    try:
        for obj in objects:
            for holder in holders_of(obj, FrameType):
                if id(holder) not in running and not _is_ours(holder):
                    suspended = holder.f_code.co_flags & _SUSPENDABLE
                    found = None if suspended else _of_frame(holder)
                    if found is not None:
                        return found
        return None
    finally:
        del holder  # our own frame is among them, and would hold itself, and the user's below it


def _is_ours(frame: FrameType) -> bool:
    """True for what is left over of a description that could not be made: it is no part of the loop."""
    return dict.get(frame.f_globals, "__package__") == __package__


def _running() -> set[int]:
    found: set[int] = set()
    frame: FrameType | None
    for frame in list(sys._current_frames().values()):
        while frame is not None:  # and so no frame is left in the variable
            found.add(id(frame))
            frame = frame.f_back
    return found


def _of_frame(frame: FrameType) -> BaseException | None:
    traces = holders_of(frame, TracebackType)
    holder: Any = None
    try:
        while traces:
            trace = traces.pop()
            for holder in holders_of(trace, BaseException, TracebackType):
                if type(holder) is not TracebackType:
                    if holder.__traceback__ is trace:
                        return holder  # type: ignore[no-any-return]
                elif holder.tb_next is trace:
                    traces.append(holder)
        return None
    finally:
        del holder
