"""What stands behind an environment that has no autotrack is all that recording takes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from autotrack import environments

_PROGRAM = """
import sys
sys.path.append(sys.argv[1])
import autotrack
import blake3, pluggy
print(autotrack.__file__)
"""


def test_a_python_with_nothing_installed_can_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOTRACK_ENVIRONMENTS", str(tmp_path))
    behind = environments.folder_behind()
    command = [sys.executable, "-I", "-S", "-c", _PROGRAM, str(behind)]
    said = subprocess.run(command, capture_output=True, text=True)
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith(str(behind))
    assert environments.folder_behind() == behind
