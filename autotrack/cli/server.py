"""``autotrack server``: serves a store."""

from __future__ import annotations

import click

from autotrack.core.errors import UsageError
from autotrack.server.limits import RATE

from .commands import Command, State
from .stores import find_place

LOOPBACK = ("127.0.0.1", "localhost", "::1")
#: Addresses that stand for all of a machine's.
EVERY = ("0.0.0.0", "::")


@click.command(
    cls=Command,
    examples=(
        ("autotrack server", "serve the store of this folder at http://127.0.0.1:5000"),
        ("autotrack server --store /data/runs --port 8080", "another store, another port"),
        ("autotrack server --host 0.0.0.0 --auth", "for other machines, and for users who have logged in"),
        ("MLFLOW_TRACKING_URI=http://127.0.0.1:5000 python train.py", "a program that logs with MLflow logs to it"),
        ("AUTOTRACK_TRACKING_URI=http://127.0.0.1:5000 autotrack run train.py", "a program that autotrack tracks"),
    ),
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option("--port", default=5000, show_default=True, type=click.IntRange(0, 65535), help="The port to listen at.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Processes that serve.")
@click.option("--artifacts", metavar="URI", help="Where artifacts are kept: a folder or, say, s3://bucket/prefix.")
@click.option("--auth", is_flag=True, help="Let only users in who have logged in.")
@click.option(
    "--allowed-host", multiple=True, metavar="NAME", help="A name that this server is reached by; repeatable."
)
@click.option(
    "--trusted-proxy",
    multiple=True,
    metavar="ADDRESS",
    help="A proxy, or network of them, whose X-Forwarded-For and -Proto are believed; repeatable.",
)
@click.option(
    "--token-rate",
    default=RATE,
    show_default=True,
    metavar="NUMBER",
    type=click.FloatRange(0),
    help="Requests a second that one token may send for long, in each worker; 0 for any number.",
)
@click.option(
    "--request-timeout",
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    type=click.FloatRange(0.1, 3600),
    help="How long a request may take to come in; large ones have more, at 16 KiB a second.",
)
@click.option("--insecure-no-auth", is_flag=True, help="Serve other machines without asking who they are.")
@click.pass_obj
def server(
    state: State,
    host: str,
    port: int,
    workers: int,
    artifacts: str | None,
    auth: bool,
    allowed_host: tuple[str, ...],
    trusted_proxy: tuple[str, ...],
    token_rate: float,
    request_timeout: float,
    insecure_no_auth: bool,
) -> None:
    """Serves a store: to MLflow's clients, to autotrack's, and as pages.

    Listens to this machine alone unless told otherwise.
    """
    if host not in LOOPBACK and not (auth or insecure_no_auth):
        raise UsageError(
            f"{host} can be reached from other machines, and anybody there could read and change every run: add "
            "--auth, or type --insecure-no-auth where that is wanted"
        )
    try:
        import uvicorn  # noqa: F401
    except ImportError:
        raise UsageError("a server needs more packages: pip install 'autotrack[server]'") from None
    from autotrack.server.proxies import check_proxies

    check_proxies(trusted_proxy)
    from autotrack.server.access.first import with_first_code
    from autotrack.server.services import ServerSettings
    from autotrack.server.serving import serve

    place = find_place(state)
    settings = ServerSettings(
        place.uri,
        host,
        port,
        workers,
        artifacts,
        auth,
        allowed_host,
        patience=request_timeout,
        proxies=trusted_proxy,
        rate=token_rate,
    )
    settings, code = with_first_code(settings)

    def ready(url: str) -> None:
        names = f" and as {', '.join(allowed_host)}" if allowed_host else ""
        click.echo(f"autotrack serves {place.shown} at {url}{names} (Ctrl-C stops it)", err=True)
        if host in EVERY and not allowed_host:
            click.echo("Other machines reach it by the names that --allowed-host gives; none is given.", err=True)
        if code is not None:
            click.echo(
                "It has no user yet. Whoever has this one-time code becomes its first administrator, with\n"
                f"`autotrack login {url}`:\n\n    {code}\n",
                err=True,
            )

    serve(settings, ready)
