"""``autotrack plugins``."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version

import click

from .commands import Group, State, json_option
from .documents import print_json
from .screen import Cell, Column, Screen

_STYLES = {"loaded": "green", "blocked": "yellow", "missing": "yellow", "failed": "red"}
_STATUS = {"missing": "missing", "blocked": "blocked", "broken": "failed"}


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plugin that is installed. ``status`` is loaded, blocked, missing (something that it imports is not installed)
    or failed; ``why`` says why it is not loaded."""

    name: str
    distribution: str
    version: str
    module: str
    status: str
    why: str = ""


def found_plugins() -> list[Plugin]:
    """Every plugin that is installed, by name, with what came of loading it."""
    from autotrack.core.plugins.registry import plugins

    manager = plugins()
    manager.load()
    loaded = frozenset(manager.loaded())
    found = []
    for name, entry in sorted(manager.available().items()):
        problem = manager.problems.get(name)
        if name in loaded:
            status, why = "loaded", ""
        elif problem is None:
            status, why = "failed", "it was not loaded, and nothing says why"
        else:
            status, why = _STATUS.get(problem.kind, "failed"), problem.message
        found.append(Plugin(name, entry.distribution, version_of(entry.distribution), entry.target, status, why))
    return found


def version_of(distribution: str) -> str:
    """The installed version of a distribution; empty where its metadata do not say."""
    try:
        return version(distribution)
    except (PackageNotFoundError, ValueError):
        return ""


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
    """Each plugin with the distribution that brings it, its module, and what came of it.

    loaded; blocked by you; missing, where something that it imports is not installed; failed, where it is broken.
    """
    found = found_plugins()
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
