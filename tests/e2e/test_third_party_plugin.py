"""A stranger's plugin: built as a wheel, installed by pip beside autotrack's wheel, and its runs are there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "contrib" / "plugin-template"
SOURCES = ("autotrack", "plugins", "pyproject.toml", "README.md", "LICENSE")

SCRIPT = """
import statistics
import autotrack

autotrack.enable()
print(autotrack.__file__)
print(statistics.linear_regression([1, 2, 3], [2, 4, 6]))
"""


class Environment:
    """A fresh virtual environment with both wheels in it, and a store of its own."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "env" / "bin"
        self.work = folder / "work"
        self.work.mkdir()
        self.env = {name: value for name, value in os.environ.items() if not name.startswith(("AUTOTRACK_", "PYTHON"))}
        self.env["AUTOTRACK_TRACKING_URI"] = str(self.work / ".autotrack")

    def run(self, program: str, *arguments: str, cwd: Path | None = None) -> str:
        """What a program of the environment prints; fails the test with its stderr where it fails."""
        command = [str(self.bin / program), *arguments]
        done = subprocess.run(command, cwd=cwd or self.work, env=self.env, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    folder = tmp_path_factory.mktemp("third-party")
    wheels = [_wheel(folder, "ours", ROOT, SOURCES), _wheel(folder, "theirs", TEMPLATE)]
    _call(sys.executable, "-m", "venv", "--without-pip", str(folder / "env"))
    python = folder / "env" / "bin" / "python"
    # The dependencies are shared, not installed again: a .pth adds the folders that they were imported from. (Path
    # files inside those folders are not followed, so this checkout's own editable install stays out of it.)
    shared = [entry for entry in sys.path if Path(entry).name in ("site-packages", "dist-packages")]
    (site,) = (folder / "env" / "lib").glob("python*/site-packages")
    (site / "shared.pth").write_text("\n".join(shared), "utf-8")
    _call(sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "--no-deps", "--no-index", *wheels)
    return Environment(folder)


def _wheel(folder: Path, name: str, source: Path, parts: tuple[str, ...] = ()) -> str:
    """Builds from a copy, so that the checkout stays clean and nothing old in it gets into the wheel."""
    copy = folder / name
    ignore = shutil.ignore_patterns("__pycache__", "build", "*.egg-info", ".venv")
    if not parts:
        shutil.copytree(source, copy, ignore=ignore)
    for part in parts:
        target = copy / part
        target.parent.mkdir(exist_ok=True)
        if (source / part).is_dir():
            shutil.copytree(source / part, target, ignore=ignore)
        else:
            shutil.copy2(source / part, target)
    out = folder / f"{name}-wheel"
    _call(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(out), str(copy))
    (wheel,) = out.glob("*.whl")
    return str(wheel)


def _call(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd="/")
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


def test_its_run_is_listed(environment: Environment) -> None:
    (environment.work / "train.py").write_text(SCRIPT, "utf-8")
    where, line = environment.run("python", "train.py").splitlines()
    assert Path(where).is_relative_to(environment.bin.parent), "another autotrack was imported than the wheel's"
    assert line == "LinearRegression(slope=2.0, intercept=0.0)"

    (run,) = json.loads(environment.run("autotrack", "runs", "list", "--json"))
    assert run["params"] == {"proportional": "False", "points": "3"}
    assert run["metrics"]["slope"] == 2.0
    assert run["status"] == "FINISHED"


def test_the_api_sees_the_same_run(environment: Environment) -> None:
    code = "import autotrack, json; run = autotrack.last_run(); print(json.dumps([run.params, run.metrics['slope']]))"
    assert json.loads(environment.run("python", "-c", code)) == [{"proportional": "False", "points": "3"}, 2.0]


def test_it_is_on_the_list_of_plugins(environment: Environment) -> None:
    plugins = {
        plugin["name"]: plugin for plugin in json.loads(environment.run("autotrack", "plugins", "list", "--json"))
    }
    assert plugins["linreg"]["distribution"] == "autotrack-linreg"
    assert plugins["linreg"]["module"] == "autotrack_linreg"


def test_its_own_tests_pass(environment: Environment, tmp_path: Path) -> None:
    shutil.copytree(TEMPLATE / "tests", tmp_path / "tests")
    shutil.copy2(TEMPLATE / "pyproject.toml", tmp_path)
    said = environment.run("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests", cwd=tmp_path)
    assert "2 passed" in said
