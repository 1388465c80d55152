"""What a backend is given, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Job:
    """One program of a project, ready to be started: no shell is needed, and nothing in it is text to be parsed again.

    ``argv`` and ``variables`` (all that it gets) are what the program is started with in ``folder``. ``console`` is the
    file that its output goes to, besides the terminal if ``shown``. ``config`` is what the user told the backend.
    """

    run_id: str
    name: str
    argv: tuple[str, ...]
    variables: Mapping[str, str] = field(repr=False)
    folder: Path
    console: Path
    shown: bool = True
    config: Mapping[str, Any] = field(default_factory=dict)


class Submitted(Protocol):
    """A job that was started."""

    def wait(self) -> int:
        """The program's exit code, once it has ended; negative where a signal ended it."""

    def poll(self) -> int | None:
        """The same, or None while it runs."""

    def cancel(self) -> None:
        """Ends it, with all that it has started. One that has ended stays as it is."""
