"""``autotrack.run_project``: what the projects plugin (or another one) does for whoever calls it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from .errors import PluginError
from .plugins.registry import plugins
from .runs.run import Run


class SubmittedRun(Protocol):
    """A run of a project that was started; ``exit_code`` is None while it goes on."""

    run: Run
    run_id: str
    exit_code: int | None

    def wait(self) -> bool:
        """True where its program ended with 0. The run has ended when this returns."""

    def get_status(self) -> str:
        """``RUNNING``, ``FINISHED``, ``FAILED`` or ``KILLED``."""

    def output(self, path: str) -> Any:
        """A file or folder that it keeps, as a parameter of another run."""

    def cancel(self) -> None:
        """Ends its program; the run is KILLED."""


def run_project(
    uri: str,
    entry_point: str = "main",
    parameters: Mapping[str, Any] | None = None,
    *,
    version: str | None = None,
    experiment: str | None = None,
    name: str | None = None,
    env: str = "auto",
    backend: str = "local",
    backend_config: Mapping[str, Any] | None = None,
    tags: Mapping[str, Any] | None = None,
    timeout: float | None = None,
    synchronous: bool = True,
    cache: bool = True,
) -> SubmittedRun:
    """Runs an entry point of a project: a folder, a zip archive or a git repository, ``#folder`` inside it.

    It is a run of its own, a child of the one that is active here; what its program logs and trains joins it.
    ``version`` is a commit, branch or tag, ``env`` one of auto, venv, conda, local and docker. ProjectError where the
    program fails, unless ``synchronous`` is False: then it runs in the background, and is asked with ``wait()``.

    A parameter may be an output of another run, which is waited for: ``{"data": first.output("data.csv")}``. A step (a
    run inside another) for which an earlier run did the same is not run again, unless ``cache`` is False: that run
    stands for it. A program that takes longer than ``timeout`` (seconds) is ended, and its run is KILLED.
    """
    arguments = {
        "entry_point": entry_point,
        "parameters": parameters,
        "version": version,
        "experiment": experiment,
        "name": name,
        "env": env,
        "backend": backend,
        "backend_config": backend_config,
        "tags": tags,
        "timeout": timeout,
        "synchronous": synchronous,
        "shown": synchronous,
        "cache": cache,
    }
    found: SubmittedRun | None = plugins().choose("run_project", uri=uri, arguments=arguments)
    if found is None:
        raise PluginError("no plugin runs projects; the plugin `projects` is blocked or not installed")
    return found


__all__ = ["SubmittedRun", "run_project"]
