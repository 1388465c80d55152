"""Serves models: behind REST, in batches, on Spark, in a container, and reports back what they answered.

Nothing here imports a web server or a library of models when it is loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from autotrack.plugin import hookimpl

if TYPE_CHECKING:
    from .request import Request


@hookimpl
def register_hookspecs() -> Sequence[object]:
    """``make_server``."""
    from . import specs

    return [specs]


@hookimpl
def make_server(request: Request) -> Any:
    """Our own engine, where no other is asked for."""
    if request.engine not in ("", "uvicorn"):
        return None
    from .engine import UvicornServer

    return UvicornServer(request)


@hookimpl
def ask_on(platform: str, folder: str, example: Any, trust: bool) -> Any:
    """``serve`` and ``docker``."""
    if platform not in ("serve", "docker"):
        return None
    from .platforms import ask_container, ask_served

    return ask_served(folder, example, trust) if platform == "serve" else ask_container(folder, example)


@hookimpl
def register_commands(cli: Any) -> None:
    """``autotrack serve``."""
    from .commands import add_commands

    add_commands(cli)
