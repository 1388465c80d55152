"""Panels that plugins bring (``register_panels``): which a run has, and the page of each."""

from __future__ import annotations

import html
from dataclasses import dataclass
from functools import cache

from autotrack.core.errors import NotFoundError
from autotrack.core.guard import guard
from autotrack.core.plugins.pages import Panel
from autotrack.core.plugins.registry import plugins

from ..answers import Answer
from ..calls import Call
from ..pages.assets import sources
from ..routing import Of, Permission, Role, Table
from ..streams import HTML, SANDBOXED
from .permissions import READ_RUN
from .visible import visible

ROUTES = Table("/api/v1")
#: A panel's page holds no data: whoever has logged in may have it.
READ = Permission(Role.VIEWER, Of.USER)


@dataclass(frozen=True, slots=True)
class Tab:
    """A panel: the plugin that brings it, its name there, and its title."""

    plugin: str
    name: str
    title: str


@dataclass(frozen=True, slots=True)
class Tabs:
    panels: list[Tab]


@ROUTES.get("/runs/{run}/panels", READ_RUN, answer=Tabs)
def of_run(call: Call) -> Tabs:
    """The panels that plugins have for a run."""
    brought = plugins().panels()
    run = visible(call).run(call.path["run"])
    return Tabs(
        [
            Tab(plugin, panel.name, panel.title)
            for plugin, panels in brought.items()
            for panel in panels
            if isinstance(panel, Panel) and guard.call_plugin(f"{plugin}.{panel.name}.shows", panel.shows, run)
        ]
    )


@ROUTES.get("/plugins/{plugin}/panels/{name}", READ, answers_with_bytes=HTML)
def page(call: Call) -> Answer:
    """The page of a panel, for a frame: it runs shut off, and asks the page around it for its run."""
    plugin, name = call.path["plugin"], call.path["name"]
    for panel in plugins().panels().get(plugin, ()):
        if isinstance(panel, Panel) and panel.name == name:
            return Answer(_whole(panel).encode(), media=HTML, headers=SANDBOXED)
    raise NotFoundError(f"no plugin {plugin[:80]!r} brings a panel {name[:80]!r}")


def _whole(panel: Panel) -> str:
    # A document that the plugin brings begins again with its own doctype, which a browser passes over.
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(panel.title)}</title>'
        f"<style>{_inside('inside/panel.css')}</style><script>{_inside('inside/panel.js')}</script>{panel.page}"
    )


@cache
def _inside(path: str) -> str:
    return sources()[path].plain.decode()
