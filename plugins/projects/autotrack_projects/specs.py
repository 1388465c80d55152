"""The hook of this plugin's own: where the program of a project runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autotrack.plugin import hookspec

if TYPE_CHECKING:
    from .jobs import Job, Submitted


@hookspec(firstresult=True)
def submit_project(backend: str, job: Job) -> Submitted | None:
    """Starts the job where this backend starts jobs, and answers what it is asked by; None for any other backend.

    The job's run is open already, and is ended by who submitted it, as ``Submitted.wait`` says.
    """
