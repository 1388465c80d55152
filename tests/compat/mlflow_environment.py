"""MLflow as its users have it: an environment of its own that is built once and kept between test runs.

``mlflow_python()`` answers a Python that imports all of ``mlflow``, with its server and database stores;
``mlflow_skinny()`` a folder for ``PYTHONPATH`` that holds MLflow's client alone.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from autotrack.core.private import make_own

VERSION = "3.17.2"
TAG = f"py{sys.version_info.major}{sys.version_info.minor}"
PIP = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"]


def mlflow_python() -> Path:
    """The Python of an environment with ``mlflow`` and a driver for PostgreSQL; start it with ``clean_environment()``.

    Building it takes about a minute. Where pip cannot, the test fails, unless AUTOTRACK_TEST_OFFLINE says why.
    """

    def build(place: Path) -> None:
        run([sys.executable, "-m", "venv", str(place)])
        run([str(place / "bin" / "python"), *PIP, f"mlflow=={VERSION}", "psycopg2-binary"])

    return kept(f"mlflow-{VERSION}-{TAG}", build) / "bin" / "python"


def mlflow_skinny() -> Path:
    """A folder that holds ``mlflow-skinny``, to put beside the libraries that are installed here."""

    def build(place: Path) -> None:
        run([sys.executable, *PIP[:-2], "--target", str(place), f"mlflow-skinny=={VERSION}"])

    return kept(f"mlflow-skinny-{VERSION}-{TAG}", build)


def clean_environment(**more: str) -> dict[str, str]:
    """This process's environment variables without what would lead MLflow, Python or autotrack elsewhere."""
    led = ("AUTOTRACK_", "MLFLOW_", "PYTHON")
    env = {key: value for key, value in os.environ.items() if not key.startswith(led)}
    quiet = {"MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false", "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "1"}
    return env | quiet | more


def kept(name: str, build: Callable[[Path], None]) -> Path:
    """A folder that ``build`` filled once. An environment does not move: it is built where it stays, then marked."""
    home = Path(tempfile.gettempdir()) / f"autotrack-tests-{os.getuid()}"
    make_own(home)
    place, done = home / name, home / f"{name}.done"
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two workers of one test run need it at once
        if not done.exists():
            shutil.rmtree(place, ignore_errors=True)
            try:
                build(place)
            except subprocess.CalledProcessError as error:
                why = f"cannot build {name}: {error.stderr.strip()[-300:]}"
                (pytest.skip if "AUTOTRACK_TEST_OFFLINE" in os.environ else pytest.fail)(why)
            done.touch()
    return place


def run(command: list[str]) -> None:
    subprocess.run(command, capture_output=True, text=True, check=True)
