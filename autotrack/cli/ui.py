"""``autotrack ui``: the pages of a store in a browser, with nothing else to start."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from contextlib import closing
from urllib.parse import quote

import click

from autotrack.core.addresses import is_server
from autotrack.core.errors import AutotrackError, UsageError

from .commands import Command, State
from .stores import Place, find_place, open_place

#: Where a server listens unless told otherwise, and how many ports behind it are tried.
PORT, TRIED = 5000, 20


@click.command(
    cls=Command,
    examples=(
        ("autotrack ui", "all experiments of this folder's store"),
        ("autotrack ui 3f9a", "the page of a run"),
        ("autotrack ui churn-grid", "the page of an experiment"),
        ("autotrack --store http://tracking:5000 ui", "the pages of a server"),
    ),
)
@click.argument("what", required=False)
@click.option(
    "--port", type=click.IntRange(0, 65535), help="The port to listen at. [default: 5000, or the next free one]"
)
@click.option("--no-browser", is_flag=True, help="Only say the address.")
@click.pass_obj
def ui(state: State, what: str | None, port: int | None, no_browser: bool) -> None:
    """Opens the pages in a browser: of the store, or of WHAT (a run, an experiment, models:/NAME). Ctrl-C ends it.

    Trainings may run meanwhile; their values come into the pages as they are logged.
    """
    place = find_place(state)
    path = _page(place, what)
    if is_server(place.uri):
        _show(place.uri.rstrip("/") + path, no_browser)
        return
    try:
        import uvicorn  # noqa: F401
    except ImportError:
        raise UsageError("the pages need more packages: pip install 'autotrack[server]'") from None
    from autotrack.server.services import ServerSettings
    from autotrack.server.serving import serve

    def ready(url: str) -> None:
        click.echo(f"autotrack shows {place.shown} at {url}{path} (Ctrl-C ends it)", err=True)
        threading.Thread(target=_show_when_up, args=(url, path, no_browser), daemon=True).start()

    serve(ServerSettings(place.uri, port=_free_port() if port is None else port), ready)


def _page(place: Place, what: str | None) -> str:
    """The path of the page of a run, an experiment or a model (UsageError where there is no such thing)."""
    if what is None:
        return "/"
    if what.startswith("models:/"):
        name, _, version = what.removeprefix("models:/").partition("/")
        name, _, alias = name.partition("@")
        rest = f"/@{quote(alias)}" if alias else f"/v/{quote(version)}" if version else ""
        return f"/models/{quote(name)}{rest}"
    with closing(open_place(place)) as sink:
        if any(what in (one.name, one.id) for one in sink.experiments()):
            return f"/e/{quote(what)}"
        try:
            return f"/r/{sink.run(what).id[:12]}"
        except AutotrackError as error:
            raise UsageError(f"{what!r} is no experiment, and no run: {error}") from None


def _free_port() -> int:
    """The first free port from 5000 on; 0 (any) where none near it is."""
    for port in range(PORT, PORT + TRIED):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    return 0


def _show_when_up(url: str, path: str, no_browser: bool) -> None:
    host, _, port = url.rpartition("//")[2].rpartition(":")
    for _ in range(100):
        try:
            with socket.create_connection((host.strip("[]"), int(port)), timeout=1):
                break
        except OSError:
            time.sleep(0.05)
    _show(url + path, no_browser)


def _show(url: str, no_browser: bool) -> None:
    """Opens a page in the user's browser; where that is not on this machine, says how to get there."""
    if no_browser:
        return
    if os.environ.get("SSH_CONNECTION") and not os.environ.get("DISPLAY"):
        port = url.split("//", 1)[1].split("/", 1)[0].rpartition(":")[2]
        click.echo(
            f"From your own machine: ssh -L {port}:127.0.0.1:{port} {socket.gethostname()}, then open {url}", err=True
        )
        return
    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or os.environ.get("BROWSER")
    ):
        click.echo(f"There is no display here to open a browser on: open {url}", err=True)
        return
    import webbrowser

    if not webbrowser.open(url):
        click.echo(f"No browser could be started: open {url}", err=True)
