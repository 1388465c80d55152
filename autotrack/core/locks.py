"""Locks that a forked child gets anew, for another thread of the parent may have held them."""

from __future__ import annotations

import os
import threading
import weakref

_all: weakref.WeakSet[Lock] = weakref.WeakSet()


class Lock:
    """A reentrant lock for ``with``, free again in a forked child unless the forking thread itself holds it.

    Every lock of ours that code of a child may come to is one of these.
    """

    __slots__ = ("__weakref__", "_lock")

    def __init__(self) -> None:
        self._lock = threading.RLock()
        _all.add(self)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def renew(self) -> None:
        """Frees the lock from threads that are not there any more."""
        # The thread that forked goes on in the child under the same number, inside its own ``with`` block.
        if not self._lock._is_owned():  # type: ignore[attr-defined]
            self._lock = threading.RLock()


def _renew_all() -> None:
    for lock in list(_all):
        lock.renew()


if hasattr(os, "register_at_fork"):
    # At import: it must run before what else a child does first, and child handlers run in the order of registration.
    os.register_at_fork(after_in_child=_renew_all)
