"""How a program ended, learnt without a hook that the user could notice.

An uncaught exception stands in ``sys.last_value`` when exit handlers run, so ``sys.excepthook`` stays the user's. A
deadly signal is written down by C code (``journal.lastwords``), so signal handlers stay the user's. Only the code of
``sys.exit`` leaves no trace: the function is wrapped while a run without a ``with`` block is open.
"""

from __future__ import annotations

import sys
import traceback
from dataclasses import dataclass
from typing import Any, NoReturn

from .guard import attempt


@dataclass(frozen=True, slots=True)
class Ending:
    """A status, the exception behind it if there is one, and the exit code if it is known."""

    status: str
    error: BaseException | None = None
    exit_code: int | None = None


def ending_of(error: BaseException | None) -> Ending:
    """The ending that an exception (or none) means for the run that it leaves."""
    if error is None or isinstance(error, GeneratorExit):
        return Ending("FINISHED")
    if isinstance(error, KeyboardInterrupt):
        return Ending("KILLED", error, 130)
    if isinstance(error, SystemExit):
        code = exit_code(error.code)
        return Ending("FAILED" if code else "FINISHED", error if code else None, code)
    return Ending("FAILED", error, 1)


def exit_code(code: object) -> int:
    """The process's exit code for the argument of SystemExit: None is 0, text is printed and means 1."""
    if code is None:
        return 0
    return code & 0xFF if isinstance(code, int) else 1


#: Characters of a traceback that are kept; what is left out in the middle is said.
LONGEST_TRACEBACK = 64_000


def described(error: BaseException) -> str:
    """The traceback as text; an exception whose own text fails is named by its type."""
    text, _ = attempt(lambda: "".join(traceback.format_exception(error)))
    text = text or type(error).__name__
    left_out = len(text) - LONGEST_TRACEBACK
    half = LONGEST_TRACEBACK // 2
    return text if left_out <= 0 else f"{text[:half]}\n... {left_out} characters left out ...\n{text[-half:]}"


class ExitWatch:
    """Knows, when exit handlers run, how the main program ended."""

    def __init__(self) -> None:
        self._original: Any = None
        self._wrapper: Any = None
        self._asked: object = None
        self._was_asked = False
        self._seen_before = _last_error()

    def arm(self) -> None:
        """Starts to watch ``sys.exit``. Idempotent."""
        if self._wrapper is not None:
            return
        original = sys.exit
        self._seen_before = _last_error()

        def exit(status: Any = None, /) -> NoReturn:
            self._asked, self._was_asked = status, True
            original(status)

        exit.__doc__ = original.__doc__
        exit.__module__ = "sys"
        exit.__qualname__ = "exit"
        self._original, self._wrapper = original, exit
        sys.exit = exit

    def disarm(self) -> None:
        """Puts ``sys.exit`` back, unless somebody else has replaced it since."""
        if self._wrapper is not None and sys.exit is self._wrapper:
            sys.exit = self._original
        self._wrapper = None

    def still_running(self) -> None:
        """The program went on after ``sys.exit`` (somebody caught it)."""
        self._was_asked = False

    def ending(self) -> Ending:
        """How the program ended, as far as it can be known from an exit handler."""
        error = _last_error()
        if error is not None and error is not self._seen_before:
            return ending_of(error)
        if self._was_asked:
            return ending_of(SystemExit(self._asked))
        return Ending("FINISHED", None, 0)


def _last_error() -> BaseException | None:
    """The exception that the interpreter printed last, if any."""
    found = getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)
    return found if isinstance(found, BaseException) else None
