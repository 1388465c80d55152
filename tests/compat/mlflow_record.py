"""Asks MLflow's own server the requests of ``mlflow_script`` and keeps its answers as data for the tests."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .mlflow_environment import clean_environment, mlflow_python
from .mlflow_script import Asking, ask_all

ANSWERS = Path(__file__).parent / "mlflow_answers.json"


@contextmanager
def mlflow_server() -> Iterator[str]:
    """The address of a server of MLflow's over an empty store."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        command = [mlflow_python(), "-m", "mlflow", "server", "--port", str(port), "--workers", "1"]
        command += [
            "--backend-store-uri",
            f"sqlite:///{folder}/mlflow.db",
            "--artifacts-destination",
            f"{folder}/files",
        ]
        with Path(folder, "log").open("wb") as log:
            process = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=folder, env=clean_environment(), start_new_session=True
            )
        try:
            deadline = time.monotonic() + 120
            while not _answers(port):
                assert time.monotonic() < deadline and process.poll() is None, Path(folder, "log").read_text()
                time.sleep(0.2)
            yield f"127.0.0.1:{port}"
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health") as response:
            return bool(response.status == 200)
    except OSError:
        return False


def main() -> None:
    with mlflow_server() as address:
        ask = Asking(address)
        try:
            ask_all(ask)
        finally:
            _keep(ask)


def _keep(ask: Asking) -> None:
    lines = [f"{json.dumps(name)}: {json.dumps(kept, sort_keys=True)}" for name, kept in ask.comparable().items()]
    ANSWERS.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    print(f"{len(lines)} answers are in {ANSWERS}")


if __name__ == "__main__":
    main()
