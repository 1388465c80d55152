"""Which modules a parameter is in, without a search among all objects: modules are noted when they are made.

What is in them is looked at when it is asked for: by then they are complete.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from typing import Any

#: Entries from which on those of modules that are gone are dropped, again and again when their number has doubled.
MOST = 4096


class Holders:
    """The modules of this process by what is directly in them: parameters and modules. Holds all of them weakly.

    Threads may use it at once: each change is one step, and what a race loses is an entry that is not found.
    """

    def __init__(self) -> None:
        #: All modules that are noted, and those that nobody has looked into, by their ids.
        self._known: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
        self._fresh: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
        #: By the id of a parameter or module: the modules that it is in, or was in, by theirs.
        self._of: dict[int, dict[int, weakref.ref[Any]]] = {}
        self._most = MOST

    def note(self, module: Any) -> None:
        """A module was made, or met; it need not be complete."""
        self._fresh[id(module)] = module

    def around(self, ids: Iterable[int], anew: bool = False) -> list[Any]:
        """The modules that hold one of these parameters, by its id, themselves or somewhere below, each once. There may
        be others among them: ids are used again.

        What modules were given after they had been looked into is found only with ``anew``, which looks into all that
        are known: some microseconds for each.
        """
        for module in _alive(self._fresh):
            self._fresh.pop(id(module), None)
            self._known[id(module)] = module
            self._look_into(module)
        for module in _alive(self._known) if anew else ():
            self._look_into(module)
        self._drop()
        found: dict[int, Any] = {}
        waiting = list(ids)
        for number in waiting:  # which grows
            for module in _alive(self._of.get(number, {})):
                if id(module) not in found:
                    found[id(module)] = module
                    waiting.append(id(module))
        return list(found.values())

    def _look_into(self, module: Any) -> None:
        reference = weakref.ref(module)
        for kind in ("_parameters", "_modules"):
            for held in list(vars(module).get(kind, {}).values()):
                if held is not None:
                    self._of.setdefault(id(held), {})[id(module)] = reference

    def _drop(self) -> None:
        if len(self._of) > self._most:
            for number, known in list(self._of.items()):
                if not _alive(known):
                    self._of.pop(number, None)
            self._most = max(MOST, 2 * len(self._of))


def _alive(known: weakref.WeakValueDictionary[int, Any] | dict[int, weakref.ref[Any]]) -> list[Any]:
    references = known.valuerefs() if isinstance(known, weakref.WeakValueDictionary) else list(known.values())
    return [module for reference in references if (module := reference()) is not None]


#: The modules of this process.
holders = Holders()
