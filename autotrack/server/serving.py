"""Runs the app: one process by default, more of them behind one port where asked for."""

from __future__ import annotations

import json
import os
from dataclasses import asdict

from .app import App, make_app
from .services import ServerSettings

#: How the worker processes learn how the server was started.
VARIABLE = "_SERVED_BY_AUTOTRACK"


def serve(settings: ServerSettings) -> None:
    """Serves until it is told to stop (SIGTERM, Ctrl-C): what is under way is answered first."""
    import uvicorn

    os.environ[VARIABLE] = json.dumps(asdict(settings))
    uvicorn.run(
        "autotrack.server.serving:from_environment",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=10,
        h11_max_incomplete_event_size=64 * 1024,
    )


def from_environment() -> App:
    """The app of a worker process."""
    found = json.loads(os.environ[VARIABLE])
    return make_app(ServerSettings(**{**found, "allowed_hosts": tuple(found["allowed_hosts"])}))
