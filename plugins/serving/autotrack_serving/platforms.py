"""A model asked as others would ask it: by HTTP, of a server of its own or of one in a container."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from autotrack.plugin import AutotrackError, UsageError, attempt

from .packing.packing import builder, docker_context

#: Seconds until a server answers, and until a container that has to be built and started does.
_START, _BUILD = 60.0, 900.0
_SECONDS = 60.0
_LAST = 1500


def ask_served(folder: str, example: Any, trust: bool) -> Any:
    """The answers of ``autotrack serve`` (AutotrackError where it does not start or refuses)."""
    port = _free_port()
    command = [sys.executable, "-m", "autotrack", "serve", "-m", folder, "--port", str(port), "--no-report"]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [*command, *(["--trust"] if trust else [])], stdout=said, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
        )
        try:
            if not _answers(port, _START, lambda: process.poll() is None):
                said.seek(0)
                last = said.read()[-_LAST:].decode("utf-8", "replace").strip()
                raise AutotrackError(f"the server did not start: {last or 'it says nothing'}")
            return _asked(port, example)
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()


def ask_container(folder: str, example: Any) -> Any:
    """The answers of an image that is built and run with docker or podman (UsageError where there is neither)."""
    tool = builder()
    if tool is None:
        raise UsageError("there is neither docker nor podman here; `autotrack models build-docker` writes the context")
    with tempfile.TemporaryDirectory(prefix="autotrack-image-") as work:
        context = Path(work) / "context"
        docker_context(folder, context, base="python:3.11-slim", port=8080)
        image = _run(tool, "build", "-q", str(context), seconds=_BUILD).splitlines()[-1].strip()
        port = _free_port()
        container = _run(tool, "run", "-d", "--rm", "-p", f"127.0.0.1:{port}:8080", image, seconds=_SECONDS).strip()
        try:
            if not _answers(port, _START, lambda: True):
                raise AutotrackError(f"the container did not answer: {_run(tool, 'logs', container)[-_LAST:]}")
            return _asked(port, example)
        finally:
            attempt(_run, tool, "kill", container)


def _run(*command: str, seconds: float = _SECONDS) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    if done.returncode:
        raise AutotrackError(f"{os.path.basename(command[0])} {command[1]} failed: {done.stderr.strip()[-_LAST:]}")  # noqa: PTH119
    return done.stdout


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _answers(port: int, seconds: float, lives: Any) -> bool:
    """True once the server says that it can be asked."""
    for _ in _until(time.monotonic() + seconds):
        if not lives():
            return False
        found, _error = attempt(_get, f"http://127.0.0.1:{port}/ping")
        if found is not None:
            return True
    return False


def _until(deadline: float) -> Iterator[None]:
    while time.monotonic() < deadline:
        yield
        time.sleep(0.05)


def _get(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=2) as reply:
        return bytes(reply.read())


def _asked(port: int, example: Any) -> Any:
    body = json.dumps(body_of(example)).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/invocations", body, {"Content-Type": "application/json"}, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as reply:
            return json.loads(reply.read())["predictions"]
    except urllib.error.HTTPError as error:
        raise AutotrackError(
            f"the server refused the example: {error.read().decode('utf-8', 'replace')[:500]}"
        ) from error


def body_of(example: Any) -> dict[str, Any]:
    """Rows as the body of a request, with every digit."""
    if hasattr(example, "columns"):
        rows = example.astype(object).where(example.notna(), None).to_numpy().tolist()
        return {
            "dataframe_split": {"columns": list(example.columns), "data": [[_plain(each) for each in r] for r in rows]}
        }
    if isinstance(example, dict):
        return {"inputs": {str(key): _plain(value) for key, value in example.items()}}
    return {"inputs": _plain(example.toarray() if hasattr(example, "toarray") else example)}


def _plain(value: Any) -> Any:
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value.tolist() if hasattr(value, "tolist") else value
