"""The hooks of the store: folders, SQLite files, PostgreSQL, and artifacts anywhere that fsspec reaches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autotrack.core.addresses import POSTGRESQL, is_remote
from autotrack.core.plugins.hookspecs import hookimpl

if TYPE_CHECKING:
    from autotrack.core.sink import Sink

    from .files.local import LocalArtifacts
    from .files.remote import FsspecArtifacts


@hookimpl
def open_artifacts(uri: str) -> LocalArtifacts | FsspecArtifacts:
    """Artifacts in a folder (a path or ``file://`` URI) or at any URI that fsspec knows."""
    from .files.opening import open_artifacts as opened

    return opened(uri)


@hookimpl
def open_sink(uri: str) -> Sink | None:
    """A store for a folder, a database file, ``sqlite:///path`` or a PostgreSQL database; None for any other URI."""
    if is_remote(uri) and uri.partition("://")[0].lower() not in POSTGRESQL:
        return None
    from autotrack.core.config import usable_settings

    from .store import Store

    return Store.open(uri, artifacts=usable_settings()[0].artifacts)
