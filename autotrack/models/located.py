"""A model's folder on this machine, and whether what lies in it is the user's own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from autotrack.core.imported import is_imported


@dataclass(frozen=True, slots=True)
class Located:
    """A model's local folder; whether it lies in the store in force; the digest that its run or its version keeps."""

    folder: Path
    own: bool
    digest: str | None = None
    #: True for a private copy that was made of files that are elsewhere.
    fetched: bool = False

    def discard(self) -> None:
        """Removes a private copy; a folder of the user's stays."""
        if self.fetched:
            shutil.rmtree(self.folder, ignore_errors=True)


#: Finds the folder of a ``runs:/`` or ``models:/`` URI: a path, or all that is known of it.
Resolve = Callable[[str], Path | Located]


def is_own(folder: Path, root: Path | None = None) -> bool:
    """True where the folder lies among the artifacts of the store with this root (by default the one in force here),
    belongs to this user, and is not of a run that was imported."""
    from autotrack.core.runs.trackers import tracker

    root = tracker().location.root if root is None else root
    real, artifacts = folder.resolve(), (root / "artifacts").resolve()
    if not real.is_relative_to(artifacts):
        return False
    if any(is_imported(root, part) for part in real.relative_to(artifacts).parts):
        return False
    return not hasattr(os, "getuid") or real.stat().st_uid == os.getuid()
