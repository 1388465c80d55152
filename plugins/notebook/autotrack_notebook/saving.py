"""Keeps the notebook with the runs that it made: when a run ends, when the cell is over, and when the kernel stops."""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable
from typing import Any

from autotrack.plugin import Run, attempt, later

from .page import Known, page

NOTEBOOK, PAGE = "notebook.ipynb", "notebook.html"
#: Runs that get the final state; earlier ones keep the state in which the notebook was when they ended.
MOST_RUNS = 100
#: Seconds that the kernel's end may be held up.
PATIENCE = 3.0
#: While a cell runs, saving takes at most this share of the time.
SHARE = 0.1

#: The notebook as it is (nbformat); TimeoutError where that takes until after the moment (``time.monotonic()``).
State = Callable[[float], dict[str, Any]]


class Saving:
    """``version()`` is a number that rises when the notebook changes. What is here to be done while a cell runs, and
    when the kernel stops, is done by autotrack's own thread: for its end the program waits within ``exit_timeout``."""

    def __init__(self, version: Callable[[], int], state: State) -> None:
        self._version, self._state = version, state
        #: Of each run the version that it has, -1 for none: the newest last.
        self._runs: dict[Run, int] = {}
        self._due: set[Run] = set()
        self._lock = threading.Lock()
        self._saving = threading.Lock()
        self._known: Known = {}
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
                # They stay due: the cell goes on, and more of it is to be seen when it is over.
                later(run, "notebook.save", lambda: self._save(list(self._due)))

    def cell_over(self) -> None:
        """A cell is over, and all of its output is known: what ended in it is saved in full."""
        due = list(self._due)
        if due:
            self._due.difference_update(due)
            later(due[0], "notebook.save", lambda: self._save(due))

    def save_all(self) -> None:
        """Saves the final state with every run, as far as time allows."""
        with self._lock:
            runs = list(reversed(self._runs))
        self._due.clear()
        if runs:
            deadline = time.monotonic() + PATIENCE
            later(runs[0], "notebook.save", lambda: self._save(runs, deadline))

    def _save(self, runs: list[Run], deadline: float = math.inf) -> None:
        with self._saving:
            began = time.monotonic()
            version = self._version()
            behind = [run for run in runs if self._runs.get(run, -1) != version]
            left = self._save_to(behind, version, deadline) if behind else []
            for run in left:
                run.note("the notebook is as it was when the run ended: there was no time to save it again")
            now = time.monotonic()
            self._next = now + (now - began) / SHARE

    def _save_to(self, runs: list[Run], version: int, deadline: float) -> list[Run]:
        """Saves the notebook with these runs; answers those for which there was no time."""
        try:
            contents = self._contents(self._state(deadline))
        except TimeoutError:
            return runs
        for at, run in enumerate(runs):
            if time.monotonic() > deadline:
                return runs[at:]
            self._put(run, contents)
            if run in self._runs:
                self._runs[run] = version
        return []

    def _put(self, run: Run, contents: dict[str, bytes]) -> None:
        for path, content in contents.items():
            _, error = attempt(run.put, path, content, durable=False)
            if error is not None:
                run.note(f"{path} could not be kept: {error}")

    def _contents(self, notebook: dict[str, Any]) -> dict[str, bytes]:
        """The two files."""
        title = str(notebook["metadata"]["autotrack"].get("file") or "notebook")
        text = json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"
        return {
            NOTEBOOK: text.encode("utf-8", "backslashreplace"),
            PAGE: page(notebook, title, self._known).encode("utf-8", "replace"),
        }
