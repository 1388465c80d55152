"""A model that was really trained, behind a server that really runs."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple


class Answer(NamedTuple):
    status: int
    body: bytes
    headers: dict[str, str]

    def json(self) -> Any:
        return json.loads(self.body)


class Served:
    """``autotrack serve`` in a process of its own."""

    def __init__(
        self,
        model: Path | str,
        *options: str,
        environment: dict[str, str] | None = None,
        command: list[str] | None = None,
    ) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        command = command or [sys.executable, "-m", "autotrack", "serve", "-m", str(model)]
        command = [*command, "--port", str(self.port), *options]
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **(environment or {})},
        )

    def wait(self, seconds: float = 60) -> Served:
        """Until it answers."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"it ended: {self.process.communicate()[0]}")
            try:
                if self.ask("GET", "/ping").status == 200:
                    return self
            except OSError:
                time.sleep(0.02)
        raise AssertionError("it does not answer")

    def ask(self, method: str, path: str, body: Any = None, kind: str = "application/json", **headers: str) -> Answer:
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(
            self.url + path, content, {"content-type": kind, **named} if content is not None else named, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as found:
                return Answer(found.status, found.read(), dict(found.headers))
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.read(), dict(error.headers))

    def predict(self, body: Any, kind: str = "application/json", **headers: str) -> Answer:
        return self.ask("POST", "/invocations", body, kind, **headers)

    def stop(self) -> str:
        """What it printed."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.communicate(timeout=30)[0]
