"""The plugin's own hook: other plugins may serve models with an engine of theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autotrack.plugin import hookspec

if TYPE_CHECKING:
    from .request import Request


@hookspec(firstresult=True)
def make_server(request: Request) -> Any:
    """An object whose ``run(ready)`` serves the model until it is told to stop, and calls ``ready(url)`` once it can
    be asked; None where the request is for another engine. The engine of this plugin is called ``uvicorn``."""
