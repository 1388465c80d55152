"""Which runs of a store came out of an archive: nobody here vouches for their models before somebody does.

``imported/<run id>`` in the store's folder is an empty file. It stands beside the artifacts, not among them, so that
nothing in an archive can have its name and no clean-up takes it away.
"""

from __future__ import annotations

import os
from pathlib import Path

from .keys import is_run_id
from .private import make_private

_FOLDER = "imported"


def mark_imported(root: Path, run_id: str) -> None:
    """Remembers, on disk before it returns, that a run's files are somebody else's (OSError)."""
    folder = root / _FOLDER
    make_private(folder)
    descriptor = os.open(folder / run_id, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_imported(root: Path, run_id: str) -> bool:
    """True where the run of the store in this folder came out of an archive."""
    return is_run_id(run_id) and os.path.lexists(root / _FOLDER / run_id)
