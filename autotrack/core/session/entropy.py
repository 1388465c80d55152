"""The numbers that numpy's generators take from the operating system where nobody gives them a seed.

``default_rng()``, ``RandomState()``, ``SeedSequence()`` and their like ask one function of numpy's for them, which is
listened to: it answers what it always did. For a run that is rebuilt it answers what it had answered, one after the
other, so that generators without a seed begin where they began.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType
from typing import Any

from .. import process
from ..gaps import Gap
from ..probes.imports import when_imported

#: Numbers that are kept, the first ones: a program that makes generators in a loop is left alone after them.
MOST = 100
_MODULE, _FUNCTION = "numpy.random.bit_generator", "randbits"
#: Code, by module and name, that makes ``RandomState(seed)`` of seeds alone: numpy asks for a number first, and throws
#: it away. scikit-learn does so for each tree of a forest.
_SEEDING = ("sklearn.utils.validation", "check_random_state")

#: What was asked for and not thrown away, as decimal numbers, and whether there were more.
_drawn: list[str] = []
_too_many = False
#: What the rebuilt run had been answered and has not been asked for again.
_kept: Iterator[str] = iter(())
#: True where what was thrown away is among that, too, as in what older versions kept.
_with_seeded = False
#: What takes back the wish to listen, and what ends it.
_cancel: Callable[[], None] | None = None
_restore: Callable[[], None] | None = None
_unknown = False
_on_fork = False


def watch(kept: Sequence[str] = (), *, with_seeded: bool = False) -> None:
    """Listens from the moment on at which numpy's own generator is there. ``kept``: what is answered first;
    ``with_seeded``: to generators that are given a seed, too."""
    global _kept, _with_seeded, _cancel, _on_fork
    if kept:
        _kept, _with_seeded = iter(list(kept)), with_seeded
    if not _on_fork:
        _on_fork = True
        process.on_fork("the generators of numpy", stop)
    if _cancel is None and not _too_many:
        _cancel = when_imported("numpy.random", _listen)


def stop() -> None:
    """Listens no more; numpy's function is its own again."""
    global _cancel, _restore, _kept
    ends = [end for end in (_cancel, _restore) if end is not None]
    _cancel, _restore, _kept = None, None, iter(())
    for end in ends:
        end()


def drawn() -> list[str]:
    """What was asked for so far, as decimal numbers in their order."""
    return list(_drawn)


def gaps() -> list[Gap]:
    """What of it is not known."""
    if _too_many:
        what = f"more than {MOST} generators of numpy were made without a seed: where later ones began is not kept"
        return [Gap("seeds", what, "Make one generator, or give default_rng a seed")]
    if _unknown:
        what = "where generators of numpy began that were made without a seed is not known of this version of it"
        return [Gap("seeds", what, "Give default_rng a seed, or install a current numpy")]
    return []


def _listen(numpy_random: ModuleType) -> None:
    """Puts a listener in the place of the function, which is looked up by its name at each call."""
    global _restore, _unknown
    module = sys.modules.get(_MODULE)
    original: Callable[[int], int] | None = getattr(module, _FUNCTION, None)
    if original is None or module is None:
        _unknown = True
        return

    def randbits(k: int) -> int:
        caller = sys._getframe().f_back
        is_seeded = caller is not None and (caller.f_globals.get("__name__"), caller.f_code.co_name) == _SEEDING
        again = next(_kept, None) if _with_seeded or not is_seeded else None
        number = original(k) if again is None else int(again)
        if _restore is restore and not is_seeded:
            _note(number)
        return number

    def restore() -> None:
        if getattr(module, _FUNCTION, None) is randbits:
            setattr(module, _FUNCTION, original)

    setattr(module, _FUNCTION, randbits)
    _restore = restore


def _note(number: Any) -> None:
    global _too_many
    if len(_drawn) < MOST:
        _drawn.append(str(number))
    else:
        _too_many = True
        stop()
