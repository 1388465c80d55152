"""Runs projects as Ray Jobs: ``autotrack run . --env local --backend ray -B address=http://head:8265``."""

from __future__ import annotations

from typing import Any

from autotrack.plugin import hookimpl


@hookimpl(optionalhook=True)  # the hook is the projects plugin's, which may be loaded later, or blocked
def submit_project(backend: str, job: Any) -> Any:
    """The backend ``ray``."""
    if backend != "ray":
        return None
    from .rayjob import submit

    return submit(job)
