"""The plugin's own hooks: other plugins may serve models with an engine of theirs, or hear what production reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from autotrack.plugin import hookspec

if TYPE_CHECKING:
    from .request import Request


@dataclass(frozen=True, slots=True)
class Report:
    """What a process that serves a model has just reported.

    ``metrics`` are those of its run (docs/serving.md lists them), ``unseen`` the first values by column that training
    never saw. ``holds`` are the conditions of ``--alert-if`` that hold, ``began`` those of them that did not at the
    report before: where it is not empty, there is news.
    """

    name: str
    uri: str
    digest: str
    trained_by: str | None
    run: str
    metrics: Mapping[str, float]
    unseen: Mapping[str, list[str]] = field(default_factory=dict)
    holds: tuple[str, ...] = ()
    began: tuple[str, ...] = ()


@hookspec(firstresult=True)
def make_server(request: Request) -> Any:
    """An object whose ``run(ready)`` serves the model until it is told to stop, and calls ``ready(url)`` once it can
    be asked; None where the request is for another engine. The engine of this plugin is called ``uvicorn``."""


@hookspec
def production_reported(report: Report) -> None:
    """A process that serves a model has reported how it goes: every ten seconds, and as it ends. Called on the thread
    that observes, so no request waits for it."""
