"""The fresh folders that runs are made again in."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from autotrack.core.held import HeldFolder, hold_folder, remove_left

#: What their names begin with.
_NAMED = "autotrack-rebuild-"


def fresh_folder(run_id: str) -> HeldFolder:
    """A new folder for this user alone. Old ones of this user that nobody works in are removed: those that were kept,
    or left by a rebuild that was killed."""
    parent = Path(tempfile.gettempdir())
    remove_left(parent, _NAMED)
    return hold_folder(parent, f"{_NAMED}{run_id[:8]}-")


def is_below(path: str, folder: Path) -> bool:
    return path == str(folder) or path.startswith(f"{folder}{os.sep}")


def stays(path: Path, folder: Path) -> bool:
    """Whether a path is below a folder, with every link followed that is there by now (as far as there is an end)."""
    real = os.path.realpath
    return is_below(real(path), Path(real(folder)))
