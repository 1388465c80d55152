"""Answers that wait for truths in a file: all processes that serve a model share it, and it outlives each of them."""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from autotrack.plugin import Ours, attempt, file_system, find_store, is_network, make_private

from ..observing import GATHERED, MOST_WAITING
from .truths import MOST_ROWS, Score

if TYPE_CHECKING:
    from ..observing import Observation

_TABLES = """
CREATE TABLE IF NOT EXISTS answers (request TEXT PRIMARY KEY, rows INTEGER, kind TEXT, given TEXT);
CREATE TABLE IF NOT EXISTS score (count INTEGER, right INTEGER, absolute REAL, squared REAL, numbers INTEGER);
CREATE TABLE IF NOT EXISTS truths (count INTEGER);
CREATE TABLE IF NOT EXISTS watched (
    server TEXT, process TEXT, at REAL, counts BLOB, PRIMARY KEY (server, process)
);
"""
#: Where nothing says how many truths there were, all of them count in the score: so it was in the first ledgers.
_SCORE = "SELECT score.*, coalesce((SELECT count FROM truths), score.count) FROM score"
_FORGET = """
DELETE FROM answers WHERE rowid IN (
    SELECT n FROM (SELECT rowid AS n, sum(rows) OVER (ORDER BY rowid DESC) AS total FROM answers) WHERE total > ?
)
"""
#: Seconds that a process waits for another one that writes.
_PATIENCE = 5.0
#: Seconds between two looks for answers that are too many.
_SWEPT_EVERY = 5.0
#: Seconds after which nobody asks for the counts of a process any more.
_COUNTED = 86_400.0
#: Days after which the ledger of a model that nobody serves any more goes.
_KEPT_DAYS = 90


def ledger_of(digest: str, *, alone: bool) -> Ledger:
    """The ledger of the model with this digest, in the store's folder on this machine; in memory where nothing can be
    written there. ``alone``: no other process of this server serves it."""
    folder = find_store().place / "serving"
    found, _ = attempt(_opened, folder, f"{digest[:32]}.db", alone)
    return found or Ledger(None)


def _opened(folder: Path, name: str, alone: bool) -> Ledger:
    make_private(folder)
    path = folder / name
    os.close(os.open(Ours(path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))  # sqlite's own follow its mode
    os.utime(path)  # before anybody takes it for one that is not used any more
    for other in folder.glob("*.db"):
        if other.name != name:
            attempt(_removed_if_old, other)
    return Ledger(path, alone=alone)


def _removed_if_old(path: Path) -> None:
    parts = [path, *(Path(f"{path}-{kind}") for kind in ("wal", "shm", "journal"))]
    used = max(part.stat().st_mtime for part in parts if part.exists())
    if time.time() - used > _KEPT_DAYS * 86400:
        for part in parts:
            part.unlink(missing_ok=True)


class Ledger:
    """Answers are written down in batches, off the way of requests; whichever process a truth comes to joins it, and
    once. How good answers were is of all processes, and of all before them."""

    def __init__(self, path: Path | None, most_rows: int = MOST_ROWS, *, alone: bool = False) -> None:
        self.most_rows = most_rows
        #: Until another process has written down what it answered, with some time for the writing.
        self.settles = 0.0 if alone or path is None else 2 * GATHERED + 0.2
        self._young: OrderedDict[str, Any] = OrderedDict()  # answers that are not written down yet
        self._rows = 0
        #: Requests that were written down or found their truth, perhaps before they are recorded.
        self._settled: OrderedDict[str, None] = OrderedDict()
        self._answering = threading.Lock()  # held for a moment, by requests too: of what is young
        self._lock = threading.Lock()  # sqlite3's connection is used by the loop and by the observer
        self._connection: sqlite3.Connection | None = _connected(path)
        self._path = path
        self._process = secrets.token_hex(8)
        self._swept = time.monotonic()

    def remember(self, request: str, answers: Any) -> None:
        """Keeps answers in memory until they are written down."""
        values = np.asarray(answers)
        if values.ndim != 1 or values.dtype.kind not in "iufbUO" or len(values) > self.most_rows:
            return
        with self._answering:
            self._settled.pop(request, None)
            self._rows += len(values) - len(self._young.pop(request, ()))
            self._young[request] = values
            while self._rows > self.most_rows:
                self._rows -= len(self._young.popitem(last=False)[1])

    def record(self, observations: Sequence[Observation]) -> None:
        """Writes the answers down."""
        for one in observations:
            if one.request and one.request not in self._young and one.request not in self._settled:
                self.remember(one.request, one.answers)
        self.tick()

    def tick(self) -> None:
        """Writes down what is in memory only; now and then the oldest answers go where there are too many."""
        self.write()
        self._sweep()

    def write(self) -> None:
        """Writes the answers down that are in memory only. Where that fails they stay there until the next time."""
        if not self._young:
            return
        with self._lock:
            with self._answering:
                found = dict(self._young)
            entries = []
            for request, values in found.items():
                given, _ = attempt(json.dumps, values.tolist())
                if given is not None:  # objects of the model's own are no truths, and cost themselves alone
                    entries.append((request, len(values), values.dtype.kind, given))
            with self._opened() as connection:
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?)", entries)
            for request, values in found.items():
                self._settle(request, values)

    def close(self) -> None:
        """Writes down what is in memory only, and lets the file go."""
        attempt(self.write)
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def join(self, request: str, truths: list[Any]) -> int | None:
        """See ``Truths``."""
        with self._lock:
            with self._opened() as connection:
                connection.execute("BEGIN IMMEDIATE")
                taken = "DELETE FROM answers WHERE request = ? RETURNING kind, given"
                found = connection.execute(taken, (request,)).fetchone()
                with self._answering:
                    # Where it was written down since, the file has it; one that was asked again has its last answers.
                    young = self._young.get(request)
                if found is None and young is None:
                    return None
                answers = young
                if young is None:
                    kind, given = found
                    answers = np.asarray(json.loads(given), float if kind == "f" else None)
                score = _score(connection)
                score.add(request, answers, truths)  # what does not fit takes the deletion back
                *sums, count = astuple(score)
                connection.execute("DELETE FROM score")
                connection.execute("INSERT INTO score VALUES (?, ?, ?, ?, ?)", sums)
                connection.execute("DELETE FROM truths")
                connection.execute("INSERT INTO truths VALUES (?)", (count,))
            self._settle(request, young)
        return len(truths)

    @property
    def count(self) -> int:
        with self._lock:
            return _score(self._opened()).count

    def measures(self) -> dict[str, float]:
        """See ``Truths``."""
        with self._lock:
            return _score(self._opened()).measures()

    def shared(self, server: str, counts: bytes) -> list[bytes]:
        """Writes down what this process of a server has counted; answers what all of them have, itself among them."""
        now = time.time()
        with self._lock, self._opened() as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("DELETE FROM watched WHERE at < ?", (now - _COUNTED,))
            connection.execute(
                "INSERT OR REPLACE INTO watched VALUES (?, ?, ?, ?)", (server, self._process, now, counts)
            )
            return [row[0] for row in connection.execute("SELECT counts FROM watched WHERE server = ?", (server,))]

    def _settle(self, request: str, answers: Any) -> None:
        """The file has these answers, or their truth came: memory need not keep them any more."""
        with self._answering:
            if self._young.get(request, answers) is not answers:
                return  # it was asked again, and answered anew
            self._rows -= len(self._young.pop(request, ()))
            self._settled[request] = None
            if len(self._settled) > 2 * MOST_WAITING:
                self._settled.popitem(last=False)

    def _sweep(self) -> None:
        if time.monotonic() - self._swept < _SWEPT_EVERY:
            return
        self._swept = time.monotonic()
        if self._path is not None:
            attempt(os.utime, self._path)  # it is served, though perhaps nobody asks
        with self._lock, self._opened() as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(_FORGET, (self.most_rows,))

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            raise ValueError("the server is going down and takes no truth any more; send it to the next one")
        return self._connection


def _connected(path: Path | None) -> sqlite3.Connection:
    found = sqlite3.connect(path or ":memory:", timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
    ahead = path is None or not is_network(file_system(path.parent))
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            (mode,) = found.execute(f"PRAGMA journal_mode={'WAL' if ahead else 'DELETE'}").fetchone()
            found.execute(f"PRAGMA synchronous={'NORMAL' if mode == 'wal' else 'FULL'}")
            found.executescript(_TABLES)
            return found
        except sqlite3.OperationalError as error:  # of several that open a new file at once, one may not wait
            if "locked" not in str(error) or time.monotonic() > deadline:
                found.close()
                raise
            time.sleep(0.05)


def _score(connection: sqlite3.Connection) -> Score:
    row = connection.execute(_SCORE).fetchone()
    return Score() if row is None else Score(*row)
