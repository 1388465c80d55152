"""What every request passes before a route is looked for: who it says it is for, where it comes from, how large it is.

A browser sends requests of any page to any address. The Host header tells a page of another site whose name was bound
to this machine's address (DNS rebinding); Origin and Sec-Fetch-Site tell a form or a script of another site.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Mapping

from . import limits
from .asgi import Scope
from .errors import ApiError

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_PORT = re.compile(r"[0-9]{1,5}")
_NAME = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?")
_FORGED = "this request comes from a page of another site ({}); it is not answered"


class Gate:
    """Refuses what is not meant for this server. ``hosts`` are the names, besides loopback, that it is known by."""

    def __init__(self, hosts: Collection[str] = ()) -> None:
        self._hosts = frozenset(host.lower().strip("[]") for host in hosts) | {"localhost"}

    def check(self, scope: Scope, headers: Mapping[bytes, bytes]) -> None:
        """Raises ApiError (421, 403, 414, 431) for a request that is not to be answered."""
        path: str = scope["path"]
        if not path.startswith("/"):
            raise ApiError(421, "BAD_REQUEST", "a request names a path that begins with /")
        raw: bytes = scope.get("raw_path") or b""
        if len(raw) + len(scope["query_string"]) > limits.URL:
            raise ApiError(414, "BAD_REQUEST", f"a URL has at most {limits.URL:,} bytes here")
        size = hosts = 0
        for name, value in scope["headers"]:
            size += len(name) + len(value)
            hosts += name == b"host"
        if size > limits.HEADERS:
            raise ApiError(431, "BAD_REQUEST", f"headers have at most {limits.HEADERS:,} bytes in all here")
        host = headers.get(b"host", b"")
        if hosts != 1 or not self.knows(host):
            shown = host.decode("latin-1")[:80]
            raise ApiError(
                421,
                "BAD_REQUEST",
                f"this server is not known as {shown!r}; start it with --allowed-host to have it answer to that name",
            )
        if scope["method"] not in SAFE:
            self._check_origin(scope, headers, host)

    def knows(self, host: bytes) -> bool:
        """True where a Host header names this server: by a loopback address or one of its names, on any port."""
        name, port = _split(host.decode("latin-1").lower())
        if port is not None and not (_PORT.fullmatch(port) and 0 < int(port) < 65536):
            return False
        if name in self._hosts:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return str(address) == name and address.is_loopback and "%" not in name

    def _check_origin(self, scope: Scope, headers: Mapping[bytes, bytes], host: bytes) -> None:
        site = headers.get(b"sec-fetch-site")
        if site is not None and site not in (b"same-origin", b"none"):
            raise ApiError(403, "PERMISSION_DENIED", _FORGED.format(f"Sec-Fetch-Site: {site.decode('latin-1')[:40]}"))
        origin = headers.get(b"origin")
        if origin is not None:
            own = f"{scope.get('scheme', 'http')}://{host.decode('latin-1').lower()}"
            if origin.decode("latin-1").lower() not in (own, f"https://{host.decode('latin-1').lower()}"):
                raise ApiError(403, "PERMISSION_DENIED", _FORGED.format(f"Origin: {origin.decode('latin-1')[:80]}"))


def _split(host: str) -> tuple[str, str | None]:
    """A Host header's name and port; the name is empty where it is malformed."""
    if host.startswith("["):
        name, bracket, rest = host[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            return "", None
        return name, rest[1:] if rest else None
    name, colon, port = host.partition(":")
    if not _NAME.fullmatch(name):
        return "", None
    return name, port if colon else None
