"""``examples/workflow`` as it stands: run, reused in part, drawn, and its model made again from the bare file."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "workflow"


def command(folder: Path, *words: str, code: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "autotrack", *words], cwd=folder, env=dict(os.environ), capture_output=True, text=True
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def steps(folder: Path) -> dict[str, Any]:
    found = json.loads(command(folder, "runs", "show", "--graph", "--json"))
    return {step["name"].partition("/")[2]: step for step in found["steps"]}


def git(folder: Path, *words: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


@pytest.mark.slow
def test_the_example(store: Path, tmp_path: Path) -> None:
    folder = tmp_path / "repository" / "workflow"
    shutil.copytree(EXAMPLE, folder)
    git(folder.parent, "init", "-q")
    git(folder.parent, "add", ".")
    git(folder.parent, "commit", "-qm", "the example")
    command(folder, "run", ".")
    first = steps(folder)
    assert {name: step["level"] for name, step in first.items()} == {
        "prepare": 0,
        "linear": 1,
        "forest": 1,
        "choose": 2,
    }
    assert set(first["choose"]["after"]) == {first[name]["run"] for name in ("prepare", "linear", "forest")}
    assert all(step["reused"] is None for step in first.values())

    # One parameter is another: what does not depend on it is not run again.
    command(folder, "run", ".", "-P", "trees=60")
    second = steps(folder)
    assert {name: step["reused"] for name, step in second.items()} == {
        "prepare": first["prepare"]["run"],
        "linear": first["linear"]["run"],
        "forest": None,
        "choose": None,
    }
    # A step whose code is another is run again, and so is what takes from it, as its output is another.
    prepare = folder / "prepare.py"
    prepare.write_text(prepare.read_text().replace("train_test_split(", "train_test_split(test_size=60, *["))
    prepare.write_text(prepare.read_text().replace(".frame)", ".frame])"))
    command(folder, "run", ".", "-P", "trees=60")
    assert all(step["reused"] is None for step in steps(folder).values())

    # The bare file of the first forest's model, in a fresh clone; the project itself is gone.
    (model,) = store.glob(f"artifacts/*/{first['forest']['run']}/model/model.skops")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(folder.parent), str(clone))
    shutil.rmtree(folder.parent)
    shutil.copy(model, clone / "found.skops")
    verdict = json.loads(command(clone, "rebuild", "found.skops", "--json"))
    assert (verdict["verdict"], verdict["run"]) == ("IDENTICAL", first["forest"]["run"]), verdict
    # And the step whose split was by chance.
    verdict = json.loads(command(clone, "rebuild", first["prepare"]["run"], "--json"))
    assert verdict["verdict"] == "IDENTICAL", verdict
