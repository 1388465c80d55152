"""What is to be served, as the command line or a parent process says it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be served, and how.

    ``trust`` and ``allow_drift`` are as of ``load_model``; with ``report`` a run in the store tells how it goes,
    ``log_payloads`` is the share of requests that are kept with it, without the columns in ``redact``. ``alert_if`` are
    conditions on what is reported (``psi > 0.2``); ``server`` is what the runs of workers have in common. Sizes are in
    bytes, times in seconds unless their name says otherwise.
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
    alert_if: tuple[str, ...] = ()
    server: str = ""
    engine: str = ""


def full_uri(text: str) -> str:
    """A model's URI; the beginning of a run's id stands for the model of that run."""
    if re.fullmatch(r"[0-9a-f]{4,32}", text) and not Path(text).exists():
        return f"runs:/{text}/model"
    return text
