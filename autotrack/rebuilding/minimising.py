"""Which few of many things it takes, found with few tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def least(items: Sequence[T], does: Callable[[Sequence[T]], bool]) -> list[T]:
    """The items without which it is not done any more, in their order; all together do it, and none of them does not.

    ``does`` is asked of sets of items, of none twice. Where more items never undo what fewer do, none of the answer can
    be left out; in any case the answer itself does it. The shortest beginning that does it ends with an item that it
    takes; then the same is asked of what stands before that one: dichotomic search (Hemery, Lecoutre, Sais and
    Boussemart, "Extracting MUCs from constraint networks", ECAI 2006). Beginnings grow by doubling, so that one item of
    n costs 2 log2(place) tests: the likeliest ones are to stand first.
    """
    needed: list[T] = []
    rest = list(items)
    while rest and not (needed and does(needed)):
        short, size = 0, 1
        while size < len(rest) and not does([*needed, *rest[:size]]):
            short, size = size, 2 * size
        enough = min(size, len(rest))
        while enough - short > 1:
            middle = (short + enough) // 2
            if does([*needed, *rest[:middle]]):
                enough = middle
            else:
                short = middle
        needed.append(rest[enough - 1])
        rest = rest[: enough - 1]
    return needed[::-1]
