"""How a program ended, learnt without a hook that the user could notice.

An uncaught exception stands in ``sys.last_value`` when exit handlers run, so ``sys.excepthook`` stays the user's. A
deadly signal is written down by C code (``journal.lastwords``), so signal handlers stay the user's. The exit code is
known to nobody inside Python, whatever way ``SystemExit`` was raised: ``write_exit_code`` has C write it down.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NamedTuple

#: True from our exit handler on.
begun = False


class Ending(NamedTuple):
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


def uncaught() -> BaseException | None:
    """The exception that ends the program, asked from an exit handler; None where there is none.

    An interactive session goes on after an error, so there the last one says nothing about the end.
    """
    if hasattr(sys, "ps1") or sys.flags.interactive or "ipykernel" in sys.modules:
        return None
    found = getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)
    return found if isinstance(found, BaseException) else None


def exit_path(journal: Path) -> Path:
    """The file beside a journal that holds its program's exit code, as one byte."""
    return journal.with_name(journal.name + ".exit")


def write_exit_code(journal: Path) -> bool:
    """Has the exit code of this process written beside the journal when it ends. False where that cannot be done.

    glibc's ``on_exit`` calls a C function with the status and one pointer after the interpreter is gone; ``fputc``
    with a stream is such a function. Nothing of Python runs then, and a process that is killed writes nothing. Called
    from an exit handler only, so that neither a forked child nor a program that closes descriptors meets the stream.
    """
    import ctypes

    libc = ctypes.CDLL(None)
    if not all(hasattr(libc, name) for name in ("on_exit", "fputc", "fdopen")):
        return False
    libc.fdopen.restype = ctypes.c_void_p
    libc.on_exit.argtypes = (ctypes.c_void_p, ctypes.c_void_p)
    descriptor = os.open(exit_path(journal), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    stream = libc.fdopen(descriptor, b"w")
    if not stream:
        os.close(descriptor)
        return False
    return bool(libc.on_exit(ctypes.cast(libc.fputc, ctypes.c_void_p), stream) == 0)


def read_exit_code(journal: Path) -> int | None:
    """The exit code that a program left beside its journal; None where it left none."""
    try:
        content = exit_path(journal).read_bytes()
    except OSError:
        return None
    return content[0] if content else None
