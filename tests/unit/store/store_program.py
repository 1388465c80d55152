"""A program that writes runs into a store's journal, for tests."""

from __future__ import annotations

import secrets
import time
from typing import Any

from autotrack.core.journal.writer import JournalWriter
from autotrack.store.store import Store


class Program:
    """Writes what a training program writes: one journal, any number of runs."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.writer = JournalWriter(store.place.journal)
        self._series: dict[tuple[str, str, bool], int] = {}

    def event(self, kind: str, run: str | None = None, /, **fields: Any) -> None:
        record = {"k": kind, "t": time.time_ns(), **fields}
        self.writer.event({**record, "r": run} if run is not None else record)

    def start(self, name: str = "run", experiment: str = "default", **fields: Any) -> str:
        run = fields.pop("id", None) or secrets.token_hex(16)
        base = {"parent": None, "session": None, "user": "u", "artifact_uri": None, "tags": {}}
        self.event("run_start", run, name=name, experiment=experiment, **{**base, **fields})
        return run

    def log(self, run: str, key: str, value: float | int, step: int = 0, *, exact: bool = False) -> None:
        address = (run, key, exact)
        if address not in self._series:
            self._series[address] = self.writer.series(run, key, "i8" if exact else "f8")
        (self.writer.point_i8 if exact else self.writer.point)(self._series[address], step, value)

    def end(self, run: str, status: str = "FINISHED", **fields: Any) -> None:
        base = {"ended": time.time_ns(), "error": None, "exit_code": None}
        self.event("run_end", run, status=status, **{**base, **fields})

    def made(
        self, *, params: dict[str, str] | None = None, metrics: dict[str, float] | None = None, **fields: Any
    ) -> str:
        """A finished run."""
        run = self.start(**fields)
        if params:
            self.event("params", run, params=params)
        for key, value in (metrics or {}).items():
            self.log(run, key, value)
        self.end(run)
        return run

    def close(self) -> None:
        self.writer.close()
