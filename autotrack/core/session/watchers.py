"""What is watched from ``enable()`` on, before any run has started: files that are opened, and console output.

One of each a process, whatever stores it records to. What they see waits, bounded, until a session begins to take it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .. import process
from ..guard import guard
from . import streams, untouched

if TYPE_CHECKING:
    from ..config import Settings
    from .console import Console
    from .files import Files

files: Files | None = None
console: Console | None = None
_on_fork = False


def start(settings: Settings, root: Path) -> None:
    """Watches what the settings want, from here on. ``root`` is the folder of the store in force."""
    global files, console, _on_fork
    if not _on_fork:
        _on_fork = True
        process.on_fork("the watchers of a session", _forget)
    guard.call("the random streams", streams.begin)
    if untouched.VARIABLE in os.environ:
        untouched.begin()
    if settings.files and files is None:
        from .files import Files

        server = urlsplit(settings.tracking_uri or "").hostname
        files = Files(root, near=(server,) if server else ())
        guard.call("the watch over files", files.start)
    if settings.console and console is None:
        from .console import Console

        console = Console()
        guard.call("the watch over the console", console.start)


def stop() -> None:
    """Watches no more; what was seen is forgotten unless it was taken (the end of the program, ``disable()``)."""
    global files, console
    if files is not None:
        from . import opened

        opened.stop()
    if console is not None:
        console.stop()
    streams.end()
    files = console = None


def _forget() -> None:
    """In a forked child, whose parent records: both have gone quiet by themselves."""
    global files, console
    files = console = None
