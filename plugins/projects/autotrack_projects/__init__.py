"""Runs projects: a folder, a git URI or an archive, in the environment that it asks for.

Nothing here imports git, yaml or a builder of environments when it is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from autotrack.plugin import hookimpl

if TYPE_CHECKING:
    from .jobs import Job, Submitted


@hookimpl
def register_hookspecs() -> Sequence[object]:
    """``submit_project``: other plugins bring other backends."""
    from . import specs

    return [specs]


@hookimpl
def register_settings() -> Mapping[str, Any]:
    """``largest_bytes``: what a repository or an archive may hold. ``reuse``: a step for which an earlier run did the
    same is not run again. ``ignored_variables``: those of the environment that this need not be the same for."""
    return {"largest_bytes": 4 << 30, "reuse": True, "ignored_variables": []}


@hookimpl
def run_project(uri: str, arguments: Mapping[str, Any]) -> Any:
    """``autotrack.run_project``."""
    from .running import run_project

    return run_project(uri, **arguments)


@hookimpl
def run_target(target: str) -> Any:
    """The command that runs a folder, an archive or a repository for ``autotrack run``."""
    from .places import is_project

    if not is_project(target):
        return None
    from .command import run

    return run


@hookimpl
def submit_project(backend: str, job: Job) -> Submitted | None:
    """The backend ``local``."""
    if backend != "local":
        return None
    from .local import LocalProcess

    return LocalProcess(job)
