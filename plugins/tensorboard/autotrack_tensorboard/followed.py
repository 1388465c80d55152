"""What is followed: event files, and what a run has of them."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .eventfile import EventFile, News
from .naming import base_of, belongs

if TYPE_CHECKING:
    from autotrack.plugin import ProbeRun, Run


@dataclass(slots=True, eq=False)
class Log:
    """One event file that is followed. ``active`` is the run that was active where its writer was made."""

    file: EventFile
    folder: Path
    born: int
    writer: weakref.ref[Any] | None
    probe: ProbeRun | None = None
    active: Run | None = None
    own: Run | None = None
    #: The run that the file is kept with.
    home: Run | None = None
    #: What no run was found for yet, and since when (``time.monotonic()``).
    waiting: list[News] = field(default_factory=list)
    since: float = 0.0
    secrets: list[tuple[int, int]] = field(default_factory=list)
    keys: dict[tuple[str, str], str | None] = field(default_factory=dict)
    closed: bool = False


@dataclass(slots=True)
class Place:
    """What a run has of event files: where its names begin, its keys, and the bytes that are kept by file."""

    base: Path
    keys: set[str] = field(default_factory=set)
    kept: dict[Path, int] = field(default_factory=dict)
    #: Where its files are; the run, where a library tells it the same metrics itself.
    folders: set[Path] = field(default_factory=set)
    told: Callable[[], Run | None] = lambda: None


def related(one: Log, other: Log) -> bool:
    """True where one's folder lies in what the other's names begin from."""
    return belongs(one.folder, base_of(other.folder)) or belongs(other.folder, base_of(one.folder))
