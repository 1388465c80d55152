"""Runs projects as Kubernetes Jobs: ``autotrack run . --backend kubernetes -B image=team/train:3 -B namespace=ml``."""

from __future__ import annotations

from typing import Any

from autotrack.plugin import hookimpl


@hookimpl(optionalhook=True)  # the hook is the projects plugin's, which may be loaded later, or blocked
def submit_project(backend: str, job: Any) -> Any:
    """The backend ``kubernetes``."""
    if backend != "kubernetes":
        return None
    from .podjob import submit

    return submit(job)
