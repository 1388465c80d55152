"""The programs in ``examples/``: each trains without a seed, and comes out the same when it is rebuilt."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import autotrack
from autotrack.rebuilding import Kind

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.iterdir() if path.suffix in (".py", ".ipynb")))
def test_an_example_is_rebuilt_to_the_bit(store: Path, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "copy"
    folder.mkdir()
    shutil.copy(EXAMPLES / name, folder)
    executed = ("-m", "nbconvert", "--to", "notebook", "--execute", "--output", "ran") if "ipynb" in name else ()
    command = [sys.executable, *executed, name]
    done = subprocess.run(command, cwd=folder, env=os.environ, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stderr
    run = autotrack.last_run()
    while run.parent is not None:
        run = run.parent
    verdict = autotrack.rebuild(run.id, env="local")
    assert verdict.kind is Kind.IDENTICAL, str(verdict)
    assert f"{len(run.params)} params" in verdict.compared and any(
        "points of metrics" in each for each in verdict.compared
    )
    assert autotrack.get_run(verdict.rebuilt).models, "the model is what people want to have again"


def test_every_example_is_in_the_list() -> None:
    listed = (EXAMPLES / "README.md").read_text()
    assert all(
        f"({path.name})" in listed for path in EXAMPLES.iterdir() if path.name not in ("README.md", "__pycache__")
    )
