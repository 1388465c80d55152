"""From what was typed to a place of MLflow's that can be read."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from autotrack.plugin import UsageError, shown

from .facts import Source
from .places import Places


def open_source(where: str, artifacts: str | None = None) -> Source:
    """A folder of MLflow's, its database or its server (UsageError, StoreError).

    ``artifacts``: a folder or URI that files may be read from besides the place itself.
    """
    scheme = where.partition("://")[0].lower() if "://" in where else ""
    if scheme in ("http", "https"):
        from .server import ServerSource
        from .wire import Wire

        wire = Wire(where)
        return ServerSource(wire, Places(given=artifacts, wire=wire))
    if scheme and scheme != "file":
        from .database import DatabaseSource

        if scheme == "sqlite":
            return DatabaseSource(where, Places([_path(where.removeprefix("sqlite:///")).parent], artifacts))
        return DatabaseSource(where, Places((), artifacts))
    folder = _path(unquote(urlsplit(where).path) if scheme else where)
    if folder.is_file():
        raise UsageError(f"{shown(where)} is a file; write sqlite:///{where} if it is MLflow's database")
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}; name mlruns, sqlite:///mlflow.db or the address of a server")
    from .mlruns import MlrunsSource

    below = folder / "mlruns"
    if not (folder / "0").is_dir() and below.is_dir():
        folder = below
    return MlrunsSource(folder, Places([folder], artifacts))


def _path(text: str) -> Path:
    return Path(text).expanduser().absolute()
