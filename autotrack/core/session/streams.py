"""The random streams as they were when watching began, and, for a run that is rebuilt, put there again.

Generators that nobody seeds begin where the operating system says. The state of ``random`` at the beginning, the
numbers that numpy's generators began with and the seed that torch took are what it takes to draw the same again.
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

from ..guard import guard
from . import entropy

#: Names a file with the streams of the program that is rebuilt: ``{"start": FILE, "numpy": "123", "torch": 7,
#: "unseeded": ["5", "6"]}``; ``drawn`` instead of the last has what generators with a seed were answered, too.
VARIABLE = "_AUTOTRACK_STREAMS"
_NUMBER = re.compile(r"[0-9]{1,200}")
#: The state at the beginning, as ``random_state`` keeps it; None before.
at_start: bytes | None = None
#: The entropy that numpy's generator was given here, which does not say so itself.
_given: str | None = None


def begin() -> None:
    """Puts the streams where the rebuilt program had them, if this is a rebuild; then remembers how they are."""
    global at_start
    if at_start is not None:
        entropy.watch()
        return
    order = os.environ.pop(VARIABLE, None)
    if order is not None:
        guard.call("the random streams of the rebuilt run", _restore, Path(order))
    from .random_state import encoded_state

    at_start = encoded_state()[0]
    entropy.watch()


def end() -> None:
    """Watches the generators no more."""
    entropy.stop()


def numpy_entropy() -> str | None:
    """What numpy's global generator was seeded from, as a decimal number; None where it was seeded, or is not there."""
    if _given is not None:
        return _given
    state = getattr(sys.modules.get("numpy.random.mtrand"), "_rand", None)
    sequence = getattr(getattr(state, "_bit_generator", None), "_seed_seq", None)
    entropy = getattr(sequence, "entropy", None)
    return str(entropy) if isinstance(entropy, int) else None


def _restore(path: Path) -> None:
    from ..probes.imports import when_imported
    from .random_state import restore

    streams: dict[str, Any] = json.loads(path.read_text("utf-8"))
    if isinstance(streams.get("start"), str):
        restore(Path(streams["start"]).read_bytes())
    first, seed = streams.get("numpy"), streams.get("torch")
    if isinstance(first, str):
        when_imported("numpy.random", lambda module: _seed_numpy(module, int(first)))
    if isinstance(seed, int):
        when_imported("torch", lambda module: module.manual_seed(seed))
    for name in ("unseeded", "drawn"):
        drawn = streams.get(name)
        if isinstance(drawn, list):
            # After numpy's own generator, whose number is not among them.
            numbers = [number for number in drawn if isinstance(number, str) and _NUMBER.fullmatch(number)]
            entropy.watch(numbers, with_seeded=name == "drawn")


def _seed_numpy(module: Any, entropy: int) -> None:
    """The global generator as it is where its entropy was this number; its own seeding by ``seed`` is another."""
    global _given
    module.mtrand._rand._bit_generator.state = module.MT19937(module.SeedSequence(entropy)).state
    _given = str(entropy)
