"""Models on a real Spark: in batches and in streams, with the answers that they give here."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.compat.mlflow_environment import PIP, TAG, clean_environment, kept, run

ROOT = Path(__file__).parents[3]
VERSION = "4.3.0"
#: In each Python of Spark's: a line with the process's id for each folder that a model is unpacked to.
WATCH = """
import os, sys

def saw(event, args):
    if event == "tempfile.mkdtemp" and "autotrack-model-" in str(args[0]):
        with open(os.path.join(os.environ["TMPDIR"], "loads"), "a") as loads:
            loads.write(f"{os.getpid()}\\n")

sys.addaudithook(saw)
"""


def spark_python() -> Path:
    """A Python with pyspark, and with pandas as it wants it; all else is as it is here. Building it takes a minute."""
    # All of them: a .pth file is not looked for in a folder that a .pth file names.
    here = "\n".join(path for path in sys.path if Path(path).name == "site-packages")

    def build(place: Path) -> None:
        run([sys.executable, "-m", "venv", str(place)])
        # pyspark is published as source alone.
        run([str(place / "bin" / "python"), *PIP[:-2], f"pyspark=={VERSION}", "pandas>=2.2,<3", "pyarrow", "numpy"])
        purelib = place / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
        (purelib / "behind.pth").write_text(f"{here}\n")

    mark = hashlib.sha256(here.encode()).hexdigest()[:12]
    return kept(f"spark-{VERSION}-{TAG}-{mark}", build) / "bin" / "python"


@pytest.fixture(scope="session")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What came of each question; asked once for all test processes."""
    if shutil.which("java") is None:
        (pytest.fail if "AUTOTRACK_TEST_EVERYTHING" in os.environ else pytest.skip)("no java: Spark needs Java 17")
    base = tmp_path_factory.getbasetemp()
    work = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "spark"
    work.mkdir(exist_ok=True)
    said = work / "said.json"
    with (work / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not said.exists():
            said.write_text(asked(work))
    return dict(json.loads(said.read_text()))


def asked(work: Path) -> str:
    (work / "tmp").mkdir()
    (work / "site").mkdir()
    (work / "site" / "sitecustomize.py").write_text(WATCH)
    paths = [str(work / "site"), str(ROOT), *(str(path) for path in sorted((ROOT / "plugins").iterdir()))]
    environment = clean_environment(
        AUTOTRACK_TRACKING_URI=str(work / ".autotrack"), PYTHONPATH=os.pathsep.join(paths), TMPDIR=str(work / "tmp")
    )
    done = subprocess.run(
        [str(spark_python()), str(Path(__file__).with_name("spark_side.py")), str(work)],
        cwd=work,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.partition("FOUND")[2]


pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.mark.parametrize(
    "asked",
    [
        *(
            "by its names",
            "a struct",
            "a struct in another order",
            "columns",
            "sql",
            "a stream",
            "xgboost",
            "nulls",
            "no rows",
        ),
        *("several answers, several columns", "several answers, an array", "several answers, named"),
        "in an environment of its own",
    ],
)
def test_the_answers_are_those_of_the_model(found: dict[str, Any], asked: str) -> None:
    assert found[asked] is True


def test_a_worker_loads_a_model_once(found: dict[str, Any]) -> None:
    """However many tasks it had."""
    assert found["tasks"] > 8
    assert found["most loads of a worker"] == 1


def test_workers_leave_no_model_behind(found: dict[str, Any]) -> None:
    """Spark ends them without a chance to clear up."""
    assert found["left behind"] == []


def test_workers_make_no_runs(found: dict[str, Any]) -> None:
    assert found["runs of workers"] == 0


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("a hole", "NaN"),
        ("its errors", "NaN"),
        ("too many columns", "takes 2 columns (age, income), and 3 were given"),
        ("one column", "takes 2 columns (age, income), and 1 came"),
        ("no such environment", "env should be local or virtualenv"),
        ("no such type", "doubel"),
        ("no names", "does not say which columns it takes"),
    ],
)
def test_what_is_wrong_is_said(found: dict[str, Any], asked: str, said: str) -> None:
    assert said in found[asked]


@pytest.mark.parametrize("model", ["churn", "two", "trees"])
def test_a_model_is_verified_on_spark(found: dict[str, Any], model: str) -> None:
    assert found[f"verified {model}"] in ("equal", "close")
