"""``autotrack plugins``, and the commands that plugins bring."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import EntryPoint, entry_points

import click

from autotrack.core.config import load_settings
from autotrack.core.guard import guard

from .commands import Group, State
from .documents import print_json
from .runs import json_option
from .screen import Cell, Column, Screen

GROUP = "autotrack"
_STYLES = {"loaded": "green", "blocked": "yellow", "failed": "red"}


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plugin that is installed. ``status`` is loaded, blocked or failed; ``why`` says why it is not loaded."""

    name: str
    distribution: str
    version: str
    module: str
    status: str
    why: str = ""


def found_plugins() -> Iterator[Plugin]:
    """Every plugin that is installed, by name, with what came of loading it."""
    blocked = load_settings().plugins_block
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        yield _found(point, blocked)


def _found(point: EntryPoint, blocked: tuple[str, ...]) -> Plugin:
    distribution = point.dist.name if point.dist else ""
    version = point.dist.version if point.dist else ""

    def plugin(status: str, why: str = "") -> Plugin:
        return Plugin(point.name, distribution, version, point.value, status, why)

    if point.name in blocked:
        return plugin("blocked", "named in the setting plugins_block (AUTOTRACK_PLUGINS_BLOCK)")
    failures: list[Exception] = []
    with guard.handing(failures.append):
        point.load()
    if not failures:
        return plugin("loaded")
    return plugin("failed", f"{type(failures[0]).__name__}: {failures[0]}")


@click.group("plugins", cls=Group, examples=(("autotrack plugins list", "what is installed, and what came of it"),))
def plugins() -> None:
    """Show the plugins that are installed, and why one is not loaded."""


@plugins.command(
    "list",
    examples=(
        ("autotrack plugins list", "every plugin, ours and others'"),
        ("AUTOTRACK_PLUGINS_BLOCK=sklearn autotrack plugins list", "one of them switched off"),
        ("autotrack plugins list --json", "for programs"),
    ),
)
@json_option
@click.pass_obj
def list_plugins(state: State, as_json: bool) -> None:
    """Each plugin with the distribution that brings it, its module, and whether it is loaded, blocked or failed."""
    found = list(found_plugins())
    if as_json:
        print_json([asdict(each) for each in found])
        return
    screen = Screen()
    rows: list[list[Cell | str]] = [
        [each.name, Cell(each.status, _STYLES[each.status]), f"{each.distribution} {each.version}", each.module]
        for each in found
    ]
    screen.table([Column("plugin"), Column("status"), Column("distribution"), Column("module")], rows)
    for each in found:
        if each.why:
            screen.line(f"{each.name}: {each.why}")


def add_plugin_commands(root: click.Group) -> None:
    """Lets each plugin add its commands to the command line; one that fails is warned of and left out."""
    from autotrack.core.manager import notify

    notify("register_commands", cli=root)
