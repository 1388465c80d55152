"""The hook of the client: ``http://`` and ``https://`` URIs are servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autotrack.core.addresses import is_server
from autotrack.core.plugins.hookspecs import hookimpl

if TYPE_CHECKING:
    from autotrack.core.sink import Sink


@hookimpl
def open_sink(uri: str) -> Sink | None:
    """The server at an ``http://`` or ``https://`` URL; None for any other URI."""
    if not is_server(uri):
        return None
    from .remote.sink import RemoteSink

    return RemoteSink(uri)
