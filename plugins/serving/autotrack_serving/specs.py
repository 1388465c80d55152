"""The plugin's own hook: other plugins may serve models with an engine of theirs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from autotrack.plugin import hookspec


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be served, and how.

    ``trust`` and ``allow_drift`` are as of ``load_model``; with ``report`` a run in the store tells how it goes,
    ``log_payloads`` is the share of requests that are kept with it, without the columns in ``redact``. Into the file
    ``ledger`` workers write their answers; ``server`` is what their runs have in common. Sizes are in bytes, times in
    seconds unless their name says otherwise.
    """

    uri: str
    host: str = "127.0.0.1"
    port: int = 5001
    workers: int = 1
    batch_ms: float = 0.0
    max_rows: int = 1000
    timeout: float = 60.0
    max_bytes: int = 100 << 20
    trust: bool | str | None = None
    allow_drift: bool = False
    report: bool = False
    log_payloads: float = 0.0
    redact: tuple[str, ...] = ()
    ledger: str = ""
    server: str = ""
    engine: str = ""


@hookspec(firstresult=True)
def make_server(request: Request) -> Any:
    """An object whose ``run(ready)`` serves the model until it is told to stop, and calls ``ready(url)`` once it can
    be asked; None where the request is for another engine. The engine of this plugin is called ``uvicorn``."""
