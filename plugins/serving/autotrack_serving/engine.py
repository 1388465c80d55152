"""Serves with uvicorn: in this process, or in several that share one port.

A process loads the model, and has its golden predictions replayed, before it listens: a port that is open belongs to a
model that answers as it should.
"""

from __future__ import annotations

import contextlib
import gc
import json
import logging
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from autotrack.plugin import AutotrackError, UsageError, uncollected, with_room

from .request import Request

Ready = Callable[[str], None]

#: Seconds that requests under way have to end in once the server is told to stop.
_PATIENCE = 10
#: Seconds within which a worker that ends has not served, but failed to start.
_YOUNG = 30.0
#: The first line of a worker that listens.
_READY = "autotrack-serving-ready"
#: Threads change places after this (Python waits 5 ms, which is longer than most predictions take).
_SWITCH_SECONDS = 0.002


class WorkerFailed(AutotrackError):
    """A worker process could not serve; what it said stands above."""


@dataclass(frozen=True, slots=True)
class UvicornServer:
    """The plugin's engine."""

    request: Request

    def run(self, ready: Ready) -> None:
        """Serves until SIGTERM or Ctrl-C, and answers what is under way (Drifted, errors of ``load_model``)."""
        listener = _bound(self.request.host, self.request.port)
        with contextlib.closing(listener):
            if self.request.workers == 1:
                serve(self.request, listener, lambda: ready(_url(listener)))
                return
            _Workers(replace(self.request, server=secrets.token_hex(8)), listener, ready).run()


def serve(request: Request, listener: socket.socket, ready: Callable[[], None]) -> None:
    """Loads the model, then serves it at a bound socket."""
    with_room(_serve, request, listener, ready)


def _serve(request: Request, listener: socket.socket, ready: Callable[[], None]) -> None:
    with uncollected():  # what is imported and loaded stays
        server = _server(request, ready)
        gc.freeze()  # nor is it walked over later, which would keep requests waiting now and then
    sys.setswitchinterval(_SWITCH_SECONDS)
    server.run([listener])


def _server(request: Request, ready: Callable[[], None]) -> Any:
    """uvicorn's server with the model in it, which does not listen yet."""
    from .scorer import load

    scorer = load(request.uri, trust=request.trust, allow_drift=request.allow_drift)
    import uvicorn

    from .app import Options, ScoringApp
    from .counting import Counts
    from .observing import Observer, Recorder
    from .version import version

    options = Options(request.max_rows, request.batch_ms, request.timeout, request.max_bytes)
    counts, truths = Counts(), None
    recorders: list[Recorder] = []
    if request.report:
        from .monitoring.reporting import recorders_of

        recorders, truths = recorders_of(request, scorer, counts)
    app = ScoringApp(scorer, options, Observer(recorders), version(), counts, truths)
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        ws="none",
        lifespan="on",
        timeout_keep_alive=75,
        timeout_graceful_shutdown=_PATIENCE,
        h11_max_incomplete_event_size=64 << 10,
    )

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                ready()

    return Server(config)


class _Workers:
    """Processes that serve at one socket; one that ends is started again, unless it never served."""

    def __init__(self, request: Request, listener: socket.socket, ready: Ready) -> None:
        self.request = request
        self.listener = listener
        self.ready = ready
        self.stopping = False
        self._wake = threading.Event()
        self._said = False
        self._running: dict[int, tuple[subprocess.Popen[str], float]] = {}

    def run(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop())
        try:
            for at in range(self.request.workers):
                self._start(at)
            self._watch()
        finally:
            self._end()

    def _stop(self) -> None:
        self.stopping = True
        self._wake.set()

    def _start(self, at: int) -> None:
        os.set_inheritable(self.listener.fileno(), True)
        process = subprocess.Popen(
            [sys.executable, "-m", "autotrack_serving.worker", json.dumps(asdict(self.request)),
             str(self.listener.fileno())],
            stdin=subprocess.PIPE,  # it ends with us
            stdout=subprocess.PIPE,
            pass_fds=[self.listener.fileno()],
            text=True,
        )  # fmt: skip
        self._running[at] = (process, time.monotonic())
        threading.Thread(target=self._listen, args=(process,), daemon=True).start()

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == _READY:
                if not self._said:
                    self._said = True
                    self.ready(_url(self.listener))
            else:
                sys.stdout.write(line)

    def _watch(self) -> None:
        served: set[int] = set()
        while not self.stopping:
            for at, (process, began) in list(self._running.items()):
                code = process.poll()
                young = time.monotonic() - began < _YOUNG
                if code is None:
                    if not young:
                        served.add(at)
                    continue
                if young and at not in served:
                    raise WorkerFailed(f"a worker ended with exit code {code} before it served")
                self._start(at)
            self._wake.wait(0.2)

    def _end(self) -> None:
        for process, _ in self._running.values():
            if process.poll() is None:
                process.terminate()
        deadline = time.monotonic() + _PATIENCE + 2
        for process, _ in self._running.values():
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()


def as_worker(text: str, descriptor: int) -> None:
    """Serves in a process of ``_Workers``."""
    fields: dict[str, Any] = json.loads(text)
    listener = socket.socket(fileno=descriptor)
    threading.Thread(target=_end_with_parent, daemon=True).start()

    def ready() -> None:
        sys.stdout.write(_READY + "\n")
        sys.stdout.flush()

    lists = {name: tuple(fields[name]) for name in ("redact", "alert_if")}
    serve(Request(**{**fields, **lists}), listener, ready)


def _end_with_parent() -> None:
    sys.stdin.read()  # until whoever started this process is gone
    os.kill(os.getpid(), signal.SIGTERM)


def _bound(host: str, port: int) -> socket.socket:
    """A socket that is bound and does not listen yet: who asks too early is refused, not kept waiting (UsageError)."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        found = socket.socket(family, kind, protocol)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
    except OSError as error:
        raise UsageError(
            f"cannot listen at {host}, port {port} ({error.strerror or error}); is a server running there already? "
            "Choose another with --port"
        ) from None
    return found


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def server_for(request: Request) -> Any:
    """The server that a plugin makes for a request (UsageError where none takes it)."""
    from autotrack.plugin import choose

    found = choose("make_server", request=request)
    if found is None:
        raise UsageError(f"no plugin here serves with the engine {request.engine!r}; leave --engine out for our own")
    return found
