"""Runs whose machine vanished for good: nothing is heard of their writer any more, and nobody else will say so."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Engine, select

from autotrack.core.config import usable_settings

from .. import schema
from ..engines.dialect import begin_read

#: Seconds between two looks, of all processes of this machine together.
EVERY = 60.0
#: A writer that lives says so this often, so that less silence than twice as much means nothing.
SIGN_OF_LIFE = 60.0
#: Writers whose runs are ended in one look.
AT_ONCE = 1000


class Silence:
    """Ends the runs of writers that were not heard of for the setting ``lost_after``.

    ``end(writer, before)`` ends those of one writer unless it was heard of since ``before`` (ns). ``stamp`` is a file
    whose time says when somebody looked last.
    """

    def __init__(self, engine: Engine, end: Callable[[str, int], None], stamp: Path) -> None:
        self._engine = engine
        self._end = end
        self._stamp = stamp
        self._next = 0.0
        self._limit: float | None = None

    def look(self) -> int:
        """Looks if it is time to; answers how many writers were silent for too long (StoreError)."""
        if not self._is_due():
            return 0
        if self._limit is None:
            asked = usable_settings()[0].lost_after
            self._limit = max(asked, 2 * SIGN_OF_LIFE) if asked > 0 else 0.0
        if not self._limit:
            return 0
        before = time.time_ns() - int(self._limit * 1e9)
        writers = schema.writers
        silent = select(writers.c.writer).where(writers.c.state == "live", writers.c.last_seen < before).limit(AT_ONCE)
        with begin_read(self._engine) as connection:
            found = list(connection.execute(silent).scalars())
        for writer in found:
            self._end(writer, before)
        return len(found)

    def _is_due(self) -> bool:
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + EVERY
        try:
            if abs(time.time() - self._stamp.stat().st_mtime) < EVERY:
                return False
            os.utime(self._stamp)
        except OSError:  # there is none, or it is somebody else's: this process looks for itself
            pass
        return True
