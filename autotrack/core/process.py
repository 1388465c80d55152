"""What kind of process this is: the main one, a worker of it, or a rank above zero of a distributed job.

Only the main process records. A worker (multiprocessing, loky, a fork of a tracked process) would record the parent's
training a second time, and so would the other ranks.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Literal

from .guard import guard

Role = Literal["main", "worker", "rank"]

#: The first of these that is set says the rank (the order that Lightning uses).
RANK_VARIABLES = ("RANK", "LOCAL_RANK", "SLURM_PROCID", "JSM_NAMESPACE_RANK")

_callbacks: list[tuple[str, Callable[[], None]]] = []
_tracked = False
_forked = False
_leads = False
_registered = False


def role(choose: Callable[[], str | None] | None = None) -> Role:
    """``"main"``, ``"worker"`` or ``"rank"``, worked out anew at each call (microseconds).

    ``choose`` is asked for processes that autotrack does not recognise by itself (the ``process_role`` hook).
    """
    if _forked or (_is_worker() and not _leads):
        return "worker"
    for name in RANK_VARIABLES:
        value = os.environ.get(name, "").strip()
        if value.isdecimal():
            if int(value) > 0:
                return "rank"
            break
    chosen = choose() if choose is not None else None
    if chosen == "worker":
        return "worker"
    return "rank" if chosen == "rank" else "main"


def imports_main() -> bool:
    """True in a spawned child that is importing the parent's ``__main__``: what stands at its top has run there."""
    process = sys.modules.get("multiprocessing.process")
    return process is not None and bool(getattr(process.current_process(), "_inheriting", False))


def lead() -> None:
    """This worker process is the first rank of a job whose parent only waits: it records as a main process does."""
    global _leads
    _leads = True


def mark_tracked() -> None:
    """This process records from now on, so that children forked from it go quiet."""
    global _tracked
    _register()
    _tracked = True


def on_fork(name: str, callback: Callable[[], None]) -> None:
    """Calls ``callback()`` in every child that is forked from here on, guarded, in the order of registration.

    It runs before any other Python code of the child, but after locks have been freed (``core/locks.py``): it may drop
    handles, and must not wait.
    """
    _register()
    _callbacks.append((name, callback))


def _register() -> None:
    global _registered
    if not _registered and hasattr(os, "register_at_fork"):
        _registered = True
        os.register_at_fork(after_in_child=_after_fork)


def _after_fork() -> None:
    global _forked
    guard.reset()
    if _tracked:
        _forked = True
    for name, callback in _callbacks:
        guard.call(f"fork of {name}", callback)


def _is_worker() -> bool:
    # multiprocessing is asked only where somebody imported it: a child of it always has.
    process = sys.modules.get("multiprocessing.process")
    if process is not None:
        if process.parent_process() is not None:
            return True
        if imports_main():
            return True
    # Wherever multiprocessing is imported __mp_main__ is an alias of __main__; only in a child is it called so.
    return getattr(sys.modules.get("__mp_main__"), "__name__", None) == "__mp_main__"
