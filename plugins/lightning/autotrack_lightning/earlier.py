"""Which run a module was trained in: what is measured of it later goes there. Holds modules and trainers weakly."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autotrack.plugin import ProbeRun

#: Modules and trainers that are remembered at most; past it the oldest are forgotten.
MOST = 512


@dataclass(slots=True)
class Earlier:
    """A call that is over: its run, the keys of its metrics, the checkpoints that it wrote."""

    run: ProbeRun
    keys: set[str]
    digests: list[str]
    model: weakref.ref[Any]


_known: dict[int, tuple[weakref.ref[Any], Earlier]] = {}


def remember(trainer: Any, model: Any, run: ProbeRun, keys: set[str], digests: list[str]) -> None:
    """Remembers where this trainer has trained this module."""
    earlier = Earlier(run, set(keys), digests, weakref.ref(model))
    for thing in (trainer, model):
        while len(_known) >= MOST:
            _known.pop(next(iter(_known)), None)
        number = id(thing)
        _known[number] = weakref.ref(thing, lambda gone, number=number: _forget(number, gone)), earlier  # type: ignore[misc]


def earlier_of(trainer: Any, model: Any) -> Earlier | None:
    """The call that trained this module, with this trainer or another one, if its run still takes something."""
    for thing in (model, trainer):
        entry = _known.get(id(thing))
        if entry is None or entry[0]() is not thing:
            continue
        earlier = entry[1]
        if earlier.run.can_log and (model is None or earlier.model() is model):
            return earlier
    return None


def _forget(number: int, gone: object) -> None:
    entry = _known.get(number)
    if entry is not None and entry[0] is gone:
        del _known[number]
