"""MLflow: moving in from it, moving out to it, and logging to a server of it.

Nothing here imports MLflow: its formats are read and written as they are.
"""

from __future__ import annotations

from typing import Any

from autotrack.plugin import hookimpl


@hookimpl
def register_commands(cli: Any) -> None:
    """``autotrack import mlflow`` and ``autotrack export``."""
    from .commands import add_commands

    add_commands(cli)
