"""A real MLflow server for tests, on a port of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from mlflow_environment import clean_environment, mlflow_python

#: Seconds until it must answer: on a busy machine it takes its time to make its tables.
_PATIENCE = 120.0


@contextmanager
def mlflow_server(folder: Path) -> Iterator[str]:
    """The address of a server that keeps everything in ``folder``; it is ended with all its processes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    uri = f"http://127.0.0.1:{port}"
    store = ["--backend-store-uri", f"sqlite:///{folder}/server.db", "--artifacts-destination", str(folder / "files")]
    command = [str(mlflow_python()), "-m", "mlflow", "server", *store, "--port", str(port), "--workers", "1"]
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            command, cwd=folder, env=clean_environment(), stdout=log, stderr=log, start_new_session=True
        )
    try:
        until = time.monotonic() + _PATIENCE
        while not _answers(uri):
            said = (folder / "server.log").read_text()[-2000:]
            assert server.poll() is None and time.monotonic() < until, f"MLflow's server did not start: {said}"
            time.sleep(0.1)
        yield uri
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def _answers(uri: str) -> bool:
    try:
        with urlopen(f"{uri}/health", timeout=1) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False
