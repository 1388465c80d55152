"""Files at addresses elsewhere, for parameters of the type path: fetched whole, or not at all."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from autotrack.plugin import ProjectError, attempt, settings, shown

#: What is fetched: HTTP, and the stores of objects and files that fsspec has a client for.
SCHEMES = ("http", "https", "s3", "gs", "az", "abfs", "abfss", "hdfs", "ftp", "sftp", "memory")
_URI = re.compile(rf"(?:{'|'.join(SCHEMES)})://[^\x00-\x20:][^\x00-\x20]*")
_BLOCK = 1 << 20
#: Seconds until a server answers, and between two parts of its answer.
_TIMEOUT = 60.0


def is_fetched(value: str) -> bool:
    """True for an address that can be fetched from. Chained ones (``zip::``) are none."""
    return _URI.fullmatch(value) is not None and "::" not in value


def fetch(uri: str, folder: Path, name: str) -> Path:
    """The file or folder at ``uri``, put into ``folder``; ``name`` is that of the parameter.

    ProjectError where it cannot be had whole, or is too large.
    """
    last = PurePosixPath(urlsplit(uri).path).name
    target = folder / (last if last not in ("", ".", "..") else "data")
    folder.mkdir(parents=True)
    take = _http if uri.startswith("http") else _stored
    _, error = attempt(take, uri, target, _Limit(int(settings("projects")["largest_bytes"])))
    if isinstance(error, ProjectError):
        raise error
    if error is not None:
        raise ProjectError(f"cannot fetch {shown(uri)} for the parameter {name}: {error!s:.300}")
    return target


class _Limit:
    """Bytes that may still come."""

    def __init__(self, largest: int) -> None:
        self.largest = self.left = largest

    def keep(self, blocks: Iterator[bytes], target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(target, "xb") as out:
            for block in blocks:
                self.left -= len(block)
                if self.left < 0:
                    raise ProjectError(
                        f"more than {self.largest:,} bytes; AUTOTRACK_PROJECTS_LARGEST_BYTES says how much is fetched"
                    )
                out.write(block)


def _http(uri: str, target: Path, limit: _Limit) -> None:
    import urllib3

    with urllib3.PoolManager(timeout=_TIMEOUT, retries=urllib3.Retry(3, redirect=10)) as pool:
        answer = pool.request("GET", uri, preload_content=False)
        try:
            if answer.status != 200:
                raise ProjectError(f"cannot fetch {shown(uri)}: the server answers {answer.status} {answer.reason}")
            limit.keep(answer.stream(_BLOCK), target)  # an answer that breaks off is an error
        finally:
            answer.close()


def _stored(uri: str, target: Path, limit: _Limit) -> None:
    import fsspec

    store, root = fsspec.core.url_to_fs(uri)
    if not store.isdir(root):
        limit.keep(_blocks(store.open, root), target)
        return
    for path in store.find(root):
        inner = PurePosixPath(path).relative_to(PurePosixPath(root))
        if ".." in inner.parts:
            raise ProjectError(f"{shown(uri)} has a name that leads out of it: {inner}")
        limit.keep(_blocks(store.open, path), target / inner)


def _blocks(opening: Callable[..., Any], path: str) -> Iterator[bytes]:
    with opening(path, "rb") as file:
        while block := file.read(_BLOCK):
            yield block
