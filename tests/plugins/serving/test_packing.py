"""A model that is carried elsewhere: one zip that Python serves, and the context of a container."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from autotrack_serving.packing.packing import docker_context, pack

from autotrack.core.errors import UsageError
from tests.plugins.serving.conftest import Kept
from tests.plugins.serving.served import Served


def test_a_zip_serves(table_model: Kept, tmp_path: Path) -> None:
    """With the code that is in it, from a folder of its own that goes with it; equal bytes each time."""
    needed = pack(str(table_model.folder), tmp_path / "churn.zip")
    assert any(line.startswith("scikit-learn==") for line in needed) and any(
        line.startswith("uvicorn==") for line in needed
    )
    pack(str(table_model.folder), tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == (tmp_path / "churn.zip").read_bytes()
    with pytest.raises(UsageError, match="is there already"):
        pack(str(table_model.folder), tmp_path / "again.zip")
    unpacked = tmp_path / "tmp"
    unpacked.mkdir()
    served = Served(
        "", command=[sys.executable, "-I", str(tmp_path / "churn.zip")], environment={"TMPDIR": str(unpacked)}
    )
    served.wait()
    rows = table_model.data.head(5)
    answer = served.predict({"dataframe_records": rows.to_dict(orient="records")})
    assert answer.json() == {"predictions": table_model.model.predict(rows).tolist()}
    assert len(list(unpacked.iterdir())) == 1
    assert served.stop().startswith("churn.zip is served at http://")
    assert served.process.returncode == 0 and not list(unpacked.iterdir())


def test_a_zip_says_how_it_is_started(table_model: Kept, tmp_path: Path) -> None:
    pack(str(table_model.folder), tmp_path / "churn.zip")
    command = [sys.executable, "-I", str(tmp_path / "churn.zip")]
    done = subprocess.run([*command, "--help"], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.startswith("Usage: python churn.zip [OPTIONS]\n"), done.stdout
    assert "--model" not in done.stdout and "--trust" not in done.stdout and "autotrack serve" not in done.stdout
    assert "  python churn.zip --port 8080\n" in done.stdout and "curl -s" in done.stdout
    wrong = subprocess.run([*command, "--prot", "1"], capture_output=True, text=True)
    assert wrong.returncode == 2 and "Usage: python churn.zip [OPTIONS]" in wrong.stderr
    assert "Try 'python churn.zip --help'" in wrong.stderr and "'--port'" in wrong.stderr


def test_a_python_without_the_packages_is_told(table_model: Kept, tmp_path: Path) -> None:
    pack(str(table_model.folder), tmp_path / "churn.zip")
    bare = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-I", "-S", str(tmp_path / "churn.zip")]
    done = subprocess.run(command, env=bare, capture_output=True, text=True)
    assert done.returncode == 1 and "pip install" in done.stderr and "Traceback" not in done.stderr


def test_a_context_of_a_container(table_model: Kept, tmp_path: Path) -> None:
    files = docker_context(str(table_model.folder), tmp_path / "image", base="python:3.11-slim", port=9000)
    assert files == [".dockerignore", "Dockerfile", "model.zip", "requirements.txt"]
    said = (tmp_path / "image" / "Dockerfile").read_text()
    for line in ("FROM python:3.11-slim", "USER 10001", "EXPOSE 9000", "HEALTHCHECK", "127.0.0.1:9000/ping"):
        assert line in said
    lines = (tmp_path / "image" / "requirements.txt").read_text().split()
    assert all("==" in line for line in lines)
    with pytest.raises(UsageError, match="not empty"):
        docker_context(str(table_model.folder), tmp_path / "image", base="x", port=1)


#: The command line in a Python that has nothing of the extra ``serving``.
_BARE = """
import sys
sys.modules.update(dict.fromkeys(("httptools", "msgspec", "orjson", "pyarrow", "uvicorn", "uvloop")))
from autotrack.cli.main import main
main()
"""


def test_without_the_extra_what_to_install_is_said(table_model: Kept, tmp_path: Path) -> None:
    """And a model is packed all the same: that takes nothing of it."""

    def autotrack(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-c", _BARE, *words], capture_output=True, text=True)

    model = ("-m", str(table_model.folder))
    rows = tmp_path / "rows.csv"
    table_model.data.to_csv(rows, index=False)
    served = autotrack("serve", *model, "--port", "0")
    predicted = autotrack("predict", *model, "-i", str(rows), "-o", str(tmp_path / "scores.csv"))
    for done, missing in ((served, "msgspec, orjson, uvicorn"), (predicted, "msgspec, orjson, pyarrow")):
        assert done.returncode == 2 and f"needs more packages ({missing})" in done.stderr
        assert "pip install 'autotrack[serving]'" in done.stderr and "a bug" not in done.stderr
    packed = autotrack("models", "pack", *model, "-o", str(tmp_path / "churn.zip"))
    assert packed.returncode == 0 and (tmp_path / "churn.zip").is_file(), packed.stderr
