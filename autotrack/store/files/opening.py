"""Artifacts by their URI."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from autotrack.core.errors import ArtifactError

from .local import LocalArtifacts

if TYPE_CHECKING:
    from .remote import FsspecArtifacts


def open_artifacts(uri: str) -> LocalArtifacts | FsspecArtifacts:
    """Artifacts in a folder (a path or ``file://`` URI) or at any URI that fsspec knows."""
    if "://" not in uri:
        return LocalArtifacts(Path(uri))
    parts = urlsplit(uri)
    if parts.scheme == "file":
        if parts.netloc not in ("", "localhost") or parts.query or parts.fragment:
            raise ArtifactError(f"{uri} is no plain path on this machine; write file:///folder")
        return LocalArtifacts(Path(unquote(parts.path)))
    from .remote import FsspecArtifacts

    return FsspecArtifacts(uri)
