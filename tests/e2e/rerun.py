"""What tests of rebuilding begin with: a program that autotrack ran, and its run made again."""

from __future__ import annotations

import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import autotrack
from autotrack.rebuilding import Verdict


def made(folder: Path, source: str, *arguments: str, code: int = 0) -> Any:
    """The run of a program that autotrack ran."""
    (folder / "train.py").write_text(textwrap.dedent(source).lstrip())
    command = [sys.executable, "-m", "autotrack", "run", "train.py", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    return autotrack.last_run()


def rebuilt(run: Any, **options: Any) -> Verdict:
    """The verdict on a run made again; its folder is gone."""
    verdict = autotrack.rebuild(run.id, env="local", **options)
    if verdict.folder:
        shutil.rmtree(verdict.folder)
    return verdict
