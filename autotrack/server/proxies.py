"""Whom a proxy speaks for: the address and the scheme of the client behind it, believed of proxies that are trusted."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Mapping
from functools import lru_cache

from autotrack.core.errors import UsageError

from .asgi import Scope

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def check_proxies(given: Collection[str]) -> None:
    """UsageError for what is neither an address nor a network."""
    for each in given:
        try:
            ipaddress.ip_network(each, strict=False)
        except ValueError:
            raise UsageError(
                f"--trusted-proxy {each[:80]} is no address and no network, such as 10.0.0.7 or 10.0.0.0/8"
            ) from None


class Proxies:
    """The proxies whose ``X-Forwarded-For`` and ``X-Forwarded-Proto`` are believed."""

    def __init__(self, trusted: Collection[str] = ()) -> None:
        self._networks: list[Network] = [ipaddress.ip_network(each, strict=False) for each in trusted]
        self.trusts = lru_cache(4096)(self._trusts)

    def see_through(self, scope: Scope, headers: Mapping[bytes, bytes]) -> None:
        """Puts into a request's scope who its client is, where a trusted proxy says so.

        The addresses in the header are read from the end, where the nearest proxy has added the one that it saw: the
        first that is no proxy of ours is the client. What stands before it anybody may have written.
        """
        client = scope.get("client")
        if not self._networks or not client or not self.trusts(str(client[0])):
            return
        values = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
        hops = [hop.strip() for hop in b",".join(values).decode("latin-1").split(",")]
        for hop in reversed(hops):
            address = _address(hop)
            if address is None:
                break
            scope["client"] = (address, 0)
            if not self.trusts(address):
                break
        if headers.get(b"x-forwarded-proto", b"").strip().lower() == b"https":
            scope["scheme"] = "https"

    def _trusts(self, address: str) -> bool:
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
            found = found.ipv4_mapped
        return any(found in network for network in self._networks)


def _address(hop: str) -> str | None:
    """An address as proxies write it, some with a port; None for what is none."""
    if hop.startswith("["):
        hop = hop[1:].partition("]")[0]
    elif hop.count(":") == 1:
        hop = hop.partition(":")[0]
    try:
        return str(ipaddress.ip_address(hop))
    except ValueError:
        return None
