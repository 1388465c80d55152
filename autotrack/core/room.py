"""Room on the interpreter's own stack, which CPython makes of pieces of 16 KB.

A call that no longer fits gets a new piece, and gives it back when it returns. Where the end of one comes to lie under
a loop, as happens by chance amid the imports of a large library, each turn maps and unmaps memory: a tenth of all the
time that scikit-learn takes to be imported.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

#: Entries of the stack. A piece is as large as the next power of two that the frame fits in (CPython's ``push_chunk``):
#: of 256 KB this leaves a half, room for hundreds of calls.
_ENTRIES = (1 << 17) // 8


def with_room(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What the function answers, called with one large piece of stack for all that it calls."""
    return function(*args, **kwargs)


with_room.__code__ = with_room.__code__.replace(co_stacksize=_ENTRIES)
