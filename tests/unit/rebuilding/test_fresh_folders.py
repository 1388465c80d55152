"""The fresh folder of a rebuild, which others may take for an old one."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from autotrack.rebuilding.folders import fresh_folder


def test_a_rebuild_that_goes_on_for_weeks_keeps_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    working = fresh_folder("1" * 32)
    os.utime(working.path, (0, 0))
    other = fresh_folder("2" * 32)
    assert working.path.is_dir()
    working.release()
    other.remove()
    fresh_folder("3" * 32).remove()
    assert list(tmp_path.iterdir()) == []
