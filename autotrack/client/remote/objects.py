"""Contents by their sha256 on a server, with those of this machine in front."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from autotrack.core.errors import ArtifactError, StoreError
from autotrack.core.objects import Objects

from .connection import Connection

#: Contents that are asked for at a time.
MANY = 500

_API = ("api", "v1", "objects")


class RemoteObjects:
    """The objects of a server (``core.sink.Contents``). What was put or fetched here is kept in ``local``, too."""

    def __init__(self, connection: Connection, local: Objects) -> None:
        self._connection = connection
        self._local = local

    def put(self, content: bytes) -> str:
        """Keeps content, here and there; answers its sha256."""
        digest = self._local.put(content)
        self.put_object(digest, content)
        return digest

    def put_object(self, digest: str, content: bytes) -> None:
        """Sends a content."""
        self._connection.json("PUT", *_API, digest, body=content)

    def get(self, digest: str) -> bytes:
        """The content with that sha256 (NotFoundError; ArtifactError where what came is another)."""
        if self._local.has(digest):
            return self._local.get(digest)
        content = self._connection.read(*_API, self._local.path(digest).parent.name + self._local.path(digest).name)
        if hashlib.sha256(content).hexdigest() != digest:
            raise ArtifactError(f"what came as the object {digest} is another content; ask again")
        try:
            self._local.put(content)
        except OSError:  # a disk that takes nothing: it is fetched again the next time
            pass
        return content

    def has(self, digest: str) -> bool:
        """True where the content is kept, here or there."""
        return self._local.has(digest) or not self.missing([digest])

    def renew(self, digest: str) -> bool:
        """True where the server keeps the content: from now on as if it had just been put."""
        return not self.missing([digest])

    def missing(self, digests: Sequence[str]) -> set[str]:
        """Which of these contents the server does not have."""
        found: set[str] = set()
        for start in range(0, len(digests), MANY):
            some = list(digests[start : start + MANY])
            answer = self._connection.send("POST", *_API, "missing", document={"digests": some})
            listed = answer.get("digests") if isinstance(answer, dict) else None
            if not isinstance(listed, list):
                raise StoreError(f"{self._connection.shown} answered with no list of contents")
            found |= set(some).intersection(map(str, listed))
        return found
