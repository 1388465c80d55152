"""The plugin's own hooks: other plugins may serve models with an engine of theirs, or hear what production reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autotrack.plugin import hookspec

if TYPE_CHECKING:
    from .report import Report
    from .request import Request


@hookspec(firstresult=True)
def make_server(request: Request) -> Any:
    """An object whose ``run(ready)`` serves the model until it is told to stop, and calls ``ready(url)`` once it can
    be asked; None where the request is for another engine. The engine of this plugin is called ``uvicorn``."""


@hookspec
def production_reported(report: Report) -> None:
    """A process that serves a model has reported how it goes: every ten seconds, and as it ends. Called on the thread
    that observes, so no request waits for it."""
