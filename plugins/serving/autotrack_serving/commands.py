"""``autotrack serve``."""

from __future__ import annotations

import os
from typing import Any

import click

from .specs import Request


def add_commands(cli: click.Group) -> None:
    """Adds the commands of this plugin to the command line."""
    examples = (
        ("autotrack serve -m models:/churn@champion", "the version that the alias stands for, at 127.0.0.1:5001"),
        ("autotrack serve -m 3f9a", "the model of the run whose id begins with 3f9a"),
        ("autotrack serve -m ./model --port 8080 --workers 4", "a model's folder, by four processes"),
        (
            """curl -s localhost:5001/invocations -H 'content-type: application/json' -d '{"inputs": [[1, 2]]}'""",
            "asks it; http://localhost:5001/docs shows what it takes",
        ),
    )
    # A group of click's own, which a test or another program may have, knows no examples.
    more: dict[str, Any] = {"examples": examples} if hasattr(cli, "examples") else {}
    cli.command("serve", **more)(serve)


@click.option("-m", "--model", "uri", required=True, metavar="MODEL", help="A URI, a folder, or a run's id.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option("--port", type=click.IntRange(0, 65535), default=5001, show_default=True, help="0: any free one.")
@click.option("--workers", type=click.IntRange(1, 256), default=1, show_default=True, help="Processes that predict.")
@click.option(
    "--batch-ms",
    type=click.FloatRange(0, 1000),
    default=0.0,
    show_default=True,
    help="Wait this long for requests to share a call of the model; 0: only while the model is busy.",
)
@click.option(
    "--max-rows",
    type=click.IntRange(1),
    default=1000,
    show_default=True,
    help="Rows of a call that requests share; 1: each has its own.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0.001, 86400),
    default=60.0,
    show_default=True,
    help="Seconds in which the model must answer; the client gets a 504 then.",
)
@click.option(
    "--max-mb", type=click.IntRange(1, 10_000), default=100, show_default=True, help="Size of a request's body."
)
@click.option("--trust", is_flag=True, help="Vouch for the model's files, which may run code when they are loaded.")
@click.option("--allow-drift", is_flag=True, help="Serve it even where it answers otherwise than where it was trained.")
@click.option("--engine", default="", metavar="NAME", help="A server that another plugin brings.")
@click.pass_obj
def serve(
    state: Any,
    uri: str,
    host: str,
    port: int,
    workers: int,
    batch_ms: float,
    max_rows: int,
    timeout: float,
    max_mb: int,
    trust: bool,
    allow_drift: bool,
    engine: str,
) -> None:
    """Put a model behind REST.

    It speaks what clients of `mlflow models serve` speak (/invocations, /ping, /version), the Open Inference Protocol
    (/v2), and describes itself at /docs and /openapi.json; /metrics is for Prometheus. The port opens once the model
    has given the predictions again that were kept where it was trained.
    """
    from .engine import server_for
    from .scorer import full_uri

    if getattr(state, "store", None):
        os.environ["AUTOTRACK_TRACKING_URI"] = state.store  # of the workers, too
    request = Request(
        uri=full_uri(uri),
        host=host,
        port=port,
        workers=workers,
        batch_ms=batch_ms,
        max_rows=max_rows,
        timeout=timeout,
        max_bytes=max_mb << 20,
        trust=True if trust else None,
        allow_drift=allow_drift,
        engine=engine,
    )

    def ready(url: str) -> None:
        click.echo(f"{request.uri} is served at {url}  (docs: {url}/docs; Ctrl-C ends it)")

    server_for(request).run(ready)
