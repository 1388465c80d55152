"""MLflow: moving in from it, moving out to it, and logging to a server of it.

Nothing here imports MLflow: its formats are read and written as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autotrack.plugin import hookimpl

if TYPE_CHECKING:
    from autotrack.plugin import Sink

_SCHEMES = ("mlflow+http://", "mlflow+https://")


@hookimpl
def open_sink(uri: str) -> Sink | None:
    """An MLflow server for ``mlflow+http://host:5000`` (or ``mlflow+https``); None for any other URI."""
    if not uri.lower().startswith(_SCHEMES):
        return None
    from autotrack.plugin import find_store

    from .sink import MlflowSink

    return MlflowSink(find_store(uri))


@hookimpl
def register_commands(cli: Any) -> None:
    """``autotrack import mlflow`` and ``autotrack export``."""
    from .commands import add_commands

    add_commands(cli)
