"""The hooks of the store: folders, SQLite files, PostgreSQL, and artifacts anywhere that fsspec reaches."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from autotrack.core.addresses import POSTGRESQL, is_remote
from autotrack.core.errors import ArtifactError
from autotrack.core.plugins.hookspecs import hookimpl

if TYPE_CHECKING:
    from autotrack.core.sink import Sink

    from .artifacts import LocalArtifacts
    from .remote_artifacts import FsspecArtifacts


@hookimpl
def open_sink(uri: str) -> Sink | None:
    """A store for a folder, a database file, ``sqlite:///path`` or a PostgreSQL database; None for any other URI."""
    if is_remote(uri) and uri.partition("://")[0].lower() not in POSTGRESQL:
        return None
    from autotrack.core.config import usable_settings

    from .store import Store

    return Store.open(uri, artifacts=usable_settings()[0].artifacts)


@hookimpl
def open_artifacts(uri: str) -> LocalArtifacts | FsspecArtifacts:
    """Artifacts in a folder (a path or ``file://`` URI) or at any URI that fsspec knows."""
    from .artifacts import LocalArtifacts

    if "://" not in uri:
        return LocalArtifacts(Path(uri))
    parts = urlsplit(uri)
    if parts.scheme == "file":
        if parts.netloc not in ("", "localhost") or parts.query or parts.fragment:
            raise ArtifactError(f"{uri} is no plain path on this machine; write file:///folder")
        return LocalArtifacts(Path(unquote(parts.path)))
    from .remote_artifacts import FsspecArtifacts

    return FsspecArtifacts(uri)
