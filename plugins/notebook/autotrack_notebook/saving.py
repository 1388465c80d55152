"""Keeps the notebook with the runs that it made: when a run ends, when the cell is over, and when the kernel stops."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

from autotrack.plugin import Run, attempt, later

NOTEBOOK, PAGE = "notebook.ipynb", "notebook.html"
#: Runs that get the final state; earlier ones keep the state in which the notebook was when they ended.
MOST_RUNS = 100
#: Seconds that the kernel's end may be held up.
PATIENCE = 3.0
#: While a cell runs, saving takes at most this share of the time.
SHARE = 0.1

State = Callable[[], dict[str, Any]]


class Saving:
    """``version()`` is a number that rises when the notebook changes, ``state()`` the notebook as it is (nbformat)."""

    def __init__(self, version: Callable[[], int], state: State) -> None:
        self._version, self._state = version, state
        #: Of each run the version that it has, -1 for none: the newest last.
        self._runs: dict[Run, int] = {}
        self._due: set[Run] = set()
        self._lock = threading.Lock()
        self._saving = threading.Lock()
        self._next = 0.0

    def started(self, run: Run) -> None:
        """The run is the notebook's."""
        with self._lock:
            self._runs[run] = -1
            while len(self._runs) > MOST_RUNS and (over := next((r for r in self._runs if not r.is_open), None)):
                del self._runs[over]

    def ended(self, run: Run) -> None:
        """The run is over: it is saved soon, unless that was just done for another one, and when the cell is over."""
        if run in self._runs:
            self._due.add(run)
            if time.monotonic() >= self._next:
                later(run, "notebook.save", self._save_due)

    def cell_over(self) -> None:
        """A cell is over: what ended in it is saved in full."""
        run = next(iter(list(self._due)), None)
        if run is not None:
            later(run, "notebook.save", self._save_due_for_good)

    def save_all(self) -> None:
        """Saves the final state with every run, as far as time allows."""
        with self._lock:
            runs = list(reversed(self._runs))
        self._due.clear()
        self._save(runs, time.monotonic() + PATIENCE)

    def _save_due(self) -> None:
        # They stay due: the cell goes on, and more of it is to be seen when it is over.
        self._save(list(self._due), None)

    def _save_due_for_good(self) -> None:
        due = list(self._due)
        self._due.difference_update(due)
        self._save(due, None)

    def _save(self, runs: list[Run], deadline: float | None) -> None:
        if not self._saving.acquire(timeout=-1 if deadline is None else PATIENCE):
            return
        try:
            began = time.monotonic()
            version = self._version()
            behind = [run for run in runs if self._runs.get(run, -1) != version]
            if behind:
                contents = _contents(self._state())
                for run in behind:
                    if deadline is not None and time.monotonic() > deadline:
                        run.note("the notebook is as it was when the run ended: there was no time to save it again")
                        continue
                    self._put(run, contents)
                    if run in self._runs:
                        self._runs[run] = version
            now = time.monotonic()
            self._next = now + (now - began) / SHARE
        finally:
            self._saving.release()

    def _put(self, run: Run, contents: dict[str, bytes]) -> None:
        for path, content in contents.items():
            _, error = attempt(run.put, path, content, durable=False)
            if error is not None:
                run.note(f"{path} could not be kept: {error}")


def _contents(notebook: dict[str, Any]) -> dict[str, bytes]:
    """The two files."""
    from .page import page

    title = str(notebook["metadata"]["autotrack"].get("file") or "notebook")
    text = json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"
    return {
        NOTEBOOK: text.encode("utf-8", "backslashreplace"),
        PAGE: page(notebook, title).encode("utf-8", "replace"),
    }
