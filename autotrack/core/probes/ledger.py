"""Remembers which attributes were replaced, without keeping their owners alive.

Only owner and name are written down. What stood there is held by the wrapper that stands there now: a function can
refer to its class, and a ledger that held it would keep every class that a notebook ever defined.
"""

from __future__ import annotations

import weakref
from typing import Any


class Ledger:
    """The places that were changed: owners (classes, modules; held weakly, by identity) and names."""

    def __init__(self) -> None:
        self._places: dict[int, tuple[weakref.ref[Any], list[str]]] = {}

    def add(self, owner: Any, name: str) -> None:
        entry = self._places.get(id(owner))
        if entry is None or entry[0]() is not owner:
            key = id(owner)
            entry = self._places[key] = (weakref.ref(owner, lambda ref: self._gone(key, ref)), [])
        if name not in entry[1]:
            entry[1].append(name)

    def drop(self, owner: Any, name: str) -> None:
        entry = self._places.get(id(owner))
        if entry is not None and name in entry[1]:
            entry[1].remove(name)
            if not entry[1]:
                del self._places[id(owner)]

    def entries(self) -> list[tuple[Any, str]]:
        """All places, the latest first."""
        found = [(ref(), name) for ref, names in self._places.values() for name in names]
        return [(owner, name) for owner, name in reversed(found) if owner is not None]

    def _gone(self, key: int, ref: weakref.ref[Any]) -> None:
        entry = self._places.get(key)
        if entry is not None and entry[0] is ref:
            del self._places[key]
