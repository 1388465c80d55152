"""The line below a cell that says which runs it made and how to look at them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from html import escape

from .cells import OURS
from .shell import Shell

_WORDS = {"RUNNING": "is running", "FINISHED": "finished", "FAILED": "failed", "KILLED": "was interrupted"}
#: Lines that are kept up to date at most.
_MOST_LINES = 100


@dataclass(slots=True)
class Line:
    """What is said below one cell: the name and the status of each run, by its id."""

    display_id: str
    runs: dict[str, tuple[str, str]] = field(default_factory=dict)
    shown: str = ""

    def text(self) -> str:
        """The line as text: what it is about, and the command that shows it."""
        run_id, (name, status) = next(reversed(self.runs.items()))
        if len(self.runs) > 1:
            about = f"{len(self.runs)} runs, the last one {name}"
        else:
            about = f"run {name} {_WORDS.get(status, status.lower())}"
        return f"autotrack: {about} · autotrack runs show {run_id[:8]}"

    def html(self) -> str:
        """The line as HTML."""
        about, _, command = self.text().rpartition(" · ")
        return f'<small style="opacity:.7">{escape(about)} · <code>{escape(command)}</code></small>'


class Showing:
    """The lines that this kernel has shown, by cell."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._lines: dict[str, Line] = {}
        self._changed: set[str] = set()

    def cell_begins(self, key: str) -> None:
        """The cell runs (again): what was shown below it is gone."""
        self._lines.pop(key, None)

    def started(self, key: str, run_id: str, name: str) -> None:
        """A cell has started a run."""
        line = self._lines.get(key)
        if line is None:
            # By the cell: where a front end still shows the line of its last execution, this one takes its place.
            digest = hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
            line = self._lines[key] = Line(f"{OURS}-{digest[:16]}")
            while len(self._lines) > _MOST_LINES:
                del self._lines[next(iter(self._lines))]
        line.runs[run_id] = (name, "RUNNING")

    def ended(self, run_id: str, status: str) -> None:
        """A run is over."""
        for line in self._lines.values():
            if run_id in line.runs:
                line.runs[run_id] = (line.runs[run_id][0], status)

    def cell_over(self) -> None:
        """Shows the line of the cell, and those of others anew whose runs have ended meanwhile."""
        for line in self._lines.values():
            text = line.text()
            if text != line.shown:
                update, line.shown = bool(line.shown), text
                self._shell.show({"text/plain": text, "text/html": line.html()}, OURS, line.display_id, update=update)
