"""Reading and managing runs, the same against a folder, a database or (through its sink) a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autotrack.core.late import late_names

if TYPE_CHECKING:
    from .client import Client, RunList, get_run, last_run, search_runs

__all__ = ["Client", "RunList", "get_run", "last_run", "search_runs"]

_HOMES = dict.fromkeys(__all__, ".client")

__getattr__ = late_names(__name__, _HOMES)
