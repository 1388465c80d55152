"""Which hosts a program asked for: what came from there is nowhere kept."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import islice

from ..gaps import Gap
from ..keys import printable

#: Hosts that are named, and hosts that are remembered.
_FEW, _MOST = 3, 1000


class Hosts:
    """Names that were looked up, this machine's and those of ``near`` apart."""

    def __init__(self, near: Iterable[str]) -> None:
        here = ("", "localhost", "localhost.localdomain", "::1", "0.0.0.0", os.uname().nodename)
        self._near = {*map(_told, here), *map(_told, near)}
        self._found: dict[str, None] = {}

    def asked(self, name: object) -> None:
        """Takes in the name of a host as ``socket.getaddrinfo`` was given it."""
        host = _told(name)
        if host not in self._near and len(self._found) < _MOST:
            self._found.setdefault(host)

    def gaps(self) -> Iterator[Gap]:
        """What is not known for their sake."""
        if self._found:
            more = len(self._found) - _FEW
            named = ", ".join(islice(self._found, _FEW)) + (f" and {more} more" if more > 0 else "")
            close = "Train on a file that was downloaded before"
            yield Gap("network", f"the program asked for {named}: what came from there is not kept", close)


def _told(name: object) -> str:
    """A host's name; empty where it is a number of this machine, or none."""
    text = name.decode("ascii", "replace") if isinstance(name, bytes) else name
    return printable(text.lower())[:100] if isinstance(text, str) and not text.startswith("127.") else ""
