"""Runs the app: one process by default, more of them behind one port where asked for."""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import resource
import signal
import socket
import threading
from collections.abc import Callable
from dataclasses import asdict

from autotrack.core.errors import UsageError

from .app import App, make_app
from .services import ServerSettings

#: How the worker processes learn how the server was started.
VARIABLE = "_SERVED_BY_AUTOTRACK"


def serve(settings: ServerSettings, ready: Callable[[str], None] = lambda url: None) -> None:
    """Serves until it is told to stop (SIGTERM, Ctrl-C): what is under way is answered first.

    ``ready`` is called with the server's URL once its port is open (UsageError where it cannot be).
    """
    import uvicorn
    from uvicorn.supervisors import Multiprocess

    from .protocol import Protocol

    listener = listen(settings.host, settings.port)
    _allow_many_connections()
    os.environ[VARIABLE] = json.dumps(asdict(settings))
    config = uvicorn.Config(
        "autotrack.server.serving:from_environment",
        factory=True,
        http=Protocol,
        workers=settings.workers,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        ws="none",
        timeout_keep_alive=30,
        timeout_graceful_shutdown=8,
        # A worker that starts on a machine with much to do is not one that hangs.
        timeout_worker_healthcheck=60,
    )
    ready(url_of(listener))
    if settings.workers == 1:
        uvicorn.Server(config).run([listener])
    else:
        Multiprocess(config, [listener]).run()


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there; port 0 is any that is free (UsageError)."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except OSError as error:
        raise UsageError(
            f"cannot listen at {host}, port {port} ({error.strerror or error}); is a server running there already? "
            "Choose another with --port"
        ) from None
    listener.set_inheritable(True)
    return listener


def _allow_many_connections() -> None:
    """Raises the number of open files to what this user may have: each connection is one."""
    try:
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    except (OSError, ValueError):
        pass  # as it is, then


def url_of(listener: socket.socket) -> str:
    """Where a client of this machine finds what listens there: it is known by its loopback address in any case."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def from_environment() -> App:
    """The app of a worker process."""
    found = json.loads(os.environ[VARIABLE])
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # Its warnings are about what others send. What fails here is in the log as an error.
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
    _end_with_parent()
    lists = {name: tuple(found[name]) for name in ("allowed_hosts", "proxies")}
    return make_app(ServerSettings(**{**found, **lists}))


def _end_with_parent() -> None:
    """A worker whose supervisor is gone stops as if it had been told to: nobody else would."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="autotrack-parent", daemon=True).start()
