"""Folders that are held while somebody works in them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from autotrack.core.held import hold_folder, remove_left


def grown_old(path: Path) -> Path:
    os.utime(path, (0, 0))
    return path


def test_a_folder_in_use_stays_however_old_it_is(tmp_path: Path) -> None:
    held = hold_folder(tmp_path, "work-")
    (held.path / "file").write_text("a")
    grown_old(held.path)
    remove_left(tmp_path, "work-")
    # Of another process, too: that is who removes.
    remove = (
        f"from autotrack.core.held import *; from pathlib import Path; remove_left(Path({str(tmp_path)!r}), 'work-')"
    )
    subprocess.run([sys.executable, "-c", remove], check=True)
    assert (held.path / "file").exists()
    held.release()
    remove_left(tmp_path, "work-")
    assert not held.path.exists()


def test_what_was_left_is_removed_once_it_is_old(tmp_path: Path) -> None:
    new, old, other = tmp_path / "work-new", tmp_path / "work-old", tmp_path / "other"
    kept = tmp_path / "kept"
    for folder in (new, old, other, kept):
        folder.mkdir()
        (folder / "file").write_text("a")
    (tmp_path / "work-link").symlink_to(kept)
    grown_old(old), grown_old(other), grown_old(kept)
    os.utime(tmp_path / "work-link", (0, 0), follow_symlinks=False)
    remove_left(tmp_path, "work-")
    assert not old.exists() and new.exists() and other.exists() and (kept / "file").exists()


def test_removed_is_removed(tmp_path: Path) -> None:
    held = hold_folder(tmp_path, "work-")
    held.remove()
    held.remove()
    assert list(tmp_path.iterdir()) == []
