"""Truths of several processes that serve one model: answers wait in a file that all of them share."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from autotrack.plugin import attempt

from ..observing import GATHERED
from .truths import MOST_ROWS, Score

if TYPE_CHECKING:
    from ..observing import Observation

_TABLES = """
CREATE TABLE IF NOT EXISTS answers (request TEXT PRIMARY KEY, rows INTEGER, kind TEXT, given TEXT);
CREATE TABLE IF NOT EXISTS score (count INTEGER, right INTEGER, absolute REAL, squared REAL, numbers INTEGER);
"""
_FORGET = """
DELETE FROM answers WHERE rowid IN (
    SELECT n FROM (SELECT rowid AS n, sum(rows) OVER (ORDER BY rowid DESC) AS total FROM answers) WHERE total > ?
)
"""
#: Seconds that a process waits for another one that writes.
_PATIENCE = 5.0


class Ledger:
    """Answers are written down in batches, off the way of requests; whichever process a truth comes to joins it, and
    once. The sums are those of all."""

    #: Until what was observed is written down, with some time for the writing.
    settles = 2 * GATHERED + 0.2

    def __init__(self, path: Path, most_rows: int = MOST_ROWS) -> None:
        self.most_rows = most_rows
        self._lock = threading.Lock()  # sqlite3's connection is used by the loop and by the observer
        self._connection = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=OFF")  # it is gone with the server anyway
        self._connection.executescript(_TABLES)
        self._swept = time.monotonic()

    def remember(self, request: str, answers: Any) -> None:
        """Nothing: what was observed is recorded (``record``)."""

    def record(self, observations: Sequence[Observation]) -> None:
        """Writes the answers down."""
        entries = []
        for one in observations:
            values = np.asarray(one.answers)
            if one.request and values.ndim == 1 and values.dtype.kind in "iufbUO":
                given, _ = attempt(json.dumps, values.tolist())
                if given is not None:  # objects of the model's own are no truths, and cost themselves alone
                    entries.append((one.request, len(values), values.dtype.kind, given))
        with self._lock, self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?)", entries)
        self.tick()

    def tick(self) -> None:
        """Now and then, the oldest answers go where there are too many."""
        if time.monotonic() - self._swept < 5.0:
            return
        self._swept = time.monotonic()
        with self._lock, self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute(_FORGET, (self.most_rows,))

    def close(self) -> None:
        """Nothing: the file goes with the server."""

    def join(self, request: str, truths: list[Any]) -> int | None:
        """See ``Truths``."""
        with self._lock, self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            taken = "DELETE FROM answers WHERE request = ? RETURNING kind, given"
            found = self._connection.execute(taken, (request,)).fetchone()
            if found is None:
                return None
            kind, given = found
            score = self._score()
            answers = np.asarray(json.loads(given), float if kind == "f" else None)
            score.add(request, answers, truths)  # what does not fit takes the deletion back
            self._connection.execute("DELETE FROM score")
            self._connection.execute("INSERT INTO score VALUES (?, ?, ?, ?, ?)", astuple(score))
        return len(truths)

    @property
    def count(self) -> int:
        with self._lock:
            return self._score().count

    def measures(self) -> dict[str, float]:
        """See ``Truths``."""
        with self._lock:
            return self._score().measures()

    def _score(self) -> Score:
        row = self._connection.execute("SELECT * FROM score").fetchone()
        return Score() if row is None else Score(row[0], row[1], row[2], row[3], bool(row[4]))
