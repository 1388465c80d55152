"""Runs projects as Slurm batch jobs: ``autotrack run . --backend slurm -B partition=gpu -B gpus=1``."""

from __future__ import annotations

from typing import Any

from autotrack.plugin import hookimpl


@hookimpl(optionalhook=True)  # the hook is the projects plugin's, which may be loaded later, or blocked
def submit_project(backend: str, job: Any) -> Any:
    """The backend ``slurm``."""
    if backend != "slurm":
        return None
    from .batch import submit

    return submit(job)
