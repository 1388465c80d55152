"""``autotrack server`` as a process, and raw requests to it."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_URL = re.compile(r" at (http://\S+) ")


def clean_environment() -> dict[str, str]:
    """This process's environment without settings of autotrack."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AUTOTRACK_")}


@dataclass(frozen=True)
class Response:
    """What came back. Header names are in lower case."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode()

    def json(self) -> Any:
        return json.loads(self.content)


class _Connection(http.client.HTTPConnection):
    """Sends a path as it is given: with dots, blanks, controls."""

    def _validate_path(self, url: str) -> None: ...

    def _encode_request(self, request: str) -> bytes:
        return request.encode("latin-1")


class ServerProcess:
    """A server that runs; ``url`` is where, ``store`` the folder or URI that it serves, ``output()`` its words."""

    def __init__(self, base: Path, *options: str, store: Any = None, environment: dict[str, str] | None = None) -> None:
        self.store = base / ".autotrack" if store is None else store
        self._printed = base / "server.log"
        command = [sys.executable, "-m", "autotrack", "--store", str(self.store), "server", "--port", "0", *options]
        self.started = time.monotonic()
        with self._printed.open("wb") as printed:
            self.process = subprocess.Popen(command, stdout=printed, stderr=printed, env=environment, cwd=base)
        try:
            self.url = self._until(self._address, "it opened its port")
            self.host, _, port = self.url.removeprefix("http://").rpartition(":")
            self.port = int(port)
            # The port is open before the app is ready: this waits in the queue of connections, not in a loop.
            assert self.get("/health").status == 200, self.output()
        except BaseException:
            self.close()
            raise

    def _address(self) -> str | None:
        found = _URL.search(self.output())
        return found and found[1]

    def _until(self, condition: Any, what: str, seconds: float = 60.0) -> Any:
        deadline = time.monotonic() + seconds
        while not (found := condition()):
            assert self.process.poll() is None, f"the server ended before {what}:\n{self.output()}"
            assert time.monotonic() < deadline, f"{seconds} s passed before {what}:\n{self.output()}"
            time.sleep(0.01)
        return found

    def output(self) -> str:
        """What the server printed."""
        return self._printed.read_text("utf-8", "replace")

    def connection(self, timeout: float = 30.0) -> http.client.HTTPConnection:
        """A connection of one's own, for many requests."""
        return _Connection(self.host.strip("[]"), self.port, timeout=timeout)

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
        *,
        connection: http.client.HTTPConnection | None = None,
    ) -> Response:
        """Sends exactly this path. A body that is not bytes is sent as JSON; ``headers`` replace those of that name."""
        given = {name.lower(): value for name, value in (headers or {}).items()}
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            given.setdefault("content-type", "application/json")
        elif body is None and method in ("POST", "PUT", "PATCH"):
            body = b""
        used = connection or self.connection()
        try:
            used.putrequest(method, path, skip_host="host" in given, skip_accept_encoding=True)
            for name, value in given.items():
                used.putheader(name, value)
            if body is not None and "content-length" not in given and "transfer-encoding" not in given:
                used.putheader("content-length", str(len(body)))
            used.endheaders()
            if body:
                try:
                    used.send(body)
                except (BrokenPipeError, ConnectionResetError):
                    pass  # it has answered already, before the end of the body
            answer = used.getresponse()
            return Response(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            if connection is None:
                used.close()

    def get(self, path: str, **more: Any) -> Response:
        return self.request("GET", path, **more)

    def post(self, path: str, body: Any = None, **more: Any) -> Response:
        return self.request("POST", path, body, **more)

    def raw(self, data: bytes, timeout: float = 10.0) -> bytes:
        """Sends bytes, and answers what comes until the server closes or ``timeout`` seconds bring nothing more."""
        with socket.create_connection((self.host.strip("[]"), self.port), timeout=timeout) as wire:
            wire.sendall(data)
            pieces = []
            try:
                while piece := wire.recv(65536):
                    pieces.append(piece)
            except (TimeoutError, ConnectionResetError):
                pass
            return b"".join(pieces)

    def close(self, *, seconds: float = 20.0) -> int:
        """Stops it as a service manager does (SIGTERM); answers its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
