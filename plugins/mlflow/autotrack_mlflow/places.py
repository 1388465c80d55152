"""Where artifacts of MLflow's lie, and which of those places may be read.

An address in a database or in a folder that came from elsewhere may name any file of this machine. Read is what lies
inside the place that was named on the command line, and what ``--artifacts`` adds to it; no link is followed.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import unquote, urlsplit

from autotrack.plugin import ArtifactError, artifacts_at, shown

from .facts import FileFound, Files

if TYPE_CHECKING:
    from .wire import Wire

#: Stores of objects that are read with the user's own credentials; MLflow's spelling and fsspec's.
_REMOTE = {"s3": "s3", "s3a": "s3", "gs": "gs", "gcs": "gs", "abfs": "abfs", "abfss": "abfss", "az": "az"}


class Places:
    """Opens artifact URIs. ``roots``: folders that may be read; ``given``: what ``--artifacts`` names."""

    def __init__(self, roots: Sequence[Path] = (), given: str | None = None, wire: Wire | None = None) -> None:
        self._given = given.rstrip("/") if given else None
        self._wire = wire
        near = [Path(given)] if given and "://" not in given else []
        self._roots = [Path(os.path.realpath(root)) for root in (*roots, *near)]

    def files(self, uri: str, beside: Path | None = None) -> Files:
        """The files under a URI. ``beside``: where they lie if its folder was moved with what names it."""
        if not uri:
            return NoFiles()
        parts = urlsplit(uri)
        scheme = parts.scheme.lower()
        if scheme == "mlflow-artifacts":
            return self._proxied(unquote(parts.path).strip("/"), uri)
        if scheme in ("", "file") or len(scheme) == 1:  # one letter is a drive
            return self._near(Path(unquote(parts.path) if scheme == "file" else uri), beside)
        if scheme in _REMOTE:
            return StoredFiles(f"{_REMOTE[scheme]}://{uri.partition('://')[2]}")
        raise ArtifactError(f"its files are at {shown(uri)}, and {scheme}: is no place that artifacts are read from")

    def _proxied(self, path: str, uri: str) -> Files:
        if self._wire is not None:
            from .server import ServerFiles

            return ServerFiles(self._wire, path)
        if self._given is None:
            raise ArtifactError(
                f"its files are at {shown(uri)[:60].partition(':')[0]}:/..., behind a server; name the folder or the "
                "URI that the server keeps them in with --artifacts, or import from the server's address"
            )
        if any(part in ("", ".", "..") for part in path.split("/")):
            raise ArtifactError(f"the address {uri[:200]!r} of its files leads elsewhere")
        if "://" in self._given:
            return StoredFiles(f"{self._given}/{path}")
        return self._near(Path(self._given) / path, None)

    def _near(self, path: Path, beside: Path | None) -> Files:
        base = self._roots[0] if self._roots else Path.cwd()
        place = Path(os.path.realpath(path if path.is_absolute() else base / path))
        for candidate in (place, beside, *self._moved(path)):
            if candidate is not None and candidate.is_dir() and self._allowed(candidate):
                return NearFiles(Path(os.path.realpath(candidate)))
        if self._allowed(place):
            return NoFiles()  # MLflow makes a run's folder with its first artifact
        if not place.exists() and not place.parent.parent.exists():
            raise ArtifactError(
                f"files of its experiment were kept in {place.parent.parent}, which is not on this machine; if it was "
                "moved, name the folder where it is now with --artifacts"
            )
        raise ArtifactError(
            f"its files are under {place.parent.parent}, outside of what was named; if they are to be read, add "
            f"--artifacts {place.parent.parent.parent}"
        )

    def _moved(self, path: Path) -> Iterator[Path]:
        """Where files lie whose root was moved: ``<experiment>/<run>/artifacts`` under what was named."""
        parts = PurePosixPath(path.as_posix()).parts
        for root in self._roots:
            for count in (4, 3):
                if len(parts) > count and ".." not in parts[-count:]:
                    yield root.joinpath(*parts[-count:])

    def _allowed(self, path: Path) -> bool:
        real = Path(os.path.realpath(path))
        return any(real.is_relative_to(root) for root in self._roots)


class NoFiles:
    """A run that has none."""

    is_near = True

    def listed(self) -> Iterator[FileFound]:
        return iter(())

    def open(self, path: str) -> BinaryIO:
        raise ArtifactError(f"there is no file {path!r}")


class NearFiles:
    """Files in a folder of this machine."""

    is_near = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._storage: Any = artifacts_at(str(folder.parent))

    def listed(self) -> Iterator[FileFound]:
        yield from self._below(self._folder, "")

    def _below(self, folder: Path, above: str) -> Iterator[FileFound]:
        try:
            with os.scandir(folder) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            yield FileFound(above or ".", None, f"the folder cannot be read ({error.strerror})")
            return
        for entry in found:
            path = f"{above}{entry.name}"
            info = entry.stat(follow_symlinks=False)
            if stat.S_ISDIR(info.st_mode):
                yield from self._below(Path(entry.path), f"{path}/")
            elif stat.S_ISLNK(info.st_mode):
                yield FileFound(path, None, "it is a link, and links are not followed")
            elif stat.S_ISREG(info.st_mode):
                yield FileFound(path, info.st_size)
            else:
                yield FileFound(path, None, "it is no regular file")

    def open(self, path: str) -> BinaryIO:
        found: BinaryIO = self._storage.open(self._folder.name, path)
        return found


class StoredFiles:
    """Files in an object store."""

    is_near = False

    def __init__(self, uri: str) -> None:
        above, _, self._name = uri.rstrip("/").rpartition("/")
        self._storage: Any = artifacts_at(above)

    def listed(self) -> Iterator[FileFound]:
        waiting = [""]
        for folder in waiting:
            for entry in self._storage.list(self._name, folder):
                if entry.is_folder:
                    waiting.append(entry.path)
                else:
                    yield FileFound(entry.path, entry.size)

    def open(self, path: str) -> BinaryIO:
        found: BinaryIO = self._storage.open(self._name, path)
        return found
