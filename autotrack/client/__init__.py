"""Reading and managing runs, the same against a folder, a database or (through its sink) a server."""

from __future__ import annotations

from .client import Client, RunList, get_run, last_run, search_runs

__all__ = ["Client", "RunList", "get_run", "last_run", "search_runs"]
