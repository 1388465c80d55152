"""Looking for objects among all that the process has, without any other thread being able to notice.

``gc.get_objects`` and ``gc.get_referrers`` answer lists that hold what other threads are just building. A tuple that is
held by anybody else cannot be completed: ``tuple(x for x in ...)`` there ends with a SystemError (``_PyTuple_Resize``).
So the list must not live while another thread may run. The interpreter's lock changes hands only between steps of
Python code: here, one call into C asks for the list, chooses from it and lets go of the rest.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, compress, repeat, starmap, tee
from typing import Any

#: Seconds that a walk takes for each block of memory that Python has given out: of those there are two or three for
#: each object that is walked over. Counting the blocks takes microseconds.
A_BLOCK = 4e-8
#: Seconds of a walk up to which the heap is small.
SMALL = 0.1


def walk_seconds() -> float:
    """What a walk will take, about. Infinite where that cannot be known."""
    blocks = sys.getallocatedblocks()
    return blocks * A_BLOCK if blocks else float("inf")


def is_small() -> bool:
    """True where a walk is short enough to be made on a thread that trains, once or twice in a process."""
    return walk_seconds() <= SMALL


def objects_of(kind: type) -> list[Any]:
    """All objects of a class and its subclasses that the garbage collector knows: some tens of milliseconds."""
    return _chosen(gc.get_objects, (), (kind,))


def holders_of(obj: object, *kinds: type) -> list[Any]:
    """What of these classes refers to an object directly. As long a walk."""
    return _chosen(gc.get_referrers, (obj,), kinds)


def _chosen(ask: Callable[..., list[Any]], args: tuple[Any, ...], kinds: tuple[type, ...]) -> list[Any]:
    collecting = gc.isenabled()
    gc.disable()  # a collection in between would run what waits for objects to go: Python code
    pair: list[Any] = []
    take = pair.pop
    try:
        # list(compress(objects, map(issubclass, map(type, objects), repeat(kinds)))), with each part made when it is
        # needed: iterators that are there before the list would be in it, and a name would outlive it.
        return list(
            chain(
                filter(None, map(pair.extend, map(tee, starmap(ask, (args,))))),  # gives nothing, fills the pair
                chain.from_iterable(starmap(compress, _one(map(take, (0,)), _wanted(map(take, (0,)), kinds)))),
            )
        )
    finally:
        if collecting:
            gc.enable()


def _wanted(objects: Iterator[Any], kinds: tuple[type, ...]) -> Iterator[Any]:
    """For the one iterator over objects that ``objects`` will give: one over whether each is of the classes."""
    types = starmap(map, _one((type,), objects))
    return starmap(map, _one((issubclass,), types, (repeat(kinds),)))


def _one(*parts: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
    """The arguments of one call, made when it is made."""
    return zip(*parts, strict=True)
