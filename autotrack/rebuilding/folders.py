"""The fresh folders that runs are made again in."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path

from autotrack.core.guard import attempt

#: What their names begin with, and the seconds after which one that was kept, or left by a rebuild that was killed,
#: is taken away by the next one.
_NAMED, _OLD = "autotrack-rebuild-", 7 * 24 * 3600


def fresh_folder(run_id: str) -> Path:
    """A new folder for this user alone; old ones of this user are removed."""
    for path in Path(tempfile.gettempdir()).glob(f"{_NAMED}*"):
        info, _ = attempt(path.lstat)
        if info is not None and info.st_uid == os.getuid() and info.st_mtime < time.time() - _OLD:
            shutil.rmtree(path, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{_NAMED}{run_id[:8]}-"))


def is_below(path: str, folder: Path) -> bool:
    return path == str(folder) or path.startswith(f"{folder}{os.sep}")


def stays(path: Path, folder: Path) -> bool:
    """Whether a path is below a folder, with every link followed that is there by now (as far as there is an end)."""
    real = os.path.realpath
    return is_below(real(path), Path(real(folder)))
