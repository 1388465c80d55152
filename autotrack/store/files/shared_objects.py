"""Objects that several machines share: kept under a URI that fsspec reaches, with a copy here of what was used here."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from autotrack.core.addresses import shown
from autotrack.core.artifact_paths import TEMPORARY
from autotrack.core.errors import ArtifactError, NotFoundError
from autotrack.core.objects import Objects, is_digest, unpacked


class SharedObjects(Objects):
    """As ``Objects``: ``root`` is this machine's folder, ``uri`` the place that everybody reads from.

    What is put is here and there when the call returns; what is not here is fetched, and checked, when it is asked for.
    """

    def __init__(self, root: Path, uri: str) -> None:
        super().__init__(root)
        self.uri = uri.rstrip("/")
        self._there: tuple[Any, str] | None = None

    def put(self, content: bytes) -> str:
        digest = super().put(content)
        self.share(digest)
        return digest

    def renew(self, digest: str) -> bool:
        if not super().renew(digest):
            return self.has(digest)
        return True

    def get(self, digest: str) -> bytes:
        if not super().has(digest):
            self._fetch(digest)
        return super().get(digest)

    def has(self, digest: str) -> bool:
        return super().has(digest) or self._exists(digest)

    def read_again(self) -> Iterator[tuple[str, bytes | None]]:
        """See ``Objects``: of the place that everybody reads from, not of the copies here."""
        storage, folder = self._storage()
        try:
            storage.invalidate_cache()
            found = sorted(str(path) for path in storage.find(folder))
        except FileNotFoundError:
            return
        except (OSError, ValueError, RuntimeError) as error:
            raise ArtifactError(f"could not list the objects in {shown(self.uri)} ({error})") from error
        for path in found:
            digest = "".join(path.rsplit("/", 2)[-2:])
            if not is_digest(digest):
                continue
            try:
                packed = storage.cat_file(path)
            except FileNotFoundError:
                continue
            except (OSError, ValueError, RuntimeError) as error:
                raise ArtifactError(f"could not read the object {digest} from {shown(self.uri)} ({error})") from error
            yield digest, unpacked(digest, packed)

    def share_all(self) -> None:
        """Has everything that was put into this machine's folder there as well: a training process puts it there only.

        What is there already is remembered in a file, so that it costs nothing to ask again.
        """
        noted = self.root / ".shared"
        known = set(noted.read_text("ascii").split()) if noted.exists() else set()
        for digest in self:
            if digest not in known:
                self.share(digest)
                with noted.open("a", encoding="ascii") as file:
                    file.write(f"{digest}\n")

    def share(self, digest: str) -> None:
        """Has a content of this machine there as well (ArtifactError where that fails)."""
        if self._exists(digest):
            return
        storage, folder = self._storage()
        target = f"{folder}/{digest[:2]}/{digest[2:]}"
        partial = f"{folder}/{digest[:2]}/{TEMPORARY}{secrets.token_hex(8)}"
        try:
            storage.makedirs(f"{folder}/{digest[:2]}", exist_ok=True)
            storage.pipe_file(partial, self.path(digest).read_bytes())
            storage.mv(partial, target)
        except (OSError, ValueError, RuntimeError) as error:
            raise ArtifactError(f"could not put the object {digest} to {shown(self.uri)} ({error})") from error

    def _fetch(self, digest: str) -> None:
        storage, folder = self._storage()
        path = self.path(digest)
        try:
            packed = storage.cat_file(f"{folder}/{digest[:2]}/{digest[2:]}")
        except FileNotFoundError:
            raise NotFoundError(f"there is no object {digest} in {shown(self.uri)}") from None
        except (OSError, ValueError, RuntimeError) as error:
            raise ArtifactError(f"could not read the object {digest} from {shown(self.uri)} ({error})") from error
        self._write(path, packed)

    def _exists(self, digest: str) -> bool:
        self.path(digest)
        storage, folder = self._storage()
        try:
            storage.invalidate_cache()
            return bool(storage.exists(f"{folder}/{digest[:2]}/{digest[2:]}"))
        except (OSError, ValueError, RuntimeError) as error:
            raise ArtifactError(f"could not look for the object {digest} in {shown(self.uri)} ({error})") from error

    def _storage(self) -> tuple[Any, str]:
        if self._there is None:
            import fsspec

            storage, folder = fsspec.core.url_to_fs(self.uri)
            self._there = storage, str(folder).rstrip("/")
        return self._there
